//! The commands, one file each.

mod agent;
mod apis;
mod call;
mod completions;
mod conformance;
mod doctor;
mod man;
mod open_data;
mod platform;
mod run;
mod serving;
mod settings;

use std::process::ExitCode;

use clap::Subcommand;

use crate::failure::{self, Failure};

/// What `wx` does.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Run(run::Options),
    Call(call::Options),
    Apis(apis::Options),
    OpenData(open_data::Options),
    Platform(platform::Options),
    Agent(agent::Options),
    Settings(settings::Options),
    Conformance(conformance::Options),
    Doctor(doctor::Options),
    Completions(completions::Options),
    Man(man::Options),
}

/// Runs a command to its end.
pub(crate) fn run(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Run(options) => run::run(&options),
        Command::Call(options) => call::run(&options),
        Command::Apis(options) => apis::run(&options),
        Command::OpenData(options) => open_data::run(options),
        Command::Platform(options) => platform::run(options),
        Command::Agent(options) => agent::run(options),
        Command::Settings(options) => settings::run(options),
        Command::Conformance(options) => conformance::run(&options),
        Command::Doctor(options) => doctor::run(&options),
        Command::Completions(options) => completions::run(&options),
        Command::Man(options) => man::run(&options),
    }
}

/// The exit code of a command that ran: whether what it was asked for is so.
fn verdict(is_so: bool) -> ExitCode {
    if is_so { ExitCode::SUCCESS } else { ExitCode::from(failure::FAILED) }
}

/// Runs what waits. One thread: the mock's time knows what runs there.
fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::failed(format!("no runtime to run in: {error}")))?;
    let outcome = runtime.block_on(work);
    runtime.shutdown_background(); // a question on the terminal that nobody waits for any more must not keep the program
    outcome
}
