//! An agent that is killed, at each step of a call and at random moments under load: every caller gets one answer, and it is true.
//!
//! `cargo xtask soak link` does it more often.

#![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed
#![allow(clippy::print_stdout)] // says what a long run showed; and one process tells another
#![allow(dead_code)] // of what tests share, no one uses all

mod killed;

use std::{
    collections::HashMap,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use killed::{Agent, Ran};
use wx_api::{Cx, Error, ErrorKind, Invoke as _, login::LoginRequest};
use wx_device::Device;
use wx_host::TokioClock;

fn main() -> ExitCode {
    killed::serve_if_asked();
    wx_rig::main(&[], wx_rig::tests! { kills { at_each_step, at_random } })
}

mod kills {
    use super::{STEPS, killed_at, killed_at_random};

    pub(super) async fn at_each_step() {
        for (step, answer, runs) in STEPS {
            killed_at(step, answer, runs).await;
        }
    }

    pub(super) async fn at_random() {
        killed_at_random(std::env::var("WX_SOAK_KILLS").map_or(10, |kills| kills.parse().unwrap())).await;
    }
}

/// The steps of a call that must not run twice; what its caller is answered when the agent dies there, and how often it was run.
const STEPS: [(&str, Answer, usize); 5] = [
    ("received", Answer::Result, 1), // nothing was written down: the next agent runs it
    ("begun", Answer::Unknown, 0),
    ("ran", Answer::Unknown, 1),
    ("done", Answer::Result, 1),
    ("said", Answer::Result, 1),
];

#[derive(Debug, PartialEq)]
enum Answer {
    Result,
    Unknown,
    Away,
}

fn answer<T>(result: Result<T, Error>) -> Answer {
    match result.map_err(|error| (error.kind(), error)) {
        Ok(_) => Answer::Result,
        Err((ErrorKind::OutcomeUnknown, _)) => Answer::Unknown,
        Err((ErrorKind::Unavailable, _)) => Answer::Away,
        Err((_, error)) => panic!("{error}"),
    }
}

async fn connect(agent: &Agent) -> Device {
    let device = Device::builder(agent.address(), agent.host_keys(), Arc::new(TokioClock));
    device.patience(Duration::from_secs(20)).connect().await.expect("the agent is there")
}

async fn killed_at(step: &str, expected: Answer, runs: usize) {
    let mut agent = Agent::start(Some(step)).await;
    let device = connect(&agent).await;
    let cx = Cx::new("wx4f4bc4dec97d474b");
    let (result, ()) = tokio::join!(device.invoke(&cx, LoginRequest { timeout: Some(1) }.into()), async {
        agent.wait_until_dead().await;
        agent.restart(None).await;
    });
    assert_eq!(answer(result), expected, "killed when a call was {step}");
    device.ping().await.expect("the next agent is there");
    assert_eq!(agent.ran().get(&1).copied().unwrap_or_default(), runs, "killed when a call was {step}");
}

async fn killed_at_random(kills: usize) {
    const CALLERS: u32 = 8;
    let mut agent = Agent::start(None).await;
    let device = connect(&agent).await;
    let done = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let (device, done) = (device.clone(), done.clone());
            tokio::spawn(async move {
                let (cx, mut answers) = (Cx::new("wx4f4bc4dec97d474b"), Vec::new());
                for call in (caller..).step_by(CALLERS as usize) {
                    if done.load(Ordering::SeqCst) {
                        break;
                    }
                    answers.push((call, answer(device.invoke(&cx, LoginRequest { timeout: Some(call) }.into()).await)));
                }
                answers
            })
        })
        .collect();
    for _ in 0..kills {
        let mut byte = [0];
        getrandom::fill(&mut byte).expect("randomness");
        let calls = usize::from(byte[0]) + 1;
        agent.wait_for_runs(calls).await;
        agent.kill().await;
        agent.restart(None).await;
    }
    done.store(true, Ordering::SeqCst);
    let mut answers = HashMap::new();
    for caller in callers {
        answers.extend(caller.await.expect("a caller that ends"));
    }
    let ran: Ran = agent.ran();
    let (mut results, mut unknown, mut unknown_ran) = (0, 0, 0);
    for (call, answer) in &answers {
        let times = ran.get(call).copied().unwrap_or_default();
        match answer {
            Answer::Result => results += usize::from(times == 1),
            Answer::Unknown => (unknown, unknown_ran) = (unknown + 1, unknown_ran + usize::from(times == 1)),
            Answer::Away => assert_eq!(times, 0, "call {call} was said not to have been run"),
        }
        assert!(times <= 1, "call {call} ran {times} times");
    }
    let answered = answers.values().filter(|answer| **answer == Answer::Result).count();
    assert_eq!(results, answered, "every call with a result ran once");
    println!(
        "{kills} kills, {} calls: {answered} results, {unknown} of unknown outcome, of which {unknown_ran} had run",
        answers.len()
    );
}
