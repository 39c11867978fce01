//! What happens at the dialog: fingers, a user who cancels, calls at once and calls broken off.

use std::{pin::pin, time::Duration};

use futures_util::future::{Either, select};
use serde_json::Value;
use wx_api::{
    Api,
    soter::{SoterCode, StartSoterAuthenticationRequest, StartSoterAuthenticationResult},
};

use super::{confirm, json, request, result::verifies, start, touched, until_dialog};
use crate::{
    case::{Bench, Failure, Outcome, check_eq, failed, failed_with},
    cases::soon,
    world::Touch,
};

pub(super) async fn reader_fault_is_90007(bench: Bench) -> Outcome {
    failed_with("a faulty reader", touched(&bench, &[Touch::Fault], request()).await?, SoterCode::Internal.code()).map(drop)
}

pub(super) async fn user_cancel_is_90008(bench: Bench) -> Outcome {
    failed_with("a cancelled dialog", touched(&bench, &[Touch::Cancel], request()).await?, SoterCode::Cancelled.code())
        .map(drop)
}

pub(super) async fn wrong_finger_may_try_again(bench: Bench) -> Outcome {
    bench.finger()?.touch(Touch::NoMatch);
    confirm(&bench, request()).await.map(drop)
}

/// Holds a wrong finger out for as long as the dialog is open.
async fn wrong_fingers(bench: &Bench) -> Result<wx_api::Result<StartSoterAuthenticationResult>, Failure> {
    /// More than any dialog takes.
    const TRIES: usize = 20;
    touched(bench, &[Touch::NoMatch; TRIES], request()).await
}

pub(super) async fn wrong_finger_is_90009(bench: Bench) -> Outcome {
    let answer = wrong_fingers(&bench).await?;
    failed_with("a dialog that saw wrong fingers only", answer, SoterCode::NotRecognized.code()).map(drop)
}

/// Wrong fingers until the reader is frozen.
async fn freeze(bench: &Bench) -> Outcome {
    const DIALOGS: usize = 10;
    for _ in 0..DIALOGS {
        let error = failed("a dialog that saw wrong fingers only", wrong_fingers(bench).await?)?;
        if error.code() == Some(SoterCode::Frozen.code()) {
            return Ok(());
        }
    }
    Err(Failure(format!("{DIALOGS} dialogs of wrong fingers never ended in {}", SoterCode::Frozen.code())))
}

pub(super) async fn too_many_tries_are_90010(bench: Bench) -> Outcome {
    freeze(&bench).await
}

pub(super) async fn frozen_reader_refuses_the_right_finger(bench: Bench) -> Outcome {
    freeze(&bench).await?;
    failed_with("the right finger", touched(&bench, &[Touch::Match], request()).await?, SoterCode::Frozen.code()).map(drop)
}

pub(super) async fn frozen_reader_thaws(bench: Bench) -> Outcome {
    /// Longer than phones stay frozen, which is half a minute at first.
    const LONG_ENOUGH: Duration = Duration::from_secs(60 * 60);
    freeze(&bench).await?;
    bench.clock()?.advance(LONG_ENOUGH).await;
    confirm(&bench, request()).await.map(drop)
}

pub(super) async fn failure_carries_empty_results(bench: Bench) -> Outcome {
    let finger = bench.finger()?;
    for (touch, challenge) in [(Touch::Cancel, "123456"), (Touch::Fault, "123456"), (Touch::Match, "")] {
        finger.touch(touch);
        let args = format!(r#"{{"requestAuthModes":["fingerPrint"],"challenge":"{challenge}"}}"#);
        let answer = json(&bench, Api::StartSoterAuthentication, &args).await?;
        finger.lift();
        has_empty_results(&answer)?;
    }
    Ok(())
}

pub(super) async fn parameter_error_carries_empty_results(bench: Bench) -> Outcome {
    for args in [
        "[]",
        "not json",
        r#"{"challenge":"123456"}"#,
        r#"{"requestAuthModes":["fingerPrint"]}"#,
        r#"{"requestAuthModes":["fingerPrint"],"challenge":"123456","authContent":5}"#,
    ] {
        has_empty_results(&json(&bench, Api::StartSoterAuthentication, args).await?)?;
    }
    Ok(())
}

/// Fails unless the answer a script gets names the mode and confirms nothing.
fn has_empty_results(answer: &Value) -> Outcome {
    check_eq("authMode", &answer["authMode"], "fingerPrint")?;
    check_eq("resultJSON", &answer["resultJSON"], "")?;
    check_eq("resultJSONSignature", &answer["resultJSONSignature"], "")
}

pub(super) async fn one_dialog_at_a_time(bench: Bench) -> Outcome {
    let finger = bench.finger()?;
    let mut first = pin!(start(&bench, request()));
    until_dialog(&mut first, &*finger, 1).await?;
    let second = pin!(start(&bench, request()));
    match soon("the second call", select(second, finger.wait_for_dialogs(2))).await? {
        Either::Left((second, _)) => failed_with("the second call", second, SoterCode::Internal.code()).map(drop),
        Either::Right(_) => Err(Failure("the second call showed a dialog of its own".to_owned())),
    }
}

pub(super) async fn broken_off_call_frees_the_reader(bench: Bench) -> Outcome {
    let mut call = Box::pin(start(&bench, request()));
    until_dialog(&mut call, &*bench.finger()?, 1).await?;
    drop(call);
    confirm(&bench, request()).await.map(drop)
}

pub(super) async fn next_success_after_failures_verifies(bench: Bench) -> Outcome {
    for touches in [&[Touch::NoMatch, Touch::Cancel][..], &[Touch::Fault]] {
        failed("a dialog without the right finger", touched(&bench, touches, request()).await?)?;
    }
    let challenge = "after failures".to_owned();
    verifies(&bench, &confirm(&bench, StartSoterAuthenticationRequest { challenge, ..request() }).await?)
}
