//! What commands share that serve until they are ended.

use crate::failure::Failure;

/// Ready when somebody interrupts or ends the program.
pub(super) fn interrupted() -> Result<impl Future<Output = ()> + Send, Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = |kind| signal(kind).map_err(|error| Failure::failed(format!("signals cannot be heard: {error}")));
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Logs on standard error: errors, with one more what is refused and who comes and goes, with two everything.
pub(super) fn log(verbose: u8) {
    let level = match verbose {
        0 => tracing::Level::ERROR,
        1 => tracing::Level::INFO,
        _ => tracing::Level::DEBUG,
    };
    // Nothing else sets one, and a second one would be no reason not to serve.
    let _ = tracing::subscriber::set_global_default(
        tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr).with_ansi(false).finish(),
    );
}
