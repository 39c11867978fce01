//! `wx.getSetting` and the settings page.

use std::collections::BTreeMap;

use wx_api::{
    Scope,
    authorization::{GetSettingRequest, OpenSettingRequest},
};

use super::{ask, denied, until_prompted};
use crate::{
    case::{Bench, Outcome, check_eq},
    world::{Choice, UserHandle},
};

type Switches = BTreeMap<Scope, bool>;

async fn get_setting(bench: &Bench) -> wx_api::Result<Switches> {
    Ok(bench.wx.call(&bench.cx, GetSettingRequest {}).await?.auth_setting)
}

async fn open_setting(bench: &Bench) -> wx_api::Result<Switches> {
    Ok(bench.wx.call(&bench.cx, OpenSettingRequest {}).await?.auth_setting)
}

/// The user allows one scope and refuses another: what the settings must then say.
async fn allow_and_refuse(bench: &Bench, user: &dyn UserHandle) -> Switches {
    user.answer(Scope::Record, Choice::Allow);
    user.answer(Scope::Camera, Choice::Deny);
    let _ = ask(bench, Scope::Record).await;
    let _ = ask(bench, Scope::Camera).await;
    [(Scope::Record, true), (Scope::Camera, false)].into()
}

pub(super) async fn settings_start_empty(bench: Bench) -> Outcome {
    check_eq("authSetting", get_setting(&bench).await?, Switches::new())
}

pub(super) async fn settings_list_what_was_asked(bench: Bench) -> Outcome {
    let decided = allow_and_refuse(&bench, &*bench.user()?).await;
    check_eq("authSetting", get_setting(&bench).await?, decided)
}

pub(super) async fn undecided_scopes_are_not_listed(bench: Bench) -> Outcome {
    let user = bench.user()?;
    user.answer(Scope::Record, Choice::Dismiss);
    let _ = ask(&bench, Scope::Record).await; // what it answers is other cases' business
    check_eq("authSetting after a prompt was closed", get_setting(&bench).await?, Switches::new())?;
    user.answer(Scope::Camera, Choice::Ignore);
    let mut ignored = Box::pin(ask(&bench, Scope::Camera));
    until_prompted(&mut ignored, &*user, 2).await?;
    check_eq("authSetting beside an open prompt", get_setting(&bench).await?, Switches::new())?;
    drop(ignored);
    check_eq("authSetting after a prompt was ignored", get_setting(&bench).await?, Switches::new())
}

pub(super) async fn get_setting_never_prompts(bench: Bench) -> Outcome {
    get_setting(&bench).await?;
    check_eq("the prompts", bench.user()?.prompts(), [])
}

pub(super) async fn settings_page_left_alone_changes_nothing(bench: Bench) -> Outcome {
    allow_and_refuse(&bench, &*bench.user()?).await;
    let before = get_setting(&bench).await?;
    check_eq("what openSetting answers", &open_setting(&bench).await?, &before)?;
    check_eq("what getSetting answers afterwards", &get_setting(&bench).await?, &before)
}

pub(super) async fn settings_page_shows_what_was_asked(bench: Bench) -> Outcome {
    let user = bench.user()?;
    let decided = allow_and_refuse(&bench, &*user).await;
    open_setting(&bench).await?;
    check_eq("the settings pages", user.settings_pages(), [decided])
}

pub(super) async fn settings_page_grants(bench: Bench) -> Outcome {
    let user = bench.user()?;
    user.answer(Scope::Record, Choice::Deny);
    denied("authorize", ask(&bench, Scope::Record).await)?;
    let prompts = user.prompts().len();
    user.turn(Scope::Record, true);
    open_setting(&bench).await?;
    ask(&bench, Scope::Record).await?;
    check_eq("the number of prompts afterwards", user.prompts().len(), prompts)
}

pub(super) async fn settings_page_revokes(bench: Bench) -> Outcome {
    let user = bench.user()?;
    user.answer(Scope::Record, Choice::Allow);
    ask(&bench, Scope::Record).await?;
    let prompts = user.prompts().len();
    user.turn(Scope::Record, false);
    open_setting(&bench).await?;
    denied("authorize", ask(&bench, Scope::Record).await)?;
    check_eq("the number of prompts afterwards", user.prompts().len(), prompts)
}

pub(super) async fn settings_page_cannot_grant_the_unasked(bench: Bench) -> Outcome {
    let user = bench.user()?;
    user.turn(Scope::Record, true);
    open_setting(&bench).await?;
    user.answer(Scope::Record, Choice::Deny);
    denied("authorize", ask(&bench, Scope::Record).await)?;
    check_eq("the number of prompts afterwards", user.prompts().len(), 1)
}

pub(super) async fn settings_page_answers_nothing_unasked(bench: Bench) -> Outcome {
    bench.user()?.turn(Scope::Record, true);
    check_eq("what openSetting answers", open_setting(&bench).await?, Switches::new())
}

pub(super) async fn settings_page_answers_what_was_left(bench: Bench) -> Outcome {
    let user = bench.user()?;
    allow_and_refuse(&bench, &*user).await;
    user.turn(Scope::Record, false);
    user.turn(Scope::Camera, true);
    let left: Switches = [(Scope::Record, false), (Scope::Camera, true)].into();
    check_eq("what openSetting answers", open_setting(&bench).await?, left)
}
