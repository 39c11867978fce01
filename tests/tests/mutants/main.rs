//! The suite is tested itself: each of these backends, or of the servers and readers around one, is broken in one behaviour, and
//! exactly one case must see it.
//!
//! A mutant that turns no case red means a case proves nothing; one that turns two red means a case asserts what it does not name.

#![allow(clippy::unwrap_used)] // a test may stop at the first thing that is not there

mod authorization;
mod conventions;
mod hce;
mod list;
mod login;
mod outside;
mod signature;
mod soter;
mod spoil;
mod user;

use std::{collections::BTreeMap, process::ExitCode};

use async_trait::async_trait;
use libtest_mimic::{Arguments, Failed, Trial};
use wx_api::Profile;
use wx_conformance::{Bench, Harness, Verdict, cases, judge, profiles};

use crate::{
    list::{Mutant, mutants},
    spoil::Spoil,
};

struct Broken {
    what: &'static str,
    spoil: fn() -> Spoil,
}

#[async_trait]
impl Harness for Broken {
    fn name(&self) -> &str {
        self.what
    }

    async fn open(&self, profile: Profile) -> Result<Bench, String> {
        Ok((self.spoil)().bench(profile))
    }
}

/// The cases that see it, and what they say.
fn seen_by(broken: &Broken) -> Result<BTreeMap<&'static str, String>, Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut red = BTreeMap::new();
    for profile in profiles() {
        for case in cases() {
            let report = runtime.block_on(judge(broken, case, profile.clone()));
            if let Verdict::Failed { reason } = report.verdict {
                red.insert(case.name, reason);
            }
        }
    }
    Ok(red)
}

fn hunt(mutant: &'static Mutant) -> Result<(), Failed> {
    let red = seen_by(&Broken { what: mutant.what, spoil: mutant.spoil })?;
    if red.keys().eq([&mutant.case]) {
        return Ok(());
    }
    Err(format!("{} must be seen by {} alone, was seen by {red:?}", mutant.what, mutant.case).into())
}

/// No case may depend on how soon a backend answers.
fn spare_the_slow() -> Result<(), Failed> {
    let red = seen_by(&Broken { what: "slow", spoil: || Spoil::slow(5) })?;
    if red.is_empty() { Ok(()) } else { Err(format!("nothing is wrong, yet there is {red:?}").into()) }
}

fn main() -> ExitCode {
    let trials = mutants().map(|mutant| Trial::test(format!("{} [{}]", mutant.case, mutant.what), move || hunt(mutant)));
    let trials = trials
        .chain([Trial::test("there are at least 60 mutants", || match mutants().count() {
            60.. => Ok(()),
            few => Err(format!("only {few}").into()),
        })])
        .chain([Trial::test("a right backend that takes its time turns no case red", spare_the_slow)])
        .collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
