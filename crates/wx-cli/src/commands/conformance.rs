//! `wx conformance`.

mod remote;

use std::{collections::BTreeSet, process::ExitCode};

use clap::Args;
use serde::Serialize;
use wx_conformance::{Harness, Report, Verdict, judge_all};
use wx_desktop::conformance::DesktopHarness;
use wx_mock::conformance::MockHarness;

use self::remote::Remote;
use crate::{
    backend::Backend,
    commands::verdict,
    failure::Failure,
    output,
    terminal::{self, Tone, paint},
};

/// Judges the backends of this program by the conformance suite.
#[derive(Debug, Args)]
#[command(
    after_help = "Of a device elsewhere only that can be judged which needs no hand on its world: no time that is moved, no finger, no \
    reader, no developer's server. The other cases are ignored, with what they miss. It gets a new mini-program for every case, and prompts are \
    shown at the device.\n\nExit codes:\n  0  every verdict is as it should be\n  1  one is not\n  2  no such backend, or no case matches\n\n\
    Examples:\n  \
    wx conformance\n  \
    wx conformance --backend mock --filter hce::\n  \
    wx conformance --backend tcp://192.168.1.7:7411\n  \
    wx conformance --json | jq '.backends[].cases[] | select(.verdict == \"failed\")'"
)]
pub(crate) struct Options {
    /// Only this backend.
    #[arg(long, value_name = "BACKEND")]
    backend: Option<Backend>,
    /// Only cases whose names contain this, such as `login::` or `1.9.94`.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// The reports as one JSON object.
    #[arg(long)]
    json: bool,
}

/// Judges and tells.
pub(crate) fn run(options: &Options) -> Result<ExitCode, Failure> {
    let harnesses = harnesses(options.backend.as_ref())?;
    let filter = options.filter.as_deref().unwrap_or_default();
    let mut reports = Vec::new();
    for harness in harnesses {
        let progress = |done, of| terminal::progress(&format!("{}: {done} of {of}", harness.name()));
        let report = judge_all(&*harness, filter, progress);
        terminal::progress("");
        reports.push(report.map_err(|error| Failure::failed(format!("the suite did not run: {error}")))?);
    }
    if reports.iter().all(|report| report.cases.is_empty()) {
        return Err(Failure::misuse(format!(
            "no case matches `{filter}`: names look like `login::codes_differ [android 3.16.2]`"
        )));
    }
    if options.json {
        #[derive(Serialize)]
        struct Document<'a> {
            backends: &'a [Report],
        }
        output::json(&Document { backends: &reports })?;
    } else {
        for report in &reports {
            tell(report)?;
        }
    }
    Ok(verdict(reports.iter().flat_map(|report| &report.cases).all(|case| case.verdict.is_good())))
}

fn harnesses(only: Option<&Backend>) -> Result<Vec<Box<dyn Harness>>, Failure> {
    match only {
        None => Ok(vec![Box::new(MockHarness), Box::new(DesktopHarness::default())]),
        Some(Backend::Mock) => Ok(vec![Box::new(MockHarness)]),
        Some(Backend::Desktop) => Ok(vec![Box::new(DesktopHarness::default())]),
        Some(Backend::Remote(address)) => Ok(vec![Box::new(Remote::connect(address)?)]),
    }
}

/// What needs words, then a line that says how it went.
fn tell(report: &Report) -> Result<(), Failure> {
    for case in &report.cases {
        if let Verdict::Failed { reason } = &case.verdict {
            let mark = paint("failed", Tone::Bad);
            output::line(&format!("{mark} {} {} [{}]\n    {reason}", report.backend, case.case, case.profile))?;
        }
    }
    let counts = ["passed", "failed", "unsupported", "ignored", "known to fail"]
        .into_iter()
        .filter_map(|name| {
            let count = report.cases.iter().filter(|case| word(&case.verdict) == name).count();
            (count > 0).then(|| format!("{count} {name}"))
        })
        .collect::<Vec<_>>();
    output::line(&format!("{}: {}", report.backend, counts.join(", ")))?;
    let reasons: BTreeSet<&str> = report.cases.iter().filter_map(|case| ignored(&case.verdict)).collect();
    reasons.into_iter().try_for_each(|reason| output::line(&format!("    ignored where {reason}")))
}

fn ignored(verdict: &Verdict) -> Option<&str> {
    if let Verdict::Ignored { reason } = verdict { Some(reason) } else { None }
}

fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::Failed { .. } => "failed",
        Verdict::Unsupported { .. } => "unsupported",
        Verdict::Ignored { .. } => "ignored",
        Verdict::KnownFailure { .. } => "known to fail",
    }
}
