//! What goes on while a prompt is on the screen.

use std::{future::Future, pin::pin};

use futures_util::{
    FutureExt,
    future::{join, select},
};
use wx_api::{
    Scope,
    authorization::{GetSettingRequest, REFUSED_EARLIER},
    user::GetUserInfoRequest,
};

use super::{ask, denied, until_prompted};
use crate::{
    case::{Bench, Failure, Outcome, check, check_eq},
    cases::soon,
    world::Choice,
};

pub(super) async fn calls_at_once_share_one_prompt(bench: Bench) -> Outcome {
    let user = bench.user()?;
    user.answer(Scope::Record, Choice::Ignore);
    let mut both = pin!(join(ask(&bench, Scope::Record), ask(&bench, Scope::Record)));
    until_prompted(&mut both, &*user, 1).await?;
    go_on(&bench, &mut both).await;
    check_eq("the number of prompts", user.prompts().len(), 1)?;
    user.answer(Scope::Record, Choice::Deny);
    let (one, other) = both.await;
    denied("one call", one)?;
    denied("the other call", other)?;
    check_eq("the number of prompts in the end", user.prompts().len(), 1)
}

pub(super) async fn call_and_authorize_at_once_share_one_prompt(bench: Bench) -> Outcome {
    let user = bench.user()?;
    user.answer(Scope::UserInfo, Choice::Ignore);
    let call = bench.wx.call(&bench.cx, GetUserInfoRequest::default());
    let mut both = pin!(join(ask(&bench, Scope::UserInfo), call));
    until_prompted(&mut both, &*user, 1).await?;
    go_on(&bench, &mut both).await;
    check_eq("the number of prompts", user.prompts().len(), 1)?;
    user.answer(Scope::UserInfo, Choice::Deny);
    let (asked, called) = both.await;
    denied("authorize", asked)?;
    denied("getUserInfo", called)?;
    check_eq("the number of prompts in the end", user.prompts().len(), 1)
}

pub(super) async fn two_scopes_at_once_prompt_each(bench: Bench) -> Outcome {
    let user = bench.user()?;
    user.answer(Scope::Record, Choice::Ignore);
    user.answer(Scope::Camera, Choice::Ignore);
    let mut both = pin!(join(ask(&bench, Scope::Record), ask(&bench, Scope::Camera)));
    soon("the second prompt", until_prompted(&mut both, &*user, 2)).await??;
    let mut open = user.open_prompts();
    open.sort_unstable();
    check_eq("what is on the screen", open, [Scope::Record, Scope::Camera])?;
    user.answer(Scope::Camera, Choice::Deny);
    user.answer(Scope::Record, Choice::Allow);
    let (record, camera) = both.await;
    record?;
    denied("the refused scope", camera)?;
    // Answers that come together must not overwrite each other where they are kept.
    let kept = bench.wx.call(&bench.cx, GetSettingRequest {}).await?.auth_setting;
    check_eq("what was kept", kept, [(Scope::Record, true), (Scope::Camera, false)].into())
}

pub(super) async fn open_prompt_blocks_no_other_call(bench: Bench) -> Outcome {
    let user = bench.user()?;
    user.answer(Scope::Record, Choice::Ignore);
    let mut waiting = pin!(ask(&bench, Scope::Record));
    until_prompted(&mut waiting, &*user, 1).await?;
    soon("getSetting", bench.wx.call(&bench.cx, GetSettingRequest {})).await??;
    soon("authorize of another scope", ask(&bench, Scope::Camera)).await??;
    check((&mut waiting).now_or_never().is_none(), "the call answered without the user")
}

pub(super) async fn ignored_prompt_decides_nothing(bench: Bench) -> Outcome {
    let user = bench.user()?;
    user.answer(Scope::Record, Choice::Ignore);
    let mut ignored = Box::pin(ask(&bench, Scope::Record));
    until_prompted(&mut ignored, &*user, 1).await?;
    drop(ignored);
    user.answer(Scope::Record, Choice::Deny);
    let error = denied("authorize with a refusal", ask(&bench, Scope::Record).await)?;
    check(error.code() != Some(REFUSED_EARLIER), "leaving the prompt open was kept as a refusal")
}

pub(super) async fn broken_off_call_withdraws_its_prompt(bench: Bench) -> Outcome {
    let user = bench.user()?;
    user.answer(Scope::Record, Choice::Ignore);
    let mut call = Box::pin(ask(&bench, Scope::Record));
    until_prompted(&mut call, &*user, 1).await?;
    check_eq("what is on the screen before", user.open_prompts(), [Scope::Record])?;
    drop(call);
    check_eq("what is on the screen after", user.open_prompts(), [])
}

pub(super) async fn shared_prompt_survives_one_caller(bench: Bench) -> Outcome {
    let user = bench.user()?;
    user.answer(Scope::Record, Choice::Ignore);
    let mut first = Box::pin(ask(&bench, Scope::Record));
    until_prompted(&mut first, &*user, 1).await?;
    let mut second = pin!(ask(&bench, Scope::Record));
    go_on(&bench, &mut second).await;
    drop(first);
    check((&mut second).now_or_never().is_none(), "the second call ended with the first")?;
    check_eq("what is on the screen", user.open_prompts(), [Scope::Record])?;
    user.answer(Scope::Record, Choice::Allow);
    second.await.map(drop).map_err(Failure::from)
}

/// Drives a call for as long as another call takes: enough to come to the same point as one before it.
async fn go_on(bench: &Bench, call: &mut (impl Future + Unpin)) {
    select(call, pin!(bench.wx.call(&bench.cx, GetSettingRequest {}))).await;
}
