use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use tracing::{Span, field::Empty};
use wx_api::{Answering, ApiSet, Call, Cx, EventSender, Invoke, Layer, Reply, Result};

/// A [`tracing`] span named `wx` for every call, at level `INFO`, around everything the call does.
///
/// Its fields are `api`, `app` and `launch`, and once the call is over `outcome` (`ok`, the [name](wx_api::ErrorKind::name) of the failure's kind, or `dropped`),
/// `code` where there is one, and `elapsed_us`, the microseconds it took. Never arguments, results or texts of failures: they may
/// hold what no log should. Without a subscriber that wants the span a call passes untouched.
///
/// ```
/// # use wx_api::{Cx, Host, login::LoginRequest};
/// use wx_host::Wx;
///
/// // In a host this is set once, for all threads, by `init`.
/// let subscriber = tracing_subscriber::fmt().with_writer(std::io::stderr).finish();
/// let _guard = tracing::subscriber::set_default(subscriber);
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let wx = Wx::builder(Host::default()).trace().build();
/// // Whatever is logged on the way to the answer stands in the span `wx{api="login" app=".." launch=..}`.
/// assert!(wx.call(&Cx::new("wx4f4bc4dec97d474b"), LoginRequest::default()).await.is_err());
/// # });
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Trace;

impl Layer for Trace {
    fn wrap(&self, inner: Arc<dyn Invoke>) -> Arc<dyn Invoke> {
        Arc::new(Traced { inner })
    }
}

struct Traced {
    inner: Arc<dyn Invoke>,
}

impl Invoke for Traced {
    fn invoke<'s, 'c, 'a>(&'s self, cx: &'c Cx, call: Call) -> Answering<'a>
    where
        's: 'a,
        'c: 'a,
        Self: 'a,
    {
        let span = tracing::info_span!(
            "wx",
            api = call.api().name(),
            app = cx.app().as_str(),
            launch = cx.launch(),
            outcome = Empty,
            code = Empty,
            elapsed_us = Empty,
        );
        if span.is_disabled() {
            return self.inner.invoke(cx, call);
        }
        let answering = span.in_scope(|| self.inner.invoke(cx, call));
        Box::pin(Spanned { answering: Some(answering), span, begun: Instant::now(), over: false })
    }

    fn supported(&self) -> ApiSet {
        self.inner.supported()
    }

    fn subscribe(&self, cx: &Cx, out: EventSender) -> Result<()> {
        self.inner.subscribe(cx, out)
    }
}

struct Spanned<'a> {
    /// Always there until this is dropped, when it goes inside the span.
    answering: Option<Answering<'a>>,
    span: Span,
    begun: Instant,
    over: bool,
}

impl Spanned<'_> {
    fn end(&mut self) {
        self.over = true;
        self.span.record("elapsed_us", u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX));
    }
}

impl Future for Spanned<'_> {
    type Output = Result<Reply>;

    fn poll(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Self::Output> {
        let span = self.span.clone();
        let polled = match &mut self.answering {
            Some(answering) => span.in_scope(|| answering.as_mut().poll(task)),
            None => Poll::Pending,
        };
        if let Poll::Ready(answer) = &polled {
            match answer {
                Ok(_) => span.record("outcome", "ok"),
                Err(error) => {
                    if let Some(code) = error.code() {
                        span.record("code", code);
                    }
                    span.record("outcome", error.kind().name())
                }
            };
            self.end();
        }
        polled
    }
}

impl Drop for Spanned<'_> {
    fn drop(&mut self) {
        if !self.over {
            self.span.record("outcome", "dropped");
            self.end();
        }
        let answering = self.answering.take();
        self.span.in_scope(|| drop(answering));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that unwraps wrongly fails, as it should")]
mod tests {
    use std::{
        collections::BTreeMap,
        fmt,
        sync::{Mutex, PoisonError},
    };

    use tracing::{field::Field, span};
    use tracing_subscriber::{Registry, layer::SubscriberExt};
    use wx_api::{
        Api, Error,
        authorization::AuthorizeRequest,
        login::{LoginRequest, LoginResult, session_expired},
    };

    use super::*;
    use crate::testing::{Script, cx, now, poll_once};

    /// Keeps the fields of the last span.
    #[derive(Clone, Default)]
    struct Fields(Arc<Mutex<BTreeMap<&'static str, String>>>);

    impl tracing::field::Visit for &Fields {
        fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(field.name(), format!("{value:?}"));
        }
    }

    impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Fields {
        fn on_new_span(&self, span: &span::Attributes<'_>, _: &span::Id, _: tracing_subscriber::layer::Context<'_, S>) {
            span.record(&mut &*self);
        }

        fn on_record(&self, _: &span::Id, values: &span::Record<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
            values.record(&mut &*self);
        }
    }

    /// The fields of the span around what `run` does with a traced backend.
    fn traced(run: impl FnOnce(&dyn Invoke, &Script)) -> BTreeMap<&'static str, String> {
        let (fields, script) = (Fields::default(), Script::default());
        let wx = Trace.wrap(Arc::new(script.clone()));
        tracing::subscriber::with_default(Registry::default().with(fields.clone()), || run(&*wx, &script));
        std::mem::take(&mut fields.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    #[test]
    fn a_span_tells_who_called_what_and_how_it_ended() {
        let cx = cx();
        let fields = traced(|wx, script| {
            script.answer(Err(session_expired(Api::Login)));
            assert!(now(wx.invoke(&cx, LoginRequest::default().into())).is_err());
        });
        let names: Vec<_> = fields.keys().copied().collect();
        assert_eq!(names, ["api", "app", "code", "elapsed_us", "launch", "outcome"]);
        assert_eq!(fields["api"], "\"login\"");
        assert_eq!(fields["app"], "\"wx4f4bc4dec97d474b\"");
        assert_eq!(fields["launch"], cx.launch().to_string());
        assert_eq!((fields["outcome"].as_str(), fields["code"].as_str()), ("\"session\"", "-13001"));
    }

    #[test]
    fn neither_arguments_nor_results_are_traced() {
        let fields = traced(|wx, script| {
            script.answer(Ok(LoginResult { code: "hidden".into() }.into()));
            assert!(now(wx.invoke(&cx(), AuthorizeRequest { scope: "hidden".into() }.into())).is_ok());
        });
        assert_eq!(fields["outcome"], "\"ok\"");
        let fields = traced(|wx, script| {
            script.answer(Err(Error::internal(Api::Login, "hidden")));
            assert!(now(wx.invoke(&cx(), LoginRequest::default().into())).is_err());
        });
        assert!(!format!("{fields:?}").contains("hidden"), "{fields:?}");
    }

    #[test]
    fn a_call_that_is_broken_off_says_dropped() {
        let fields = traced(|wx, _| {
            let cx = cx();
            let mut call = wx.invoke(&cx, LoginRequest::default().into());
            assert!(poll_once(call.as_mut()).is_pending());
        });
        assert_eq!(fields["outcome"], "\"dropped\"");
    }
}
