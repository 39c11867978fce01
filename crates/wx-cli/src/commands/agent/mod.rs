//! `wx agent`.

mod devices;
mod join;
mod pair;
mod running;
mod serve;

use std::{fs, path::PathBuf, process::ExitCode};

use clap::{Args, Subcommand};

use crate::{failure::Failure, folders, link};

/// A device for hosts elsewhere: serves a backend to them, and pairs the two ends.
#[derive(Debug, Args)]
#[command(
    after_help = "Keys are kept in $XDG_STATE_HOME/wx, else in ~/.local/state/wx: in `agent` for the device, in `devices` for the \
    host. A host is let in by its key, once the two were paired.\n\nExamples:\n  \
    wx agent serve --backend desktop --listen tcp://192.168.1.7:7411   # at the device\n  \
    wx agent pair                                                     # at the device: shows an invitation\n  \
    wx agent join @-                                                  # at the host: takes the invitation\n  \
    wx run --backend tcp://192.168.1.7:7411 sign-in.js                # at the host"
)]
pub(crate) struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Serve(Box<serve::Options>),
    Pair(pair::Options),
    Join(join::Options),
    Devices(devices::ListOptions),
    Revoke(devices::RevokeOptions),
}

/// Serves, or looks after who may come.
pub(crate) fn run(options: Options) -> Result<ExitCode, Failure> {
    match options.what {
        What::Serve(options) => serve::run(&options),
        What::Pair(options) => pair::run(&options),
        What::Join(options) => join::run(&options),
        What::Devices(options) => devices::list(&options),
        What::Revoke(options) => devices::revoke(&options),
    }
}

/// The folder of this device's key, of the hosts it lets in, and of what its agent must not forget.
fn folder() -> Result<PathBuf, Failure> {
    folders::state("agent").ok_or_else(link::nowhere)
}

/// What this machine calls itself, for the other end's list.
fn machine_name() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").or_else(|_| fs::read_to_string("/etc/hostname"));
    name.ok().map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).unwrap_or_else(|| "unnamed".to_owned())
}
