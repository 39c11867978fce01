//! `wx agent pair`.

use std::{
    io::{IsTerminal as _, stdout},
    net::SocketAddr,
    process::ExitCode,
    time::Duration,
};

use clap::Args;
use qrcode::{QrCode, render::unicode::Dense1x2};
use wx_device::{Address, Invitation, KeyRing};

use super::{folder, running};
use crate::{failure::Failure, output, terminal};

/// How long an invitation is good.
const MINUTES: u64 = 10;

/// Invites one host, at the device: shows what `wx agent join` takes there, as text and as a QR code.
#[derive(Debug, Args)]
#[command(
    after_help = "Whoever has the invitation may pair by it, once, within ten minutes; an earlier one no longer works. The code is \
    shown on a terminal only.\n\nExamples:\n  \
    wx agent pair\n  \
    wx agent pair --address tcp://192.168.1.7:7411\n  \
    wx agent pair | ssh laptop wx agent join @-\n  \
    wx agent pair --address 'exec://ssh kiosk wx agent serve --stdio'"
)]
pub(super) struct Options {
    /// Where the host finds the agent; where the agent here listens unless given.
    #[arg(long, value_name = "ADDRESS")]
    address: Option<Address>,
}

/// Shows an invitation.
pub(super) fn run(options: &Options) -> Result<ExitCode, Failure> {
    let folder = folder()?;
    let keys = KeyRing::open(&folder).map_err(Failure::failed)?;
    let address = if let Some(address) = &options.address {
        address.clone()
    } else {
        let none =
            || Failure::misuse("no agent here says where it listens: start `wx agent serve --listen`, or give --address");
        reachable(running::address(&folder)?.ok_or_else(none)?)?
    };
    let invitation = Invitation::new(address, keys.offer(Duration::from_secs(MINUTES * 60)).map_err(Failure::failed)?);
    let text = invitation.expose();
    output::line(&text)?;
    if stdout().is_terminal() {
        output::line(&code(&text)?)?;
    }
    output::flush()?;
    terminal::say(&format!(
        "wx: one host may join by this within {MINUTES} minutes: `wx agent join @-` there, and keep it secret"
    ));
    Ok(ExitCode::SUCCESS)
}

/// The address, unless it is one that only a listener can use.
fn reachable(address: Address) -> Result<Address, Failure> {
    match &address {
        Address::Tcp(at) if at.parse().is_ok_and(|at: SocketAddr| at.ip().is_unspecified()) => Err(Failure::misuse(format!(
            "the agent listens at every address of this machine, {address}: give one that the host can reach, with --address"
        ))),
        _ => Ok(address),
    }
}

/// The text as a QR code: two modules in a character, and a margin as readers need it. Black on white, whatever the terminal's colours.
fn code(text: &str) -> Result<String, Failure> {
    let code = QrCode::new(text).map_err(|error| Failure::failed(format!("no code can be made of it: {error}")))?;
    let code = code.render::<Dense1x2>().build();
    let lines: Vec<String> = code.lines().map(|line| format!("\x1b[30;107m{line}\x1b[0m")).collect();
    Ok(lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_only_a_listener_can_use_is_not_shown() {
        for (text, is_shown) in
            [("tcp://0.0.0.0:1", false), ("tcp://[::]:1", false), ("tcp://10.0.0.1:1", true), ("unix:///s", true)]
        {
            assert_eq!(text.parse().is_ok_and(|address| reachable(address).is_ok()), is_shown, "{text}");
        }
    }
}
