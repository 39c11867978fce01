//! `wx agent devices` and `wx agent revoke`.

use std::{
    process::ExitCode,
    time::{SystemTime, UNIX_EPOCH},
};

use clap::Args;
use serde::Serialize;
use wx_device::{KeyRing, Peer};

use super::folder;
use crate::{failure::Failure, link, output, terminal};

/// Lists the devices that this host knows, and the hosts that this device lets in.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  wx agent devices\n  wx agent devices --json | jq -r '.[] | select(.kind == \"device\") | .address'"
)]
pub(super) struct ListOptions {
    /// As one array of JSON objects.
    #[arg(long)]
    json: bool,
}

/// Takes a pairing back: the host is let in no more, or the device is forgotten.
#[derive(Debug, Args)]
#[command(
    after_help = "At the device it ends what the host has going within seconds. At the host it forgets the device; let the device \
    forget the host as well.\n\nExamples:\n  wx agent revoke laptop\n  wx agent revoke nC9v5BPIuc0rBNpJLq6pZcbZTvsmEX4ZQ8LuOq0yJDI"
)]
pub(super) struct RevokeOptions {
    /// The name or the key of it, as `wx agent devices` lists them.
    #[arg(allow_hyphen_values = true)]
    name_or_key: String,
}

/// One end that this one was paired with.
#[derive(Debug, Serialize)]
struct Row {
    /// `device`, which this host may call, or `host`, which may call this device.
    kind: &'static str,
    name: String,
    key: String,
    address: Option<String>,
    /// When they were paired, in seconds since 1970.
    since: u64,
}

/// Lists.
pub(super) fn list(options: &ListOptions) -> Result<ExitCode, Failure> {
    let mut rows = Vec::new();
    for (kind, keys) in both()? {
        let row =
            |peer: Peer| Row { kind, name: peer.name, key: peer.key.to_string(), address: peer.address, since: peer.since };
        rows.extend(keys.peers().map_err(Failure::failed)?.into_iter().map(row));
    }
    if options.json {
        output::json(&rows)?;
        return Ok(ExitCode::SUCCESS);
    }
    let cells = |row: Row| {
        let address = row.address.unwrap_or_else(|| "-".to_owned());
        vec![row.kind.to_owned(), row.name, row.key, address, ago(row.since)]
    };
    output::table(&rows.into_iter().map(cells).collect::<Vec<_>>())?;
    Ok(ExitCode::SUCCESS)
}

/// Takes back.
pub(super) fn revoke(options: &RevokeOptions) -> Result<ExitCode, Failure> {
    let mut gone = 0;
    for (kind, keys) in both()? {
        let count = keys.revoke(&options.name_or_key).map_err(Failure::failed)?;
        if count > 0 {
            terminal::say(&format!("wx: {count} {kind}{} forgotten", if count == 1 { "" } else { "s" }));
        }
        gone += count;
    }
    if gone == 0 {
        let name = options.name_or_key.escape_debug();
        return Err(Failure::failed(format!("nobody has the name or the key `{name}`: `wx agent devices` lists them")));
    }
    Ok(ExitCode::SUCCESS)
}

/// Both lists that there may be, each as far as it is there: a look makes no keys.
fn both() -> Result<Vec<(&'static str, KeyRing)>, Failure> {
    let there = [("device", link::folder()?), ("host", folder()?)].into_iter().filter(|(_, folder)| folder.is_dir());
    there.map(|(kind, folder)| Ok((kind, KeyRing::open(folder).map_err(Failure::failed)?))).collect()
}

/// When that was, for a person.
fn ago(since: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    match now.saturating_sub(since) / (24 * 60 * 60) {
        0 => "today".to_owned(),
        1 => "yesterday".to_owned(),
        days => format!("{days} days ago"),
    }
}
