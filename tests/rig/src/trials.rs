use std::{pin::Pin, process::ExitCode, time::Duration};

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use tokio::runtime::Builder;

use crate::Facility;

/// A test that needs a facility: its name, and what it does.
pub type Test = (&'static str, fn() -> Pin<Box<dyn Future<Output = ()>>>);

/// Nothing may hang for longer.
const LIMIT: Duration = Duration::from_secs(300);

/// Runs tests as a test binary does, each on a tokio runtime of one thread. On a machine that lacks one of the facilities they show as
/// ignored, with the reason, unless it is required: then they fail.
pub fn main(facilities: &[&Facility], tests: &[Test]) -> ExitCode {
    let lacks = facilities.iter().find_map(|facility| Some((facility.missing()?, facility)));
    let verdict = lacks.map(|(missing, facility)| {
        if facility.is_required() { Err(format!("{} is set, but {missing}", facility.required)) } else { Ok(missing) }
    });
    let trial = |&(name, test): &Test| {
        let verdict = verdict.clone();
        Trial::ignorable_test(name, move || match verdict {
            Some(verdict) => Ok(Completion::ignored_with(verdict?)),
            None => run(test),
        })
    };
    let trials = tests.iter().map(trial).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn run(test: fn() -> Pin<Box<dyn Future<Output = ()>>>) -> Result<Completion, Failed> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let ended = runtime.block_on(async { tokio::time::timeout(LIMIT, test()).await });
    runtime.shutdown_background(); // what still blocks must not hang the others
    ended.map_err(|_| format!("no end after {} s", LIMIT.as_secs()))?;
    Ok(Completion::Completed)
}

/// Tests by the names of their functions, module by module, for [`main`].
#[macro_export]
macro_rules! tests {
    ($($module:ident { $($test:ident),* $(,)? })*) => {
        &[$($((concat!(stringify!($module), "::", stringify!($test)), || ::std::boxed::Box::pin($module::$test()))),*),*]
    };
}
