//! The form of every answer.

use futures_util::{FutureExt, future::join_all};
use serde_json::{Value, json};
use wx_api::{
    Api, Profile, Request, Scope, Version,
    authorization::{AuthorizeRequest, GetSettingRequest},
    hce::StartHceRequest,
    login::{CheckSessionRequest, LoginRequest},
    user::GetUserInfoRequest,
};

use super::{says, says_exactly};
use crate::{
    Bench, Choice, Failure, Outcome, Touch,
    cases::{err_msg, field, sample, soon},
    check, check_eq,
};

pub(super) async fn success_says_api_ok(bench: Bench) -> Outcome {
    says_exactly(&bench, "login", "{}", "login:ok").await
}

pub(super) async fn failure_says_api_fail_and_why(bench: Bench) -> Outcome {
    let said = says(&bench, &bench.cx, "login", r#"{"timeout":"soon"}"#).await?;
    let reason = said.strip_prefix("login:fail ");
    check(reason.is_some_and(|reason| !reason.trim().is_empty()), format!("the errMsg of a failure is `{said}`"))
}

pub(super) async fn err_code_only_where_documented(bench: Bench) -> Outcome {
    // Neither `login` nor a parameter error has a documented code.
    for args in ["{}", r#"{"timeout":"soon"}"#] {
        let answer = bench.wx.call_json(&bench.cx, "login", args).await;
        check_eq(&format!("the errCode of login with {args}"), field(answer.json(), "errCode")?, None::<Value>)?;
    }
    Ok(())
}

pub(super) async fn err_code_is_0_on_success(bench: Bench) -> Outcome {
    let answer = bench.wx.call_json(&bench.cx, "getHCEState", "{}").await;
    check_eq("the errCode of getHCEState", field(answer.json(), "errCode")?, Some(json!(0)))
}

pub(super) async fn err_code_comes_with_failures_that_have_one(bench: Bench) -> Outcome {
    // Which code each has is their domains' business: here it is that scripts get the same one.
    let moon = "scope.moon".to_owned();
    let codes = [
        same_code(&bench, "authorize", AuthorizeRequest { scope: moon }).await?,
        same_code(&bench, "checkSession", CheckSessionRequest {}).await?,
        same_code(&bench, "startHCE", StartHceRequest { aid_list: Vec::new() }).await?,
    ];
    check(codes.iter().any(Option::is_some), "none of these failures has a code")
}

/// Fails unless a script gets the code with which the typed call fails, which is answered.
async fn same_code<R: Request>(bench: &Bench, name: &str, request: R) -> Result<Option<i32>, Failure> {
    let args = serde_json::to_string(&request).map_err(|error| Failure(error.to_string()))?;
    let code = bench.wx.call(&bench.cx, request).await.err().and_then(|error| error.code());
    if let Some(code) = code {
        let answer = bench.wx.call_json(&bench.cx, name, &args).await;
        check_eq(&format!("the errCode of {name}"), field(answer.json(), "errCode")?, Some(json!(code)))?;
    }
    Ok(code)
}

pub(super) async fn unknown_api_is_not_supported(bench: Bench) -> Outcome {
    for name in ["noSuchApi", "Login", "no\"such\\api"] {
        says_exactly(&bench, name, "{}", &format!("{name}:fail not supported")).await?;
    }
    Ok(())
}

pub(super) async fn api_newer_than_the_profile_is_not_supported(bench: Bench) -> Outcome {
    let before = Version(1, 1, 0); // `getSetting` came with 1.2.0
    let cx = bench.cx.clone().with_profile(Profile::default().with_sdk(before));
    let said = says(&bench, &cx, "getSetting", "{}").await?;
    check_eq("the errMsg of getSetting under base library 1.1.0", said.as_str(), "getSetting:fail not supported")
}

pub(super) async fn typed_and_json_agree(bench: Bench) -> Outcome {
    // Nobody has signed in: one of them answers, the other fails, and neither answers differently the second time.
    agree(&bench, "getUserInfo", GetUserInfoRequest::default()).await?;
    agree(&bench, "checkSession", CheckSessionRequest {}).await
}

pub(super) async fn denied_scope_says_auth_deny(bench: Bench) -> Outcome {
    bench.user()?.answer(Scope::UserInfo, Choice::Deny);
    let separator = bench.cx.profile().denial_separator();
    says_exactly(&bench, "getUserInfo", "{}", &format!("getUserInfo:fail{separator}auth deny")).await
}

pub(super) async fn cancel_says_fail_cancel(bench: Bench) -> Outcome {
    bench.user()?.answer(Scope::Record, Choice::Dismiss);
    says_exactly(&bench, "authorize", r#"{"scope":"scope.record"}"#, "authorize:fail cancel").await
}

pub(super) async fn a_thousand_calls_at_once_all_answer(bench: Bench) -> Outcome {
    bench.wx.call(&bench.cx, LoginRequest::default()).await?;
    let network = bench.network()?;
    network.hold();
    let mut calls = Box::pin(join_all((0..1000).map(|_| bench.wx.call_json(&bench.cx, "checkSession", "{}"))));
    // A backend may know the answer without its server; then nothing is left to wait for.
    let known = (&mut calls).now_or_never();
    soon("getSetting beside a thousand calls", bench.wx.call(&bench.cx, GetSettingRequest {})).await??;
    network.release();
    let answers = match known {
        Some(answers) => answers,
        None => soon("one of a thousand calls", calls).await?,
    };
    for (n, answer) in answers.iter().enumerate() {
        check_eq(&format!("the errMsg of call {n}"), err_msg(answer)?.as_str(), "checkSession:ok")?;
    }
    Ok(())
}

pub(super) async fn every_api_answers_its_own_name(bench: Bench) -> Outcome {
    if let Ok(finger) = bench.finger() {
        finger.touch(Touch::Cancel);
    }
    for &api in Api::ALL {
        let waits_for_ever = api == Api::StartSoterAuthentication && bench.world.finger.is_none();
        let args = if waits_for_ever { "[]" } else { sample(api).unwrap_or("{}") };
        let said = says(&bench, &bench.cx, api.name(), args).await?;
        let own = said.strip_prefix(api.name()).is_some_and(|rest| rest == ":ok" || rest.starts_with(":fail"));
        check(own, format!("{} answered `{said}`", api.name()))?;
    }
    Ok(())
}

async fn agree<R: Request>(bench: &Bench, name: &str, request: R) -> Outcome {
    let expected = match bench.wx.call(&bench.cx, request).await {
        Ok(reply) => {
            let mut fields = serde_json::to_value(reply).map_err(|error| Failure(error.to_string()))?;
            fields["errMsg"] = format!("{name}:ok").into();
            fields
        }
        Err(error) => {
            let mut fields = json!({ "errMsg": error.to_string() });
            if let Some(code) = error.code() {
                fields["errCode"] = code.into();
            }
            fields
        }
    };
    let answer = bench.wx.call_json(&bench.cx, name, "{}").await;
    let json: Value =
        serde_json::from_str(answer.json()).map_err(|error| Failure(format!("{name} answered no JSON: {error}")))?;
    check_eq(&format!("the JSON answer of {name}"), json, expected)
}
