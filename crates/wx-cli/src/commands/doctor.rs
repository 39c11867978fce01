//! `wx doctor`.

use std::process::ExitCode;

use clap::Args;
use wx_device::Address;

use crate::{
    backend::Backend,
    commands::{block_on, verdict},
    device,
    doctor::{Machine, Part, link},
    failure::Failure,
    output,
    soter_key::KeyOptions,
    terminal::{Tone, paint},
};

/// Says what this machine has for a backend on real hardware, and how to get the rest; or how the link to a device elsewhere is.
#[derive(Debug, Args)]
#[command(
    after_help = "A part of this machine that is missing is no failure: the exit code is 0. It is 1 when a device that was asked \
    for does not answer.\n\nExamples:\n  \
    wx doctor\n  \
    wx doctor --backend tcp://192.168.1.7:7411\n  \
    wx doctor --json | jq -r '.[] | select(.found | not) | .get'"
)]
pub(crate) struct Options {
    /// The address of an agent: looks at the link to it instead.
    #[arg(long, value_name = "ADDRESS")]
    backend: Option<Address>,
    /// As one array of JSON objects.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    soter_key: KeyOptions,
}

/// Looks and tells.
pub(crate) fn run(options: &Options) -> Result<ExitCode, Failure> {
    let (parts, is_well) = if let Some(address) = &options.backend {
        let parts = block_on(link::parts(address))?;
        let is_well = parts.iter().all(|part| part.found);
        (parts, is_well)
    } else {
        let supported = block_on(device::supported(&Backend::Desktop))?;
        let mut parts = Machine::here(supported).parts();
        parts.push(block_on(async { Ok(options.soter_key.part().await) })?);
        (parts, true)
    };
    if options.json {
        output::json(&parts)?;
        return Ok(verdict(is_well));
    }
    let width = parts.iter().map(|part| part.name.len()).max().unwrap_or(0);
    for part in &parts {
        tell(part, width)?;
    }
    Ok(verdict(is_well))
}

fn tell(part: &Part, width: usize) -> Result<(), Failure> {
    let state = if part.found { paint("found  ", Tone::Good) } else { paint("missing", Tone::Bad) };
    let detail = if part.found { part.detail.clone() } else { format!("{}; {}", part.detail, part.get) };
    let note = paint(&format!("for {}", part.serves()), Tone::Aside);
    output::line(&format!("{:width$}  {state}  {detail} ({note})", part.name))
}
