//! The suite is tested itself: each of these backends is broken in one behaviour, and exactly one case must see it.
//!
//! A mutant that turns no case red means a case proves nothing; one that turns two red means a case asserts what it does not name.

#![allow(clippy::unwrap_used)] // a test may stop at the first thing that is not there

mod authorization;
mod hce;
mod list;
mod login;
mod soter;
mod spoil;
mod user;

use std::{collections::BTreeSet, process::ExitCode, sync::Arc};

use async_trait::async_trait;
use libtest_mimic::{Arguments, Failed, Trial};
use wx_api::{Host, Profile};
use wx_conformance::{Bench, Harness, Verdict, cases, judge, profiles};
use wx_mock::conformance::MockHarness;

use crate::{
    list::{Mutant, mutants},
    spoil::Spoilt,
};

struct Broken(&'static Mutant);

#[async_trait]
impl Harness for Broken {
    fn name(&self) -> &str {
        self.0.what
    }

    async fn open(&self, profile: Profile) -> Result<Bench, String> {
        let spoil = (self.0.spoil)();
        Ok(MockHarness::bench(profile, |host: Host| Spoilt { inner: Arc::new(host), spoil }))
    }
}

fn hunt(mutant: &'static Mutant) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut red = BTreeSet::new();
    for profile in profiles() {
        for case in cases() {
            let report = runtime.block_on(judge(&Broken(mutant), case, profile.clone()));
            if let Verdict::Failed { .. } = report.verdict {
                red.insert(case.name);
            }
        }
    }
    if red == BTreeSet::from([mutant.case]) {
        return Ok(());
    }
    Err(format!("{} must be seen by {} alone, was seen by {red:?}", mutant.what, mutant.case).into())
}

fn main() -> ExitCode {
    let trials = mutants().map(|mutant| Trial::test(format!("{} [{}]", mutant.case, mutant.what), move || hunt(mutant)));
    let trials = trials
        .chain([Trial::test("there are at least 25 mutants", || match mutants().count() {
            25.. => Ok(()),
            few => Err(format!("only {few}").into()),
        })])
        .collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
