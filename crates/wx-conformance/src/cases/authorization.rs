//! Consent: when the user is asked, what is kept of the answer, and the settings page.

mod asking;
mod decisions;
mod open_prompts;
mod scoped_calls;
mod settings;

use std::future::Future;

use futures_util::future::{Either, select};
use wx_api::{
    Api, Cx, ErrorKind, Scope,
    authorization::{AuthorizeRequest, AuthorizeResult},
};

#[allow(clippy::wildcard_imports)] // the table below names every one of them
use self::{asking::*, decisions::*, open_prompts::*, scoped_calls::*, settings::*};
use crate::{
    case::{Bench, Case, Failure, Outcome, case, failed},
    world::UserHandle,
};

pub(crate) const SAMPLES: &[(Api, &str)] =
    &[(Api::Authorize, r#"{"scope":"scope.record"}"#), (Api::GetSetting, "{}"), (Api::OpenSetting, "{}")];

pub(crate) const CASES: &[Case] = &[
    case!(authorization::first_authorize_prompts, [Authorize], [User]),
    case!(authorization::prompt_names_app_and_scope, [Authorize], [User]),
    case!(authorization::consent_answers_ok, [Authorize], [User]),
    case!(authorization::granted_scope_is_not_asked_again, [Authorize], [User]),
    case!(authorization::refusal_answers_auth_deny, [Authorize], [User]),
    case!(authorization::refused_scope_is_not_asked_again, [Authorize], [User]),
    case!(authorization::denial_text_follows_the_profile, [Authorize], [User]),
    case!(authorization::authorize_does_not_run_the_api, [Authorize, GetUserInfo], [User, Network]),
    case!(authorization::every_scope_can_be_authorized, [Authorize], [User]),
    case!(authorization::unknown_scope_is_refused, [Authorize], [User]),
    case!(authorization::scope_needs_its_prefix, [Authorize], [User]),
    case!(authorization::scope_case_matters, [Authorize], [User]),
    case!(authorization::address_is_asked_as_the_profile_says, [Authorize], [User]),
    case!(authorization::dismissed_prompt_decides_nothing, [Authorize], [User]),
    case!(authorization::calls_at_once_share_one_prompt, [Authorize, GetSetting], [User]),
    case!(authorization::call_and_authorize_at_once_share_one_prompt, [Authorize, GetSetting, GetUserInfo], [User]),
    case!(authorization::two_scopes_at_once_prompt_each, [Authorize, GetSetting], [User]),
    case!(authorization::open_prompt_blocks_no_other_call, [Authorize, GetSetting], [User]),
    case!(authorization::ignored_prompt_decides_nothing, [Authorize], [User]),
    case!(authorization::broken_off_call_withdraws_its_prompt, [Authorize], [User]),
    case!(authorization::shared_prompt_survives_one_caller, [Authorize, GetSetting], [User]),
    case!(authorization::scoped_call_prompts_by_itself, [GetUserInfo], [User]),
    case!(authorization::consent_covers_later_calls, [Authorize, GetUserInfo], [User]),
    case!(authorization::refused_call_fails_in_its_own_name, [GetUserInfo], [User]),
    case!(authorization::refused_call_is_not_asked_again, [GetUserInfo], [User]),
    case!(authorization::unscoped_calls_never_prompt, [Authorize], [User]),
    case!(authorization::decisions_are_per_app, [Authorize], [User]),
    case!(authorization::decisions_are_per_user, [Authorize], [User]),
    case!(authorization::decision_survives_relaunch, [Authorize], [User]),
    case!(authorization::removing_the_app_forgets, [Authorize], [User]),
    case!(authorization::settings_start_empty, [GetSetting], []),
    case!(authorization::settings_list_what_was_asked, [Authorize, GetSetting], [User]),
    case!(authorization::undecided_scopes_are_not_listed, [Authorize, GetSetting], [User]),
    case!(authorization::get_setting_never_prompts, [GetSetting], [User]),
    case!(authorization::settings_page_left_alone_changes_nothing, [Authorize, GetSetting, OpenSetting], [User]),
    case!(authorization::settings_page_shows_what_was_asked, [Authorize, OpenSetting], [User]),
    case!(authorization::settings_page_grants, [Authorize, OpenSetting], [User]),
    case!(authorization::settings_page_revokes, [Authorize, OpenSetting], [User]),
    case!(authorization::settings_page_cannot_grant_the_unasked, [Authorize, OpenSetting], [User]),
    case!(authorization::settings_page_answers_nothing_unasked, [OpenSetting], [User]),
    case!(authorization::settings_page_answers_what_was_left, [Authorize, OpenSetting], [User]),
];

/// Asks for a scope in the name of the app under test.
async fn ask(bench: &Bench, scope: Scope) -> wx_api::Result<AuthorizeResult> {
    ask_as(bench, &bench.cx, scope).await
}

async fn ask_as(bench: &Bench, cx: &Cx, scope: Scope) -> wx_api::Result<AuthorizeResult> {
    bench.wx.call(cx, AuthorizeRequest::new(scope)).await
}

/// Fails unless the user's decision made the call fail.
fn denied<T>(what: &str, result: wx_api::Result<T>) -> Result<wx_api::Error, Failure> {
    let error = failed(what, result)?;
    match error.kind() {
        ErrorKind::Denied => Ok(error),
        kind => Err(Failure(format!("{what} failed as {kind:?} ({error}), expected a denial"))),
    }
}

/// Drives a call until this many prompts were shown since the beginning; it must not answer before they are answered.
async fn until_prompted(call: &mut (impl Future + Unpin), user: &dyn UserHandle, prompts: usize) -> Outcome {
    match select(call, user.wait_for_prompts(prompts)).await {
        Either::Left(_) => Err(Failure("the call answered before the user did".to_owned())),
        Either::Right(_) => Ok(()),
    }
}
