// Derived by `cargo xtask codegen` from the domain files. Do not edit.

use std::{
    fmt,
    future::{Future, ready},
    pin::Pin,
    sync::Arc,
};

use crate::{
    Answering, Api, ApiSet, Call, Cx, Error, EventSender, Invoke, Reply, Result, authorization, hce, login, soter, user,
};

/// A backend: one implementation per domain. A domain that is left out answers `<api>:fail not supported`.
///
/// Take one backend and replace a part of it with another's: `Host { hce: Some(reader), ..backend }`.
#[derive(Clone, Default)]
pub struct Host {
    /// Consent: what the user lets an app do, asked once, kept, and changed on the settings page.
    pub authorization: Option<Arc<dyn authorization::Authorization>>,
    /// Card emulation: a reader talks to the mini-program as if it were a contactless smart card.
    pub hce: Option<Arc<dyn hce::Hce>>,
    /// Sign-in: a one-time code for the developer's server, and whether the session it led to still lives.
    pub login: Option<Arc<dyn login::Login>>,
    /// Biometric confirmation: the user confirms a challenge with a finger, and the device signs what was confirmed.
    pub soter: Option<Arc<dyn soter::Soter>>,
    /// The user's profile, signed and sealed for the developer's server.
    pub user: Option<Arc<dyn user::User>>,
}

impl Invoke for Host {
    // Written out, so that a call costs one small allocation besides the domain's own.
    fn invoke<'s, 'c, 'a>(&'s self, cx: &'c Cx, call: Call) -> Answering<'a>
    where
        's: 'a,
        'c: 'a,
        Self: 'a,
    {
        match call {
            Call::Authorize(req) => match &self.authorization {
                Some(domain) => as_reply(domain.authorize(cx, req)),
                None => unsupported(Api::Authorize),
            },
            Call::GetSetting(req) => match &self.authorization {
                Some(domain) => as_reply(domain.get_setting(cx, req)),
                None => unsupported(Api::GetSetting),
            },
            Call::OpenSetting(req) => match &self.authorization {
                Some(domain) => as_reply(domain.open_setting(cx, req)),
                None => unsupported(Api::OpenSetting),
            },
            Call::GetHceState(req) => match &self.hce {
                Some(domain) => as_reply(domain.get_hce_state(cx, req)),
                None => unsupported(Api::GetHceState),
            },
            Call::StartHce(req) => match &self.hce {
                Some(domain) => as_reply(domain.start_hce(cx, req)),
                None => unsupported(Api::StartHce),
            },
            Call::StopHce(req) => match &self.hce {
                Some(domain) => as_reply(domain.stop_hce(cx, req)),
                None => unsupported(Api::StopHce),
            },
            Call::SendHceMessage(req) => match &self.hce {
                Some(domain) => as_reply(domain.send_hce_message(cx, req)),
                None => unsupported(Api::SendHceMessage),
            },
            Call::Login(req) => match &self.login {
                Some(domain) => as_reply(domain.login(cx, req)),
                None => unsupported(Api::Login),
            },
            Call::CheckSession(req) => match &self.login {
                Some(domain) => as_reply(domain.check_session(cx, req)),
                None => unsupported(Api::CheckSession),
            },
            Call::CheckIsSupportSoterAuthentication(req) => match &self.soter {
                Some(domain) => as_reply(domain.check_is_support_soter_authentication(cx, req)),
                None => unsupported(Api::CheckIsSupportSoterAuthentication),
            },
            Call::CheckIsSoterEnrolledInDevice(req) => match &self.soter {
                Some(domain) => as_reply(domain.check_is_soter_enrolled_in_device(cx, req)),
                None => unsupported(Api::CheckIsSoterEnrolledInDevice),
            },
            Call::StartSoterAuthentication(req) => match &self.soter {
                Some(domain) => as_reply(domain.start_soter_authentication(cx, req)),
                None => unsupported(Api::StartSoterAuthentication),
            },
            Call::GetUserInfo(req) => match &self.user {
                Some(domain) => as_reply(domain.get_user_info(cx, req)),
                None => unsupported(Api::GetUserInfo),
            },
        }
    }

    fn supported(&self) -> ApiSet {
        let mut set = ApiSet::NONE;
        if let Some(domain) = &self.authorization {
            set = set | (domain.supported() & ApiSet::of(&[Api::Authorize, Api::GetSetting, Api::OpenSetting]));
        }
        if let Some(domain) = &self.hce {
            set = set
                | (domain.supported()
                    & ApiSet::of(&[Api::GetHceState, Api::StartHce, Api::StopHce, Api::SendHceMessage, Api::OnHceMessage]));
        }
        if let Some(domain) = &self.login {
            set = set | (domain.supported() & ApiSet::of(&[Api::Login, Api::CheckSession]));
        }
        if let Some(domain) = &self.soter {
            set = set
                | (domain.supported()
                    & ApiSet::of(&[
                        Api::CheckIsSupportSoterAuthentication,
                        Api::CheckIsSoterEnrolledInDevice,
                        Api::StartSoterAuthentication,
                    ]));
        }
        if let Some(domain) = &self.user {
            set = set | (domain.supported() & ApiSet::of(&[Api::GetUserInfo]));
        }

        set
    }

    fn subscribe(&self, cx: &Cx, out: EventSender) -> Result<()> {
        if out.wants(Api::OnHceMessage) {
            match &self.hce {
                Some(domain) => domain.on_hce_message(cx, out.clone())?,
                None => return Err(Error::unsupported(Api::OnHceMessage)),
            }
        }
        Ok(())
    }
}

fn as_reply<'a, T: Into<Reply> + 'a>(answering: Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>) -> Answering<'a> {
    Box::pin(async move { answering.await.map(Into::into) })
}

fn unsupported<'a>(api: Api) -> Answering<'a> {
    Box::pin(ready(Err(Error::unsupported(api))))
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host")
            .field("authorization", &self.authorization.is_some())
            .field("hce", &self.hce.is_some())
            .field("login", &self.login.is_some())
            .field("soter", &self.soter.is_some())
            .field("user", &self.user.is_some())
            .finish()
    }
}
