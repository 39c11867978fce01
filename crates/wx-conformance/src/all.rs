//! The suite within a program that shows it in its own way.

use std::{
    io,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use tokio::runtime::Builder;
use wx_api::Profile;

use crate::{Case, CaseReport, Harness, Report, cases, judge, label, profiles};

/// Judges a backend by every case whose name, written as `login::codes_differ [android 3.16.2]`, contains `filter`: several at
/// once, as many as the machine has processors. `done` is told after each how many were judged, and of how many.
///
/// ```
/// use wx_api::Host;
/// use wx_conformance::{Plain, judge_all};
///
/// let report = judge_all(&Plain::new("nothing", Host::default), "login::codes_differ", |_, _| {}).unwrap();
/// assert!(report.cases.len() == 2 && report.cases.iter().all(|case| case.verdict.is_good()));
/// ```
///
/// # Errors
///
/// A system that has no runtime or thread to give.
pub fn judge_all(harness: &dyn Harness, filter: &str, done: impl Fn(usize, usize) + Sync) -> io::Result<Report> {
    let trials: Vec<(&Case, Profile)> = profiles()
        .into_iter()
        .flat_map(|profile| cases().map(move |case| (case, profile.clone())))
        .filter(|(case, profile)| format!("{} [{}]", case.name, label(profile)).contains(filter))
        .collect();
    let (next, judged) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let reports = Mutex::new(Vec::with_capacity(trials.len()));
    let work = || -> io::Result<()> {
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some((case, profile)) = trials.get(place) else { return Ok(()) };
            let report = judge_alone(harness, case, profile.clone())?;
            reports.lock().unwrap_or_else(PoisonError::into_inner).push((place, report));
            done(judged.fetch_add(1, Ordering::Relaxed) + 1, trials.len());
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let panicked = |_| Err(io::Error::other("the suite itself panicked"));
        workers.into_iter().try_for_each(|worker| worker.join().unwrap_or_else(panicked))
    })?;
    let mut reports = reports.into_inner().unwrap_or_else(PoisonError::into_inner);
    reports.sort_by_key(|(place, _)| *place);
    Ok(Report { backend: harness.name().to_owned(), cases: reports.into_iter().map(|(_, report)| report).collect() })
}

/// Judges one case in a runtime of its own.
pub(crate) fn judge_alone(harness: &dyn Harness, case: &Case, profile: Profile) -> io::Result<CaseReport> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let report = runtime.block_on(judge(harness, case, profile));
    runtime.shutdown_background(); // what a hung case left blocking must not hang the suite
    Ok(report)
}
