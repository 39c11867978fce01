//! Consent as other APIs meet it.

use futures_util::FutureExt;
use wx_api::{Api, Scope, user::GetUserInfoRequest};

use super::{ask, denied};
use crate::{
    case::{Bench, Failure, Outcome, check_eq},
    cases::sample,
    world::{Choice, Shown, Touch},
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

pub(super) async fn unscoped_calls_never_prompt(bench: Bench) -> Outcome {
    let user = bench.user()?;
    let unscoped = |api: &&Api| api.facts().is_some_and(|facts| facts.scope.is_none());
    // `authorize` is there to prompt.
    for &api in Api::ALL.iter().filter(unscoped).filter(|&&api| api != Api::Authorize) {
        let args = sample(api).ok_or_else(|| Failure(format!("the suite has no sample of {}", api.name())))?;
        let call = bench.wx.call_json(&bench.cx, api.name(), args);
        match bench.finger() {
            // Nobody is there to close its dialog; the prompt would have come before it.
            Err(_) if api == Api::StartSoterAuthentication => drop(call.now_or_never()),
            Ok(finger) if api == Api::StartSoterAuthentication => {
                finger.touch(Touch::Cancel);
                call.await;
            }
            _ => drop(call.await),
        }
        check_eq(&format!("the prompts after {}", api.name()), user.prompts(), [])?;
    }
    Ok(())
}
