//! The session behind the code: its key, and how long it lives.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::{FutureExt, future::join};
use wx_api::{
    Api, Cx, ErrorKind,
    login::{CheckSessionRequest, LoginRequest},
    user::GetUserInfoRequest,
};
use wx_crypto::signature;

use super::{LONG_UNUSED, exchange, log_in, sign_in};
use crate::{
    Bench, Failure, Outcome,
    cases::{field, signature::session_key, soon},
    check, check_eq, failed, failed_with,
};

const RAW_DATA: &str = r#"{"nickName":"Band"}"#;
const HALF_A_DAY: Duration = Duration::from_secs(12 * 60 * 60);

pub(super) async fn session_key_never_reaches_the_mini_program(bench: Bench) -> Outcome {
    let login = bench.wx.call_json(&bench.cx, "login", "{}").await;
    let Some(serde_json::Value::String(code)) = field(login.json(), "code")? else {
        return Err(Failure("login answered no code".to_owned()));
    };
    let key = exchange(&bench, &bench.cx, &code).await?.session_key;
    let mut answers = vec![("login", login)];
    answers.push(("checkSession", bench.wx.call_json(&bench.cx, "checkSession", "{}").await));
    if bench.wx.supported(&bench.cx).contains(Api::GetUserInfo) {
        answers.push(("getUserInfo", bench.wx.call_json(&bench.cx, "getUserInfo", r#"{"withCredentials":true}"#).await));
    }
    let bytes = STANDARD.decode(&key).map_err(|_| Failure("the session key is not base64".to_owned()))?;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    for (name, answer) in answers {
        // A slash may be escaped in JSON, and hex comes in two cases.
        let text = answer.json().replace("\\/", "/");
        let shown = text.contains(&key) || text.to_lowercase().contains(&hex);
        check(!shown, format!("the answer of {name} shows the session key"))?;
    }
    Ok(())
}

pub(super) async fn rotates_the_session_key(bench: Bench) -> Outcome {
    let old = sign_in(&bench, &bench.cx).await?;
    let new = sign_in(&bench, &bench.cx).await?;
    check(old.session_key != new.session_key, "a new login kept the session key")
}

pub(super) async fn old_key_no_longer_verifies(bench: Bench) -> Outcome {
    let old = sign_in(&bench, &bench.cx).await?;
    sign_in(&bench, &bench.cx).await?;
    let signed = signature::sign(RAW_DATA.as_bytes(), &session_key(&old)?);
    let answer = bench.server()?.signature().verify(&old.openid, RAW_DATA, &signed).await;
    check(answer.is_err(), "data signed with the session key of an earlier login still verifies")
}

pub(super) async fn old_key_no_longer_opens(bench: Bench) -> Outcome {
    let old = sign_in(&bench, &bench.cx).await?;
    let server = bench.server()?;
    let sealed = server.signature().seal(&old.openid, RAW_DATA).await;
    let sealed = sealed.map_err(|error| Failure(format!("the server could not seal: {error}")))?;
    sign_in(&bench, &bench.cx).await?;
    let answer = server.signature().open(&old.openid, &sealed).await;
    check(answer.is_err(), "data sealed with the session key of an earlier login still opens")
}

pub(super) async fn two_at_once_both_answer(bench: Bench) -> Outcome {
    for (cx, order) in each_order(&bench) {
        let (one, two) = two_at_once(&bench, &cx, order).await?;
        check(one? != two?, format!("two logins at once got one code, {order:?}"))?;
    }
    Ok(())
}

pub(super) async fn two_at_once_agree_on_one_session(bench: Bench) -> Outcome {
    for (cx, order) in each_order(&bench) {
        let (one, two) = two_at_once(&bench, &cx, order).await?;
        let (one, two) = (one?, two?);
        if one == two {
            continue; // which is another case's business
        }
        let one = exchange(&bench, &cx, &one).await?;
        let two = exchange(&bench, &cx, &two).await?;
        check(one.session_key == two.session_key, format!("two logins at once led to two session keys, {order:?}"))?;
    }
    Ok(())
}

/// Which of two calls is driven first once the network lets them go on.
#[derive(Clone, Copy, Debug)]
enum Order {
    FirstFirst,
    SecondFirst,
}

/// Both orders, each for an app of its own.
fn each_order(bench: &Bench) -> [(Cx, Order); 2] {
    [(bench.cx.clone(), Order::FirstFirst), (bench.other_app(), Order::SecondFirst)]
}

type Code = Result<String, Failure>;

/// Two logins, both under way before the network lets either go on.
async fn two_at_once(bench: &Bench, cx: &Cx, order: Order) -> Result<(Code, Code), Failure> {
    let network = bench.network()?;
    network.hold();
    let (mut first, mut second) = (Box::pin(log_in(bench, cx)), Box::pin(log_in(bench, cx)));
    for login in [&mut first, &mut second] {
        check(login.now_or_never().is_none(), "login answered although the network holds it")?;
    }
    network.release();
    let both = async {
        match order {
            Order::FirstFirst => join(first, second).await,
            Order::SecondFirst => {
                let (second, first) = join(second, first).await;
                (first, second)
            }
        }
    };
    soon("one of two logins at once", both).await
}

pub(super) async fn check_session_ok_after_login(bench: Bench) -> Outcome {
    log_in(&bench, &bench.cx).await?;
    bench.wx.call(&bench.cx, CheckSessionRequest {}).await?;
    Ok(())
}

pub(super) async fn check_session_fails_before_login(bench: Bench) -> Outcome {
    let error = failed("checkSession", bench.wx.call(&bench.cx, CheckSessionRequest {}).await)?;
    check_eq("the kind of the failure", error.kind(), ErrorKind::Session)
}

pub(super) async fn check_session_without_login_is_13001(bench: Bench) -> Outcome {
    failed_with("checkSession", bench.wx.call(&bench.cx, CheckSessionRequest {}).await, -13001).map(drop)
}

pub(super) async fn check_session_fails_when_expired(bench: Bench) -> Outcome {
    log_in(&bench, &bench.cx).await?;
    bench.clock()?.advance(LONG_UNUSED).await;
    let error = failed_with("checkSession", bench.wx.call(&bench.cx, CheckSessionRequest {}).await, -13001)?;
    check_eq("the errMsg", error.to_string().as_str(), "checkSession:fail session time out, need relogin")
}

pub(super) async fn use_prolongs_the_session(bench: Bench) -> Outcome {
    let (unused, used) = (idle_limit(&bench, 0).await?, idle_limit(&bench, 1).await?);
    check(used > unused, format!("a session used once ended after {used:?} idle, an unused one after {unused:?}"))
}

pub(super) async fn more_use_prolongs_it_more(bench: Bench) -> Outcome {
    let (once, often) = (idle_limit(&bench, 1).await?, idle_limit(&bench, 5).await?);
    check(often > once, format!("a session used five times ended after {often:?} idle, one used once after {once:?}"))
}

pub(super) async fn checked_session_holds_for_this_launch(bench: Bench) -> Outcome {
    log_in(&bench, &bench.cx).await?;
    bench.wx.call(&bench.cx, CheckSessionRequest {}).await?;
    bench.clock()?.advance(LONG_UNUSED).await;
    bench.wx.call(&bench.cx, CheckSessionRequest {}).await?;
    Ok(())
}

pub(super) async fn next_launch_checks_afresh(bench: Bench) -> Outcome {
    log_in(&bench, &bench.cx).await?;
    bench.wx.call(&bench.cx, CheckSessionRequest {}).await?;
    bench.clock()?.advance(LONG_UNUSED).await;
    let answer = bench.wx.call(&bench.cx.relaunch(), CheckSessionRequest {}).await;
    failed("checkSession in the next launch", answer).map(drop)
}

pub(super) async fn check_session_keeps_the_key(bench: Bench) -> Outcome {
    let session = sign_in(&bench, &bench.cx).await?;
    bench.wx.call(&bench.cx, CheckSessionRequest {}).await?;
    let signed = signature::sign(RAW_DATA.as_bytes(), &session_key(&session)?);
    let answer = bench.server()?.signature().verify(&session.openid, RAW_DATA, &signed).await;
    check(answer.is_ok(), "after checkSession the session key no longer verifies")
}

pub(super) async fn login_after_expiry_starts_a_session(bench: Bench) -> Outcome {
    log_in(&bench, &bench.cx).await?;
    bench.clock()?.advance(LONG_UNUSED).await;
    log_in(&bench, &bench.cx).await?;
    bench.wx.call(&bench.cx, CheckSessionRequest {}).await?;
    Ok(())
}

/// How long a session that was used so often may idle, measured from outside: every try is a session of its own, checked once
/// and in a launch of its own, since a check holds for its launch.
async fn idle_limit(bench: &Bench, uses: u32) -> Result<Duration, Failure> {
    let mut idle = HALF_A_DAY;
    while idle < LONG_UNUSED {
        bench.wx.call(&bench.cx, LoginRequest::default()).await?;
        for _ in 0..uses {
            let with_credentials = GetUserInfoRequest { with_credentials: Some(true), lang: None };
            bench.wx.call(&bench.cx, with_credentials).await?;
        }
        bench.clock()?.advance(idle).await;
        if bench.wx.call(&bench.cx.relaunch(), CheckSessionRequest {}).await.is_err() {
            return Ok(idle);
        }
        idle += HALF_A_DAY;
    }
    Err(Failure(format!("a session used {uses} times and then left for {LONG_UNUSED:?} still lives")))
}
