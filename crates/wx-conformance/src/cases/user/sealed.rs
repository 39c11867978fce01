//! What only the server may read, and when it comes along.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;
use wx_api::signature::Sealed;
use wx_api::{
    ErrorKind,
    user::{GetUserInfoRequest, GetUserInfoResult, UserInfo},
};

use super::{present, user_info, with_credentials};
use crate::{
    Bench, Exchanged, Failure, Outcome,
    cases::{
        login::{LONG_UNUSED, log_in, sign_in},
        signature::decrypt,
    },
    check, check_eq, failed,
};

pub(super) async fn sealed_data_opens(bench: Bench) -> Outcome {
    let session = sign_in(&bench, &bench.cx).await?;
    open(&session, with_credentials(&bench).await?).map(drop)
}

pub(super) async fn sealed_data_repeats_the_profile(bench: Bench) -> Outcome {
    let session = sign_in(&bench, &bench.cx).await?;
    let answer = with_credentials(&bench).await?;
    let plain = answer.user_info.clone();
    let sealed: UserInfo = serde_json::from_value(open(&session, answer)?)
        .map_err(|error| Failure(format!("the sealed data are no profile: {error}")))?;
    check_eq("the sealed profile", sealed, plain)
}

pub(super) async fn sealed_data_names_the_user(bench: Bench) -> Outcome {
    let session = sign_in(&bench, &bench.cx).await?;
    let data = open(&session, with_credentials(&bench).await?)?;
    check_eq("the sealed openId", &data["openId"], session.openid.as_str())
}

pub(super) async fn sealed_union_id_only_when_bound(bench: Bench) -> Outcome {
    bench.server()?.bind(false).await?;
    let session = sign_in(&bench, &bench.cx).await?;
    let data = open(&session, with_credentials(&bench).await?)?;
    check(data.get("unionId").is_none(), "the sealed data of an app that is not bound carry unionId")?;
    bench.server()?.bind(true).await?;
    let session = sign_in(&bench, &bench.cx).await?;
    let data = open(&session, with_credentials(&bench).await?)?;
    check(data["unionId"].as_str().is_some_and(|id| !id.is_empty()), "the sealed data of a bound app carry no unionId")
}

pub(super) async fn watermark_names_the_app(bench: Bench) -> Outcome {
    let session = sign_in(&bench, &bench.cx).await?;
    let data = open(&session, with_credentials(&bench).await?)?;
    check_eq("the watermark's appid", &data["watermark"]["appid"], bench.cx.app().as_str())
}

pub(super) async fn watermark_tells_the_time(bench: Bench) -> Outcome {
    let session = sign_in(&bench, &bench.cx).await?;
    let clock = bench.clock()?;
    clock.advance(Duration::from_secs(17 * 60)).await; // a watermark from before would show
    let before = clock.now().as_secs();
    let data = open(&session, with_credentials(&bench).await?)?;
    let (said, after) = (&data["watermark"]["timestamp"], clock.now().as_secs());
    let right = said.as_u64().is_some_and(|at| (before..=after).contains(&at));
    check(right, format!("the watermark's timestamp is {said}, expected {before} to {after}"))
}

pub(super) async fn iv_is_16_bytes(bench: Bench) -> Outcome {
    log_in(&bench, &bench.cx).await?;
    let iv = present("iv", with_credentials(&bench).await?.iv)?;
    let length = STANDARD.decode(&iv).map(|bytes| bytes.len());
    check(length == Ok(16), format!("the iv `{iv}` is not 16 bytes in padded base64"))
}

pub(super) async fn iv_is_new_each_time(bench: Bench) -> Outcome {
    log_in(&bench, &bench.cx).await?;
    let first = present("iv", with_credentials(&bench).await?.iv)?;
    let second = present("iv", with_credentials(&bench).await?.iv)?;
    check(first != second, "two answers have the same iv")
}

pub(super) async fn without_credentials_nothing_is_sealed(bench: Bench) -> Outcome {
    log_in(&bench, &bench.cx).await?;
    let request = GetUserInfoRequest { with_credentials: Some(false), lang: None };
    nothing_is_sealed(&bench.wx.call(&bench.cx, request).await?)
}

pub(super) async fn credentials_need_a_session(bench: Bench) -> Outcome {
    credentials_are_refused(&bench).await
}

pub(super) async fn credentials_need_a_living_session(bench: Bench) -> Outcome {
    log_in(&bench, &bench.cx).await?;
    bench.clock()?.advance(LONG_UNUSED).await;
    credentials_are_refused(&bench).await
}

pub(super) async fn credentials_come_with_a_session(bench: Bench) -> Outcome {
    log_in(&bench, &bench.cx).await?;
    let answer = user_info(&bench).await?;
    present("encryptedData", answer.encrypted_data)?;
    present("iv", answer.iv).map(drop)
}

pub(super) async fn profile_needs_no_session(bench: Bench) -> Outcome {
    nothing_is_sealed(&user_info(&bench).await?)
}

fn nothing_is_sealed(answer: &GetUserInfoResult) -> Outcome {
    check(answer.encrypted_data.is_none(), "the answer has encryptedData")?;
    check(answer.iv.is_none(), "the answer has an iv")
}

async fn credentials_are_refused(bench: &Bench) -> Outcome {
    let request = GetUserInfoRequest { with_credentials: Some(true), lang: None };
    let error = failed("getUserInfo with credentials", bench.wx.call(&bench.cx, request).await)?;
    check_eq("the kind of the failure", error.kind(), ErrorKind::Session)
}

/// Decrypts what the answer carries, as the developer's server would.
fn open(session: &Exchanged, answer: GetUserInfoResult) -> Result<Value, Failure> {
    let encrypted_data = present("encryptedData", answer.encrypted_data)?;
    decrypt(session, &Sealed { encrypted_data, iv: present("iv", answer.iv)? })
}
