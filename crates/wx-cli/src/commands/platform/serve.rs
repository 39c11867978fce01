//! `wx platform serve`.

use std::{net::SocketAddr, process::ExitCode, sync::Arc};

use clap::Args;
use tokio::{net::TcpListener, task::spawn_blocking};
use wx_host::TokioClock;
use wx_platform::{
    platform::{Platform, Rules, SoterDevices, UnknownApps},
    server::Server,
    store::{RedbStore, Store},
};

use super::{Data, host_key};
use crate::{
    commands::{block_on, serving::log},
    failure::Failure,
    output, terminal,
};

/// Starts the server, prints its address, and serves until it is interrupted.
#[derive(Debug, Args)]
#[command(
    after_help = "It speaks plain HTTP: put a proxy with TLS before it where others can reach it. Ctrl-C lets requests under way \
    finish.\n\nExamples:\n  \
    wx platform serve\n  \
    wx platform serve --listen 127.0.0.1:0 --data ./platform --create-apps -v"
)]
pub(super) struct Options {
    #[command(flatten)]
    data: Data,
    /// Where to listen; port 0 takes any that is free.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Makes an app as soon as a host signs a user in to it, instead of refusing.
    #[arg(long)]
    create_apps: bool,
    /// Enrols SOTER keys of this device and no other: the SHA-256 of its own key (ATTK). May be given several times.
    #[arg(long = "soter-device", value_name = "FINGERPRINT", value_parser = fingerprint)]
    soter_devices: Vec<String>,
    /// Enrols only such SOTER keys as a TPM attests.
    #[arg(long)]
    attested_soter_keys_only: bool,
    /// Logs refusals on standard error; twice, every request.
    #[arg(short, long, action = clap::ArgAction::Count)]
    verbose: u8,
}

/// Serves.
pub(super) fn run(options: &Options) -> Result<ExitCode, Failure> {
    let folder = options.data.folder()?;
    log(options.verbose);
    block_on(async {
        let data = folder.clone();
        let opened = spawn_blocking(move || RedbStore::open(&data)).await.map_err(Failure::failed)?;
        let store: Arc<dyn Store> = Arc::new(opened.map_err(Failure::failed)?);
        let unknown_apps = if options.create_apps { UnknownApps::Create } else { UnknownApps::Refuse };
        let soter_devices = match &options.soter_devices[..] {
            [] => SoterDevices::OfHosts,
            devices => SoterDevices::Pinned(devices.iter().cloned().collect()),
        };
        let attested_soter_keys_only = options.attested_soter_keys_only;
        let rules = Rules { unknown_apps, soter_devices, attested_soter_keys_only, ..Rules::default() };
        let platform = Platform::open(store.clone(), Arc::new(TokioClock), rules).await.map_err(Failure::failed)?;
        host_key::provide(&folder, &platform, &*store).await?;

        let listening = |error| Failure::failed(format!("{} cannot be listened on: {error}", options.listen));
        let listener = TcpListener::bind(options.listen).await.map_err(listening)?;
        let address = listener.local_addr().map_err(listening)?;
        let stop = terminal::interrupted()?;
        terminal::say(&format!("wx: the host key is kept in {}", host_key::path(&folder).display()));
        if !address.ip().is_loopback() {
            terminal::say("wx: secrets travel in the open on plain HTTP: put a proxy with TLS before this server");
        }
        output::line(&format!("http://{address}"))?;
        output::flush()?;
        Server::new(Arc::new(platform)).serve(listener, stop).await.map_err(Failure::failed)?;
        terminal::say("wx: stopped");
        Ok(ExitCode::SUCCESS)
    })
}

/// A fingerprint, as the server compares it.
fn fingerprint(text: &str) -> Result<String, String> {
    let text = text.to_ascii_lowercase();
    let is_one = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_one { Ok(text) } else { Err("a fingerprint has 64 hexadecimal digits".to_owned()) }
}
