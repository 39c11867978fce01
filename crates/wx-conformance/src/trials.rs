//! The suite as an ordinary test binary.

use std::{
    collections::BTreeMap,
    env, fs,
    io::{self, Write as _},
    path::Path,
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
};

use libtest_mimic::{Arguments, Completion, Trial};
use tokio::runtime::Builder;
use wx_api::{ApiSet, Profile};

use crate::{
    Case, CaseReport, Harness, Report, Verdict,
    all::judge_alone,
    suite::{cases, label, profiles},
};

/// Where the report goes, as JSON, when this environment variable names a file.
pub const REPORT: &str = "WX_CONFORMANCE_REPORT";

/// What was judged so far, by its place in the suite: trials end in any order.
type Verdicts = Arc<Mutex<BTreeMap<usize, CaseReport>>>;

/// Runs the suite over a backend as a test binary does: filters, `--list`, `--test-threads` and the rest work as usual.
///
/// A trial is named `login::codes_differ [android 3.16.2]`. Ignored cases show as ignored with their reason; unsupported and
/// known ones pass with `[unsupported]` or `[known failure]` before their names. With [`REPORT`] in the environment the
/// [`Report`] goes there.
pub fn main(harness: impl Harness + 'static) -> ExitCode {
    let arguments = Arguments::from_args();
    let harness: Arc<dyn Harness> = Arc::new(harness);
    let verdicts = Verdicts::default();
    let conclusion = libtest_mimic::run(&arguments, trials(&harness, &verdicts));
    if arguments.list {
        return ExitCode::SUCCESS;
    }
    let Some(path) = env::var_os(REPORT) else { return conclusion.exit_code() };
    let cases = std::mem::take(&mut *verdicts.lock().unwrap_or_else(PoisonError::into_inner)).into_values().collect();
    match write(Path::new(&path), &Report { backend: harness.name().to_owned(), cases }) {
        Ok(()) => conclusion.exit_code(),
        Err(error) => {
            let _ = writeln!(io::stderr(), "the report could not be written to {}: {error}", Path::new(&path).display());
            ExitCode::FAILURE
        }
    }
}

fn trials(harness: &Arc<dyn Harness>, verdicts: &Verdicts) -> Vec<Trial> {
    let mut trials: Vec<_> = harness
        .known_failures()
        .iter()
        .filter(|known| cases().all(|case| case.name != known.case))
        .map(|known| {
            let failure = format!("there is no case `{}`: remove it from the known failures", known.case);
            Trial::test(format!("{} [known failure]", known.case), move || Err(failure.into()))
        })
        .collect();
    let mut place = 0;
    for profile in profiles() {
        let supported = supported(harness, &profile);
        for case in cases() {
            trials.push(trial(harness, case, &profile, supported, place, verdicts));
            place += 1;
        }
    }
    trials
}

fn trial(
    harness: &Arc<dyn Harness>,
    case: &'static Case,
    profile: &Profile,
    supported: ApiSet,
    place: usize,
    verdicts: &Verdicts,
) -> Trial {
    let label = label(profile);
    let kind = if !(ApiSet::of(case.apis) - supported).is_empty() {
        "unsupported"
    } else if harness.known_failures().iter().any(|known| known.covers(case.name, &label)) {
        "known failure"
    } else {
        ""
    };
    let (harness, profile, verdicts) = (harness.clone(), profile.clone(), verdicts.clone());
    let run = move || {
        let report = judge_alone(&*harness, case, profile).map_err(|error| format!("no runtime to run in: {error}"))?;
        let verdict = report.verdict.clone();
        verdicts.lock().unwrap_or_else(PoisonError::into_inner).insert(place, report);
        match verdict {
            Verdict::Failed { reason } => Err(reason.into()),
            Verdict::Ignored { reason } => Ok(Completion::ignored_with(reason)),
            Verdict::Passed | Verdict::Unsupported { .. } | Verdict::KnownFailure { .. } => Ok(Completion::Completed),
        }
    };
    Trial::ignorable_test(format!("{} [{label}]", case.name), run).with_kind(kind)
}

/// What the backend says it does: only for the kinds that trials show, since every trial finds out for itself.
fn supported(harness: &Arc<dyn Harness>, profile: &Profile) -> ApiSet {
    let Ok(runtime) = Builder::new_current_thread().enable_all().build() else { return ApiSet::ALL };
    match runtime.block_on(harness.open(profile.clone())) {
        Ok(bench) => bench.wx.supported(&bench.cx),
        Err(_) => ApiSet::ALL,
    }
}

fn write(path: &Path, report: &Report) -> io::Result<()> {
    fs::write(path, serde_json::to_vec_pretty(report)?)
}
