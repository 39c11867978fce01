//! Sign-in: a one-time code for the developer's server, and whether the session it led to still lives.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{Api, ApiSet, Cx, Effect, Error, ErrorKind, Facts, Request, Result, Version};

/// Sign-in. Three parties share it: the mini-program asks for a code, the developer's server exchanges the code for the user's
/// `openid` and `session_key`, and the session key then signs and seals user data. The mini-program never sees the key.
///
/// # Behavior
///
/// - the session key reaches no answer a mini-program gets (`login::session_key_never_reaches_the_mini_program`)
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Login: Send + Sync {
    /// The APIs of this domain that really work.
    fn supported(&self) -> ApiSet;

    /// `wx.login`: a code that the developer's server exchanges for the user's identity and a fresh session key.
    ///
    /// # Behavior
    ///
    /// - it answers a code (`login::answers_a_code`), a new one each time (`login::codes_differ`)
    /// - a code is exchanged for `openid` and `session_key` (`login::code_exchanges_for_a_session`)
    /// - the session key is 16 bytes in base64 (`login::session_key_is_16_bytes`)
    /// - a code works once; again it is 40163 (`login::code_works_once`)
    /// - a code works until five minutes have passed (`login::code_works_just_before_five_minutes`), then it is 40029
    ///   (`login::code_expires_after_five_minutes`)
    /// - a code nobody was given is 40029 (`login::made_up_code_is_40029`), and so is that of another app
    ///   (`login::code_of_another_app_is_40029`)
    /// - one user of one app keeps one `openid` (`login::openid_is_stable`); another app gets another
    ///   (`login::openid_differs_between_apps`)
    /// - `unionid` is answered only when the app is bound to an open-platform account (`login::unionid_only_when_bound`)
    /// - each login replaces the session key (`login::rotates_the_session_key`): the old one no longer verifies
    ///   (`login::old_key_no_longer_verifies`) or opens (`login::old_key_no_longer_opens`)
    /// - two logins at once both answer, with two codes (`login::two_at_once_both_answer`), and agree on one session
    ///   (`login::two_at_once_agree_on_one_session`)
    /// - with `timeout`, a server that stays silent for that long ends in `login:fail timeout`
    ///   (`login::timeout_answers_fail_timeout`); one that answers in time does not (`login::answer_within_timeout_is_ok`)
    /// - a login that timed out harms no later one (`login::works_again_after_a_timeout`)
    /// - an unreachable server is a failure that says so (`login::unreachable_server_says_so`)
    /// - a login broken off in flight harms no later one (`login::cancel_in_flight_harms_no_later_login`)
    ///
    /// # Errors
    ///
    /// [`Timeout`](ErrorKind::Timeout); [`Unavailable`](ErrorKind::Unavailable) when the server cannot be reached.
    async fn login(&self, cx: &Cx, req: LoginRequest) -> Result<LoginResult> {
        let _ = (cx, req);
        Err(Error::unsupported(Api::Login))
    }

    /// `wx.checkSession`: whether the user's session key still works.
    ///
    /// # Behavior
    ///
    /// - right after a login it answers ok (`login::check_session_ok_after_login`)
    /// - without any login it fails (`login::check_session_fails_before_login`) with -13001
    ///   (`login::check_session_without_login_is_13001`)
    /// - a session unused for long enough has ended: `checkSession:fail session time out, need relogin`, -13001
    ///   (`login::check_session_fails_when_expired`)
    /// - use prolongs a session (`login::use_prolongs_the_session`), and the more use the longer
    ///   (`login::more_use_prolongs_it_more`)
    /// - once it answered ok, the session stays good for the rest of this life cycle
    ///   (`login::checked_session_holds_for_this_launch`), and not for the next (`login::next_launch_checks_afresh`)
    /// - it leaves the session key as it is (`login::check_session_keeps_the_key`)
    /// - after the end of a session a new login starts another (`login::login_after_expiry_starts_a_session`)
    ///
    /// # Errors
    ///
    /// [`Session`](ErrorKind::Session), with code -13001, when there is no living session;
    /// [`Unavailable`](ErrorKind::Unavailable) when the server cannot be reached.
    async fn check_session(&self, cx: &Cx, req: CheckSessionRequest) -> Result<CheckSessionResult> {
        let _ = (cx, req);
        Err(Error::unsupported(Api::CheckSession))
    }
}

/// Parameters of `wx.login`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LoginRequest {
    /// How long to wait, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u32>,
}

/// What `wx.login` answers.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoginResult {
    /// The code: good for five minutes and one exchange. Whoever holds it can sign in as the user, so `Debug` hides it.
    pub code: String,
}

impl fmt::Debug for LoginResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginResult").finish_non_exhaustive()
    }
}

impl Request for LoginRequest {
    type Reply = LoginResult;
    const FACTS: Facts = Facts { name: "login", since: Version(1, 0, 0), scope: None, effect: Effect::Once, err_code: false };
    const PARAMS_SINCE: &'static [(&'static str, Version)] = &[("timeout", Version(1, 9, 90))];
}

/// Parameters of `wx.checkSession`: none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CheckSessionRequest {}

/// What `wx.checkSession` answers: that it is ok.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CheckSessionResult {}

impl Request for CheckSessionRequest {
    type Reply = CheckSessionResult;
    const FACTS: Facts =
        Facts { name: "checkSession", since: Version(1, 0, 0), scope: None, effect: Effect::Read, err_code: false };
}

/// The failure of every API that needs a living session and finds none: `session time out, need relogin`, -13001.
///
/// ```
/// use wx_api::{Api, login};
///
/// let error = login::session_expired(Api::CheckSession);
/// assert_eq!(error.to_string(), "checkSession:fail session time out, need relogin");
/// assert_eq!(error.code(), Some(-13001));
/// ```
pub fn session_expired(api: Api) -> Error {
    Error::new(api, ErrorKind::Session, "session time out, need relogin").with_code(-13001)
}
