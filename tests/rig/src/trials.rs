use std::{pin::Pin, process::ExitCode, time::Duration};

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use tokio::runtime::Builder;

use crate::Facility;

/// A test that needs a facility: its name, and what it does.
pub type Test = (&'static str, fn() -> Pin<Box<dyn Future<Output = ()>>>);

/// Nothing may hang for longer.
const LIMIT: Duration = Duration::from_secs(300);

/// Runs tests as a test binary does, each on a tokio runtime of one thread. On a machine without the facility they show as ignored, with
/// the reason, unless it is required: then they fail.
pub fn main(facility: &'static Facility, tests: &[Test]) -> ExitCode {
    let missing = facility.missing();
    let trial = |&(name, test): &Test| {
        let missing = missing.clone();
        Trial::ignorable_test(name, move || run(facility, missing, test))
    };
    let trials = tests.iter().map(trial).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn run(
    facility: &Facility,
    missing: Option<String>,
    test: fn() -> Pin<Box<dyn Future<Output = ()>>>,
) -> Result<Completion, Failed> {
    match missing {
        Some(missing) if facility.is_required() => Err(format!("{} is set, but {missing}", facility.required).into()),
        Some(missing) => Ok(Completion::ignored_with(missing)),
        None => {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            let ended = runtime.block_on(async { tokio::time::timeout(LIMIT, test()).await });
            runtime.shutdown_background(); // what still blocks must not hang the others
            ended.map_err(|_| format!("no end after {} s", LIMIT.as_secs()))?;
            Ok(Completion::Completed)
        }
    }
}

/// Tests by the names of their functions, module by module, for [`main`].
#[macro_export]
macro_rules! tests {
    ($($module:ident { $($test:ident),* $(,)? })*) => {
        &[$($((concat!(stringify!($module), "::", stringify!($test)), || ::std::boxed::Box::pin($module::$test()))),*),*]
    };
}
