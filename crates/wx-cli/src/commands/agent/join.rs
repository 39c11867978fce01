//! `wx agent join`.

use std::process::ExitCode;

use clap::Args;
use wx_device::{Address, Invitation};

use super::machine_name;
use crate::{commands::block_on, failure::Failure, input::Text, link, terminal};

/// Pairs this host with the device whose invitation this is.
#[derive(Debug, Args)]
#[command(after_help = "Give the invitation as @FILE or @-: arguments can be seen by other users.\n\nExamples:\n  \
    wx agent join @-\n  \
    wx agent join --name laptop @invitation.txt\n  \
    ssh kiosk wx agent pair | wx agent join @-")]
pub(super) struct Options {
    /// What `wx agent pair` showed at the device, as TEXT, @FILE or @-.
    invitation: Text,
    /// What the device calls this host; the machine's name unless given.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Runs the command in an invitation to exec://. Whoever wrote the invitation has chosen it.
    #[arg(long)]
    exec: bool,
}

/// Pairs.
pub(super) fn run(options: &Options) -> Result<ExitCode, Failure> {
    let text = options.invitation.read_line()?;
    let invitation: Invitation = text.parse().map_err(Failure::misuse)?;
    let address = invitation.address();
    if let (Address::Exec(words), false) = (address, options.exec) {
        let command = words.join(" ").escape_debug().to_string();
        return Err(Failure::misuse(format!("to join, this host would run `{command}`: if that is what you want, say --exec")));
    }
    let keys = link::keys()?;
    let name = options.name.clone().unwrap_or_else(machine_name);
    let device = block_on(async {
        invitation.accept(&keys, &name).await.map_err(|error| Failure::failed(link::explain(address, &error)))
    })?;
    terminal::say(&format!("wx: paired with {device}: use it by --backend '{address}'"));
    Ok(ExitCode::SUCCESS)
}
