use std::{env, pin::Pin, process::ExitCode, time::Duration};

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use tokio::runtime::Builder;

use crate::{REQUIRED, missing};

/// A test that needs a stack: its name, and what it does.
pub type Test = (&'static str, fn() -> Pin<Box<dyn Future<Output = ()>>>);

/// Nothing may hang for longer.
const LIMIT: Duration = Duration::from_secs(300);

/// Runs tests as a test binary does, each on a tokio runtime of one thread. On a machine without a stack they show as ignored, with
/// the reason, unless [`REQUIRED`] is set: then they fail.
pub fn main(tests: &[Test]) -> ExitCode {
    let trials = tests.iter().map(|&(name, test)| Trial::ignorable_test(name, move || run(test))).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn run(test: fn() -> Pin<Box<dyn Future<Output = ()>>>) -> Result<Completion, Failed> {
    match missing() {
        Some(missing) if env::var_os(REQUIRED).is_some() => Err(format!("{REQUIRED} is set, but {missing}").into()),
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
