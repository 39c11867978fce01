//! `wx call`.

use std::process::ExitCode;

use clap::Args;
use serde::de::IgnoredAny;
use wx_api::Api;

use crate::{
    caller::CallerOptions,
    commands::{block_on, verdict},
    device::DeviceOptions,
    failure::Failure,
    input::Text,
    output,
};

/// Calls one API and prints the object that its callbacks get.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes:\n  \
    0  errMsg is `<api>:ok`\n  1  errMsg is `<api>:fail ..`\n  2  no such API, or arguments that are no JSON\n\n\
    Examples:\n  \
    wx call login\n  \
    wx call authorize '{\"scope\": \"scope.record\"}' --deny scope.record\n  \
    echo '{\"aid_list\": [\"F222222222\"]}' | wx call startHCE -\n  \
    wx call getHCEState --profile ios\n  \
    wx call login --backend tcp://192.168.1.7:7411")]
pub(crate) struct Options {
    /// The API, such as `login`; `wx apis` lists them.
    api: String,
    /// Its argument as JSON; `-` reads it from standard input, `@FILE` from a file.
    #[arg(value_name = "JSON")]
    args: Option<Text>,
    #[command(flatten)]
    device: DeviceOptions,
    #[command(flatten)]
    caller: CallerOptions,
}

/// Calls, prints the answer, and tells by the exit code whether it is ok.
pub(crate) fn run(options: &Options) -> Result<ExitCode, Failure> {
    known(&options.api)?;
    let args = match &options.args {
        None => None,
        Some(Text::Here(dash)) if dash == "-" => Some(Text::Stdin.read()?),
        Some(text) => Some(text.read()?),
    };
    let args = args.as_deref().map_or("{}", String::as_str);
    if let Err(error) = serde_json::from_str::<IgnoredAny>(args) {
        return Err(Failure::misuse(format!("the argument is no JSON: {error}")));
    }
    let answer = block_on(async {
        let device = options.device.open().await?;
        let answer = device.run(device.wx.call_json(&options.caller.cx(&device), &options.api, args)).await;
        device.close().await?;
        answer.ok_or_else(|| {
            Failure::failed(format!(
                "{} waits for what nobody does, such as a finger on the reader: say in a world file what happens (--world)",
                options.api
            ))
        })
    })?;
    output::line(answer.json())?;
    Ok(verdict(answer.is_ok()))
}

/// Whether this name is of an API that can be called.
fn known(name: &str) -> Result<(), Failure> {
    match Api::from_name(name) {
        Some(api) if api.facts().is_some() => Ok(()),
        Some(_) => Err(Failure::misuse(format!("{name} is an event and cannot be called: listen to it in a script, `wx run`"))),
        None => {
            let near = Api::ALL.iter().map(|api| api.name()).find(|api| api.eq_ignore_ascii_case(name));
            let hint = near.map_or_else(|| "`wx apis` lists them".to_owned(), |near| format!("did you mean {near}?"));
            Err(Failure::misuse(format!("no API is called `{}`: {hint}", name.escape_debug())))
        }
    }
}
