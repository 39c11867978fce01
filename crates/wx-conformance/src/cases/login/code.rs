//! What a code is good for, how long, and for whom.

use std::{collections::BTreeSet, time::Duration};

use wx_crypto::SessionKey;

use super::{exchange, log_in, sign_in};
use crate::{Bench, Exchanged, Outcome, ServerError, check, check_eq};

const FIVE_MINUTES: Duration = Duration::from_secs(5 * 60);
const JUST_BEFORE: Duration = Duration::from_millis(5 * 60 * 1000 - 1);

pub(super) async fn answers_a_code(bench: Bench) -> Outcome {
    check(!log_in(&bench, &bench.cx).await?.is_empty(), "the code is empty")
}

pub(super) async fn codes_differ(bench: Bench) -> Outcome {
    let mut codes = BTreeSet::new();
    for nth in 1..=4 {
        check(codes.insert(log_in(&bench, &bench.cx).await?), format!("login {nth} answered the code of an earlier one"))?;
    }
    Ok(())
}

pub(super) async fn code_exchanges_for_a_session(bench: Bench) -> Outcome {
    let session = sign_in(&bench, &bench.cx).await?;
    check(!session.openid.is_empty(), "the openid is empty")?;
    check(!session.session_key.is_empty(), "the session key is empty")
}

pub(super) async fn session_key_is_16_bytes(bench: Bench) -> Outcome {
    let session = sign_in(&bench, &bench.cx).await?;
    check(SessionKey::from_base64(&session.session_key).is_ok(), "the session key is not 16 bytes in padded base64")
}

pub(super) async fn code_works_once(bench: Bench) -> Outcome {
    let code = log_in(&bench, &bench.cx).await?;
    exchange(&bench, &bench.cx, &code).await?;
    refused_with("a code exchanged before", bench.server()?.exchange(&code).await, 40163)
}

pub(super) async fn code_works_just_before_five_minutes(bench: Bench) -> Outcome {
    let code = log_in(&bench, &bench.cx).await?;
    bench.clock()?.advance(JUST_BEFORE).await;
    exchange(&bench, &bench.cx, &code).await.map(drop)
}

pub(super) async fn code_expires_after_five_minutes(bench: Bench) -> Outcome {
    let code = log_in(&bench, &bench.cx).await?;
    bench.clock()?.advance(FIVE_MINUTES).await;
    refused_with("a code five minutes old", bench.server()?.exchange(&code).await, 40029)
}

pub(super) async fn made_up_code_is_40029(bench: Bench) -> Outcome {
    let answer = bench.server()?.exchange("0a1MadeUpByNobodyInParticular00x").await;
    refused_with("a code nobody was given", answer, 40029)
}

pub(super) async fn code_of_another_app_is_40029(bench: Bench) -> Outcome {
    let code = log_in(&bench, &bench.cx).await?;
    let answer = bench.server_of(&bench.other_app())?.exchange(&code).await;
    refused_with("a code of another app", answer, 40029)
}

pub(super) async fn openid_is_stable(bench: Bench) -> Outcome {
    let first = sign_in(&bench, &bench.cx).await?;
    let second = sign_in(&bench, &bench.cx.relaunch()).await?;
    check_eq("the openid after another login", second.openid, first.openid)
}

pub(super) async fn openid_differs_between_apps(bench: Bench) -> Outcome {
    let here = sign_in(&bench, &bench.cx).await?;
    let there = sign_in(&bench, &bench.other_app()).await?;
    check(here.openid != there.openid, "two apps got the same openid")
}

pub(super) async fn unionid_only_when_bound(bench: Bench) -> Outcome {
    bench.server()?.bind(false).await?;
    check_eq("the unionid of an app that is not bound", sign_in(&bench, &bench.cx).await?.unionid, None::<String>)?;
    bench.server()?.bind(true).await?;
    let bound = sign_in(&bench, &bench.cx).await?.unionid;
    check(bound.is_some_and(|unionid| !unionid.is_empty()), "a bound app got no unionid")
}

fn refused_with(what: &str, answer: Result<Exchanged, ServerError>, errcode: i32) -> Outcome {
    check_eq(&format!("the errcode of {what}"), answer.err().map(|error| error.errcode), Some(errcode))
}
