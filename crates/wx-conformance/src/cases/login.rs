//! Cases of [`wx_api::login`].

mod code;
mod session;
mod trouble;

use std::time::Duration;

use wx_api::{Api, Cx, login::LoginRequest};

use self::{
    code::{
        answers_a_code, code_exchanges_for_a_session, code_expires_after_five_minutes, code_of_another_app_is_40029,
        code_works_just_before_five_minutes, code_works_once, codes_differ, made_up_code_is_40029, openid_differs_between_apps,
        openid_is_stable, session_key_is_16_bytes, unionid_only_when_bound,
    },
    session::{
        check_session_fails_before_login, check_session_fails_when_expired, check_session_keeps_the_key,
        check_session_ok_after_login, check_session_without_login_is_13001, checked_session_holds_for_this_launch,
        login_after_expiry_starts_a_session, more_use_prolongs_it_more, next_launch_checks_afresh, old_key_no_longer_opens,
        old_key_no_longer_verifies, rotates_the_session_key, session_key_never_reaches_the_mini_program,
        two_at_once_agree_on_one_session, two_at_once_both_answer, use_prolongs_the_session,
    },
    trouble::{
        answer_within_timeout_is_ok, cancel_in_flight_harms_no_later_login, timeout_answers_fail_timeout,
        unreachable_server_says_so, works_again_after_a_timeout,
    },
};
use crate::{Bench, Case, Exchanged, Failure, ServerError, case};

pub(crate) const CASES: &[Case] = &[
    case!(login::session_key_never_reaches_the_mini_program, [Login, CheckSession], [Server]),
    case!(login::answers_a_code, [Login], []),
    case!(login::codes_differ, [Login], []),
    case!(login::code_exchanges_for_a_session, [Login], [Server]),
    case!(login::session_key_is_16_bytes, [Login], [Server]),
    case!(login::code_works_once, [Login], [Server]),
    case!(login::code_works_just_before_five_minutes, [Login], [Server, Clock]),
    case!(login::code_expires_after_five_minutes, [Login], [Server, Clock]),
    case!(login::made_up_code_is_40029, [Login], [Server]),
    case!(login::code_of_another_app_is_40029, [Login], [Server]),
    case!(login::openid_is_stable, [Login], [Server]),
    case!(login::openid_differs_between_apps, [Login], [Server]),
    case!(login::unionid_only_when_bound, [Login], [Server]),
    case!(login::rotates_the_session_key, [Login], [Server]),
    case!(login::old_key_no_longer_verifies, [Login], [Server]),
    case!(login::old_key_no_longer_opens, [Login], [Server]),
    case!(login::two_at_once_both_answer, [Login], [Network]),
    case!(login::two_at_once_agree_on_one_session, [Login], [Server, Network]),
    case!(login::timeout_answers_fail_timeout, [Login], [Network, Clock]),
    case!(login::answer_within_timeout_is_ok, [Login], []),
    case!(login::works_again_after_a_timeout, [Login], [Network, Clock]),
    case!(login::unreachable_server_says_so, [Login], [Network]),
    case!(login::cancel_in_flight_harms_no_later_login, [Login], [Network]),
    case!(login::check_session_ok_after_login, [Login, CheckSession], []),
    case!(login::check_session_fails_before_login, [CheckSession], []),
    case!(login::check_session_without_login_is_13001, [CheckSession], []),
    case!(login::check_session_fails_when_expired, [Login, CheckSession], [Clock]),
    case!(login::use_prolongs_the_session, [Login, CheckSession, GetUserInfo], [Clock]),
    case!(login::more_use_prolongs_it_more, [Login, CheckSession, GetUserInfo], [Clock]),
    case!(login::checked_session_holds_for_this_launch, [Login, CheckSession], [Clock]),
    case!(login::next_launch_checks_afresh, [Login, CheckSession], [Clock]),
    case!(login::check_session_keeps_the_key, [Login, CheckSession], [Server]),
    case!(login::login_after_expiry_starts_a_session, [Login, CheckSession], [Clock]),
];

pub(crate) const SAMPLES: &[(Api, &str)] = &[(Api::Login, r#"{"timeout":5000}"#), (Api::CheckSession, "{}")];

/// Long enough for every session to end that nobody uses.
pub(crate) const LONG_UNUSED: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// Calls `wx.login` and answers its code.
pub(crate) async fn log_in(bench: &Bench, cx: &Cx) -> Result<String, Failure> {
    Ok(bench.wx.call(cx, LoginRequest::default()).await?.code)
}

/// Signs in: `wx.login`, and the exchange of its code at the developer's server.
pub(crate) async fn sign_in(bench: &Bench, cx: &Cx) -> Result<Exchanged, Failure> {
    let code = log_in(bench, cx).await?;
    exchange(bench, cx, &code).await
}

/// Exchanges a code that must be good.
pub(crate) async fn exchange(bench: &Bench, cx: &Cx, code: &str) -> Result<Exchanged, Failure> {
    let refused = |error: ServerError| Failure(format!("the server refused the code: {} {}", error.errcode, error.errmsg));
    bench.server_of(cx)?.exchange(code).await.map_err(refused)
}
