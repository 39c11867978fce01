use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use wx_api::{
    Answering, Api, ApiSet, Call, Cx, Error, EventSender, Invoke, Layer, Reply, Result, Scope, authorization::AuthorizeRequest,
};

/// Consent before use: a call of an API whose facts name a scope runs only after the backend's `authorize` of that scope said ok.
/// A refusal is told in the name of the API that was called.
///
/// Without an `authorize` behind it nobody can consent, so APIs with a scope are not supported. Every [`Builder`](crate::Builder)
/// puts a gate into its stack.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gate;

impl Layer for Gate {
    fn wrap(&self, inner: Arc<dyn Invoke>) -> Arc<dyn Invoke> {
        Arc::new(Gated { inner })
    }
}

struct Gated {
    inner: Arc<dyn Invoke>,
}

impl Gated {
    fn scope_of(api: Api) -> Option<Scope> {
        api.facts().and_then(|facts| facts.scope)
    }
}

impl Invoke for Gated {
    fn invoke<'s, 'c, 'a>(&'s self, cx: &'c Cx, call: Call) -> Answering<'a>
    where
        's: 'a,
        'c: 'a,
        Self: 'a,
    {
        let api = call.api();
        let Some(scope) = Self::scope_of(api) else { return self.inner.invoke(cx, call) };
        // Nobody is bothered with a question for an API that is not there.
        if !self.inner.supported().contains(api) {
            return Box::pin(std::future::ready(Err(Error::unsupported(api))));
        }
        let asking = self.inner.invoke(cx, AuthorizeRequest::new(scope).into());
        Box::pin(Asked { inner: &*self.inner, cx, api, call: Some(call), step: asking })
    }

    fn supported(&self) -> ApiSet {
        let inner = self.inner.supported();
        if inner.contains(Api::Authorize) { inner } else { inner.iter().filter(|&api| Self::scope_of(api).is_none()).collect() }
    }

    fn subscribe(&self, cx: &Cx, out: EventSender) -> Result<()> {
        self.inner.subscribe(cx, out)
    }
}

/// A call with a scope: first the question, then the call itself.
///
/// It keeps the future of the call until it is dropped itself: layers outside thus see the end of a call before whatever the
/// backend does once the call is gone. Recording relies on it.
struct Asked<'a> {
    inner: &'a dyn Invoke,
    cx: &'a Cx,
    api: Api,
    /// The call, while the question is open.
    call: Option<Call>,
    step: Answering<'a>,
}

impl Future for Asked<'_> {
    type Output = Result<Reply>;

    fn poll(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Self::Output> {
        if self.call.is_some() {
            if let Err(error) = ready!(self.step.as_mut().poll(task)) {
                return Poll::Ready(Err(error.of(self.api)));
            }
            if let Some(call) = self.call.take() {
                self.step = self.inner.invoke(self.cx, call);
            }
        }
        self.step.as_mut().poll(task)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that unwraps wrongly fails, as it should")]
mod tests {
    use wx_api::{
        ErrorKind, Profile,
        authorization::{AuthorizeResult, REFUSED_NOW},
        login::LoginRequest,
        user::GetUserInfoRequest,
    };

    use super::*;
    use crate::testing::{Script, cx, now};

    fn gated(script: &Script) -> Arc<dyn Invoke> {
        Gate.wrap(Arc::new(script.clone()))
    }

    fn asks() -> Call {
        AuthorizeRequest::new(Scope::UserInfo).into()
    }

    #[test]
    fn a_call_without_a_scope_goes_straight_through() {
        let script = Script::default();
        script.answer(Err(Error::timeout(Api::Login)));
        let error = now(gated(&script).invoke(&cx(), LoginRequest::default().into())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert_eq!(script.calls(), [LoginRequest::default().into()]);
    }

    #[test]
    fn a_call_with_a_scope_runs_after_consent() {
        let script = Script::default();
        script.answer(Ok(AuthorizeResult {}.into()));
        script.answer(Err(Error::internal(Api::GetUserInfo, "seen")));
        let error = now(gated(&script).invoke(&cx(), GetUserInfoRequest::default().into())).unwrap_err();
        assert_eq!(error.to_string(), "getUserInfo:fail internal error: seen");
        assert_eq!(script.calls(), [asks(), GetUserInfoRequest::default().into()]);
    }

    #[test]
    fn a_refusal_is_told_in_the_name_of_the_call_and_the_call_does_not_run() {
        let script = Script::default();
        script.answer(Err(Error::denied(Api::Authorize, &Profile::default()).with_code(REFUSED_NOW)));
        let error = now(gated(&script).invoke(&cx(), GetUserInfoRequest::default().into())).unwrap_err();
        assert_eq!((error.to_string().as_str(), error.code()), ("getUserInfo:fail auth deny", Some(REFUSED_NOW)));
        assert_eq!(script.calls(), [asks()]);
    }

    #[test]
    fn nobody_is_asked_for_an_api_that_is_not_there() {
        let script = Script::supporting(Api::Authorize.into());
        let error = now(gated(&script).invoke(&cx(), GetUserInfoRequest::default().into())).unwrap_err();
        assert_eq!(error.to_string(), "getUserInfo:fail not supported");
        assert_eq!(script.calls(), []);
    }

    #[test]
    fn without_authorize_apis_with_a_scope_are_not_supported() {
        let set = ApiSet::of(&[Api::Login, Api::GetUserInfo]);
        assert_eq!(gated(&Script::supporting(set)).supported(), Api::Login.into());
        let set = set | Api::Authorize.into();
        assert_eq!(gated(&Script::supporting(set)).supported(), set);
    }
}
