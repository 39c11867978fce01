//! `wx doctor`.

use std::process::ExitCode;

use clap::Args;

use crate::{
    backend::Backend,
    commands::block_on,
    device,
    doctor::{Machine, Part},
    failure::Failure,
    output,
    soter_key::KeyOptions,
    terminal::{Tone, paint},
};

/// Says what this machine has for a backend on real hardware, and how to get the rest.
#[derive(Debug, Args)]
#[command(after_help = "A part that is missing is no failure: the exit code is 0.\n\nExamples:\n  \
    wx doctor\n  \
    wx doctor --json | jq -r '.[] | select(.found | not) | .get'")]
pub(crate) struct Options {
    /// As one array of JSON objects.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    soter_key: KeyOptions,
}

/// Looks and tells.
pub(crate) fn run(options: &Options) -> Result<ExitCode, Failure> {
    let supported = block_on(device::supported(&Backend::Desktop))?;
    let mut parts = Machine::here(supported).parts();
    parts.push(options.soter_key.part());
    if options.json {
        output::json(&parts)?;
        return Ok(ExitCode::SUCCESS);
    }
    let width = parts.iter().map(|part| part.name.len()).max().unwrap_or(0);
    for part in &parts {
        tell(part, width)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn tell(part: &Part, width: usize) -> Result<(), Failure> {
    let state = if part.found { paint("found  ", Tone::Good) } else { paint("missing", Tone::Bad) };
    let detail = if part.found { part.detail.clone() } else { format!("{}; {}", part.detail, part.get) };
    let note = paint(&format!("for {}", part.serves()), Tone::Aside);
    output::line(&format!("{:width$}  {state}  {detail} ({note})", part.name))
}
