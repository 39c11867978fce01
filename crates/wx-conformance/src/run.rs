//! How one case is judged.

use std::{
    any::Any,
    panic::AssertUnwindSafe,
    time::{Duration, Instant},
};

use futures_util::FutureExt;
use wx_api::{Api, ApiSet, Call, ErrorKind, Profile};

use crate::{Bench, Case, CaseReport, Failure, Harness, KnownFailure, Need, Outcome, Verdict, cases, suite::label};

/// How long a case may take, opening its bench included, in real time.
pub const LIMIT: Duration = Duration::from_secs(30);

/// Judges one case on a fresh bench.
///
/// - APIs that the backend says it does not do are called all the same and must answer `<api>:fail not supported`; the case is
///   then [`Unsupported`](Verdict::Unsupported).
/// - A case that needs a handle the world does not have is [`Ignored`](Verdict::Ignored).
/// - A panic, and no end after [`LIMIT`], are failures. The limit needs a case that waits: one that blocks its thread is beyond
///   it.
/// - A [known failure](Harness::known_failures) must fail for the reason on record.
///
/// Runs within a tokio runtime that has its timers on.
pub async fn judge(harness: &dyn Harness, case: &Case, profile: Profile) -> CaseReport {
    let label = label(&profile);
    let started = Instant::now();
    let verdict = match tokio::time::timeout(LIMIT, AssertUnwindSafe(attempt(harness, case, profile)).catch_unwind()).await {
        Ok(Ok(verdict)) => verdict,
        Ok(Err(panic)) => Verdict::Failed { reason: format!("panicked: {}", panic_text(&*panic)) },
        Err(_) => Verdict::Failed { reason: format!("no end after {} s", LIMIT.as_secs()) },
    };
    let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    let known = harness.known_failures().iter().find(|known| known.covers(case.name, &label));
    CaseReport {
        case: case.name.to_owned(),
        profile: label,
        apis: case.apis.iter().map(|api| api.name().to_owned()).collect(),
        verdict: match known {
            Some(known) => hold_against(verdict, known),
            None => verdict,
        },
        micros,
    }
}

async fn attempt(harness: &dyn Harness, case: &Case, profile: Profile) -> Verdict {
    let bench = match harness.open(profile.clone()).await {
        Ok(bench) => bench,
        Err(reason) => return Verdict::Failed { reason: format!("the bench did not open: {reason}") },
    };
    if *bench.cx.profile() != profile {
        return Verdict::Failed { reason: "the bench opened under another profile than it was asked for".to_owned() };
    }
    let missing = ApiSet::of(case.apis) - bench.wx.supported(&bench.cx);
    if !missing.is_empty() {
        return unsupported(&bench, missing).await;
    }
    let lacking: Vec<_> = case.needs.iter().filter(|need| !need.is_met(&bench.world)).map(|need| need.name()).collect();
    if !lacking.is_empty() {
        return Verdict::Ignored { reason: format!("the world has no {}", lacking.join(" and no ")) };
    }
    match (case.run)(bench).await {
        Ok(()) => Verdict::Passed,
        Err(Failure(reason)) => Verdict::Failed { reason },
    }
}

/// The verdict over APIs that the backend says it does not do: calling each must say so too.
async fn unsupported(bench: &Bench, missing: ApiSet) -> Verdict {
    for api in missing.iter() {
        if let Err(Failure(reason)) = says_so(bench, api).await {
            return Verdict::Failed { reason };
        }
    }
    Verdict::Unsupported { apis: missing.iter().map(|api| api.name().to_owned()).collect() }
}

async fn says_so(bench: &Bench, api: Api) -> Outcome {
    let name = api.name();
    if api.event_facts().is_some() {
        return match bench.wx.subscribe(&bench.cx, api) {
            Err(error) if error.kind() == ErrorKind::Unsupported => Ok(()),
            Err(error) => Err(Failure(format!("{name} is not supported, yet listening to it fails with `{error}`"))),
            Ok(_) => Err(Failure(format!("{name} is not supported, yet listening to it works"))),
        };
    }
    let args = cases::sample(api).ok_or_else(|| Failure(format!("the suite has no sample of {name}")))?;
    let expected = format!("{name}:fail not supported");
    let answer = bench.wx.call_json(&bench.cx, name, args).await;
    let said = cases::err_msg(&answer)?;
    if answer.is_ok() || said != expected {
        return Err(Failure(format!("{name} is not supported, yet it answered `{said}` instead of `{expected}`")));
    }
    let call = Call::deserialize(api, &mut serde_json::Deserializer::from_str(args))
        .map_err(|error| Failure(format!("the suite's sample of {name} is no call: {error}")))?;
    match bench.wx.invoke(&bench.cx, call).await {
        Err(error) if error.kind() == ErrorKind::Unsupported => Ok(()),
        Err(error) => Err(Failure(format!("{name} is not supported, yet its failure is of the kind {:?}", error.kind()))),
        Ok(_) => Err(Failure(format!("{name} is not supported, yet it works"))),
    }
}

fn hold_against(verdict: Verdict, known: &KnownFailure) -> Verdict {
    match verdict {
        Verdict::Passed => Verdict::Failed { reason: "passes now: remove it from the known failures".to_owned() },
        Verdict::Failed { .. } if known.reason.is_empty() => {
            Verdict::Failed { reason: "a known failure without a reason forgives nothing: write the reason down".to_owned() }
        }
        Verdict::Failed { reason } if reason.contains(known.reason) => {
            Verdict::KnownFailure { reason: known.reason.to_owned() }
        }
        Verdict::Failed { reason } => {
            Verdict::Failed { reason: format!("{reason} (the known failure is another one: {})", known.reason) }
        }
        unjudged => unjudged,
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (_, Some(text)) => text,
        _ => "with something that is no text",
    }
}

impl Need {
    /// The name of the handle.
    pub fn name(self) -> &'static str {
        match self {
            Self::Clock => "clock",
            Self::User => "user",
            Self::Server => "server",
            Self::Network => "network",
            Self::Finger => "finger",
            Self::Radio => "radio",
            Self::Reader => "reader",
        }
    }
}
