//! `wx conformance`.

use std::{
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use clap::Args;
use serde::Serialize;
use wx_api::Profile;
use wx_conformance::{Case, CaseReport, Harness, Report, Verdict, cases, judge, label, profiles};
use wx_desktop::conformance::DesktopHarness;
use wx_mock::conformance::MockHarness;

use crate::{
    backend::{self, Backend},
    commands::verdict,
    failure::Failure,
    output,
    terminal::{self, Tone, paint},
};

/// Judges the backends of this program by the conformance suite.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes:\n  0  every verdict is as it should be\n  1  one is not\n  2  no such backend, or no case matches\n\n\
    Examples:\n  \
    wx conformance\n  \
    wx conformance --backend mock --filter hce::\n  \
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

/// What to judge: a case under a profile.
type Trial = (&'static Case, Profile);

/// Judges and tells.
pub(crate) fn run(options: &Options) -> Result<ExitCode, Failure> {
    let harnesses = harnesses(options.backend.as_ref())?;
    let trials = trials(options.filter.as_deref().unwrap_or_default());
    if trials.is_empty() {
        let filter = options.filter.as_deref().unwrap_or_default();
        return Err(Failure::misuse(format!(
            "no case matches `{filter}`: names look like `login::codes_differ [android 3.16.2]`"
        )));
    }
    let mut reports = Vec::new();
    for harness in harnesses {
        let cases = judge_all(&*harness, &trials)?;
        reports.push(Report { backend: harness.name().to_owned(), cases });
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
        Some(Backend::Remote(url)) => Err(Failure::misuse(backend::no_link(url))),
    }
}

fn trials(filter: &str) -> Vec<Trial> {
    let all = profiles().into_iter().flat_map(|profile| cases().map(move |case| (case, profile.clone())));
    all.filter(|(case, profile)| format!("{} [{}]", case.name, label(profile)).contains(filter)).collect()
}

/// Judges every trial, several at once, each in a runtime of its own. The reports keep the order of the trials.
fn judge_all(harness: &dyn Harness, trials: &[Trial]) -> Result<Vec<CaseReport>, Failure> {
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let reports = Mutex::new(Vec::with_capacity(trials.len()));
    let work = || -> std::io::Result<()> {
        while let Some((index, (case, profile))) = take(&next, trials) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let report = runtime.block_on(judge(harness, case, profile.clone()));
            runtime.shutdown_background(); // what a hung case left blocking must not hang the suite
            reports.lock().unwrap_or_else(PoisonError::into_inner).push((index, report));
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            terminal::progress(&format!("{}: {done} of {}", harness.name(), trials.len()));
        }
        Ok(())
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let outcome = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(thread::ScopedJoinHandle::join).collect::<Vec<_>>()
    });
    terminal::progress("");
    for worker in outcome {
        match worker {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(Failure::failed(format!("no runtime to run in: {error}"))),
            Err(_) => return Err(Failure::failed("the suite itself panicked")),
        }
    }
    let mut reports = reports.into_inner().unwrap_or_else(PoisonError::into_inner);
    reports.sort_by_key(|(index, _)| *index);
    Ok(reports.into_iter().map(|(_, report)| report).collect())
}

fn take<'a, T>(next: &AtomicUsize, all: &'a [T]) -> Option<(usize, &'a T)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    all.get(index).map(|one| (index, one))
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
    output::line(&format!("{}: {}", report.backend, counts.join(", ")))
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
