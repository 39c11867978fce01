//! The conformance suite with scripts between the cases and the mock: each call is `wx.<api>(…)` in an engine, each subscription
//! `wx.on…`, and what the script is told is turned back into what the case expects. The verdicts must be the mock's own.
//!
//! Under the newest base library the scripts use promises, under 1.9.94 they pass callbacks: the two profiles prove both.
//!
//! What no script can see is not judged here. The kind of an error is carried past the script. Cases of the JSON edge
//! (`conventions::*` by name and text) reach the script only with what the edge lets through; `wx-js` has tests of its own for what
//! scripts get there.

mod engines;
mod told;

use std::{
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use wx_api::{ApiSet, Call, Cx, Error, ErrorKind, EventSender, Invoke, Profile, Reply, Result};
use wx_conformance::{Bench, Harness};
use wx_host::Wx;
use wx_mock::conformance::MockHarness;

fn main() -> ExitCode {
    wx_conformance::main(ThroughScripts)
}

/// The mock behind every layer, called by scripts.
struct ThroughScripts;

#[async_trait]
impl Harness for ThroughScripts {
    fn name(&self) -> &'static str {
        "mock through JavaScript"
    }

    async fn open(&self, profile: Profile) -> std::result::Result<Bench, String> {
        let bench = MockHarness.open(profile).await?;
        let scripts = Scripts { supported: bench.wx.supported(&bench.cx), below: bench.wx };
        Ok(Bench { wx: Wx::builder(scripts).build(), ..bench })
    }
}

/// A script for each call, in an engine of its own, which ends with the call: no script can take a call back, but its host can end
/// the script.
struct Scripts {
    below: Wx,
    supported: ApiSet,
}

#[async_trait]
impl Invoke for Scripts {
    async fn invoke(&self, cx: &Cx, call: Call) -> Result<Reply> {
        let failed = Arc::<Mutex<Option<ErrorKind>>>::default();
        let below = Witnessed { wx: self.below.clone(), supported: self.supported, failed: failed.clone() };
        let told = engines::call(Wx::builder(below).build(), cx, call).await?;
        let kind = *failed.lock().unwrap_or_else(PoisonError::into_inner);
        told.into_result(kind)
    }

    fn supported(&self) -> ApiSet {
        self.supported
    }

    fn subscribe(&self, cx: &Cx, out: EventSender) -> Result<()> {
        let mut wanted = self.supported.iter().filter(|&api| api.event_facts().is_some() && out.wants(api));
        wanted.try_for_each(|event| engines::listen(self.below.clone(), cx, event, out.clone()))
    }
}

/// Remembers of what kind a failure was, which no script is told.
struct Witnessed {
    wx: Wx,
    supported: ApiSet,
    failed: Arc<Mutex<Option<ErrorKind>>>,
}

#[async_trait]
impl Invoke for Witnessed {
    async fn invoke(&self, cx: &Cx, call: Call) -> Result<Reply> {
        let result = self.wx.invoke(cx, call).await;
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = result.as_ref().err().map(Error::kind);
        result
    }

    fn supported(&self) -> ApiSet {
        self.supported
    }

    fn subscribe(&self, _: &Cx, _: EventSender) -> Result<()> {
        Ok(()) // what only calls listens to nothing
    }
}
