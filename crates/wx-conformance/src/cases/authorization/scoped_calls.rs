//! Consent as other APIs meet it.

use wx_api::{Api, Scope, user::GetUserInfoRequest};

use super::{ask, denied};
use crate::{
    case::{Bench, Outcome, check_eq},
    world::{Choice, Shown},
};

pub(super) async fn scoped_call_prompts_by_itself(bench: Bench) -> Outcome {
    let user = bench.user()?;
    let _ = bench.wx.call(&bench.cx, GetUserInfoRequest::default()).await; // what it answers is other cases' business
    check_eq("the prompts", user.prompts(), [Shown { app: bench.cx.app().clone(), scope: Scope::UserInfo }])
}

pub(super) async fn consent_covers_later_calls(bench: Bench) -> Outcome {
    let user = bench.user()?;
    user.answer(Scope::UserInfo, Choice::Allow);
    ask(&bench, Scope::UserInfo).await?;
    let prompts = user.prompts().len();
    user.answer(Scope::UserInfo, Choice::Deny); // so that asking again would show in the answer too
    bench.wx.call(&bench.cx, GetUserInfoRequest::default()).await?;
    check_eq("the number of prompts after the call", user.prompts().len(), prompts)
}

pub(super) async fn refused_call_fails_in_its_own_name(bench: Bench) -> Outcome {
    bench.user()?.answer(Scope::UserInfo, Choice::Deny);
    let error = denied("getUserInfo", bench.wx.call(&bench.cx, GetUserInfoRequest::default()).await)?;
    check_eq("the API that failed", error.api(), Api::GetUserInfo)
}

pub(super) async fn refused_call_is_not_asked_again(bench: Bench) -> Outcome {
    let user = bench.user()?;
    user.answer(Scope::UserInfo, Choice::Deny);
    denied("getUserInfo", bench.wx.call(&bench.cx, GetUserInfoRequest::default()).await)?;
    let prompts = user.prompts().len();
    user.answer(Scope::UserInfo, Choice::Allow);
    denied("the second getUserInfo", bench.wx.call(&bench.cx, GetUserInfoRequest::default()).await)?;
    check_eq("the number of prompts after the second call", user.prompts().len(), prompts)
}

/// APIs that need no consent, none of which waits for the user.
const UNSCOPED: &[(Api, &str)] = &[
    (Api::Login, "{}"),
    (Api::CheckSession, "{}"),
    (Api::GetSetting, "{}"),
    (Api::CheckIsSupportSoterAuthentication, "{}"),
    (Api::CheckIsSoterEnrolledInDevice, r#"{"checkAuthMode":"fingerPrint"}"#),
    (Api::GetHceState, "{}"),
    (Api::StartHce, r#"{"aid_list":["F222222222"]}"#),
    (Api::SendHceMessage, r#"{"data":{"base64":"kAA="}}"#),
    (Api::StopHce, "{}"),
];

pub(super) async fn unscoped_calls_never_prompt(bench: Bench) -> Outcome {
    let user = bench.user()?;
    for &(api, args) in UNSCOPED {
        bench.wx.call_json(&bench.cx, api.name(), args).await;
        check_eq(&format!("the prompts after {}", api.name()), user.prompts(), [])?;
    }
    Ok(())
}
