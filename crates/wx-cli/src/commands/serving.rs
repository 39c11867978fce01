//! What commands share that serve until they are ended.

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
