//! A backend that is right in everything but one thing.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use wx_api::{ApiSet, Call, Cx, Event, EventSender, Invoke, Reply, Result, event_channel};

/// What a mutant does on the way down, on the way up, and to events. What it leaves alone stays right.
pub(crate) struct Spoil {
    call: Box<SpoilCall>,
    answer: Box<SpoilAnswer>,
    event: Option<Arc<SpoilEvent>>,
}

type SpoilCall = dyn Fn(&Cx, Call) -> Down + Send + Sync;
type SpoilAnswer = dyn Fn(&Cx, &Call, Result<Reply>) -> Result<Reply> + Send + Sync;
type SpoilEvent = dyn Fn(Event) -> Option<Event> + Send + Sync;

/// What becomes of a call on its way down.
pub(crate) enum Down {
    /// It goes on, perhaps changed.
    On(Call),
    /// It is answered here.
    Answered(Result<Reply>),
}

impl Spoil {
    fn nothing() -> Self {
        Self { call: Box::new(|_, call| Down::On(call)), answer: Box::new(|_, _, answer| answer), event: None }
    }

    /// Changes calls on their way down.
    pub(crate) fn calls(spoil: impl Fn(Call) -> Call + Send + Sync + 'static) -> Self {
        Self { call: Box::new(move |_, call| Down::On(spoil(call))), ..Self::nothing() }
    }

    /// Changes or answers calls on their way down.
    pub(crate) fn down(spoil: impl Fn(&Cx, Call) -> Down + Send + Sync + 'static) -> Self {
        Self { call: Box::new(spoil), ..Self::nothing() }
    }

    /// Changes answers on their way up.
    pub(crate) fn answers(spoil: impl Fn(&Cx, &Call, Result<Reply>) -> Result<Reply> + Send + Sync + 'static) -> Self {
        Self { answer: Box::new(spoil), ..Self::nothing() }
    }

    /// Changes events, or swallows them.
    pub(crate) fn events(spoil: impl Fn(Event) -> Option<Event> + Send + Sync + 'static) -> Self {
        Self { event: Some(Arc::new(spoil)), ..Self::nothing() }
    }
}

/// The right backend with something spoilt.
pub(crate) struct Spoilt {
    pub(crate) inner: Arc<dyn Invoke>,
    pub(crate) spoil: Spoil,
}

#[async_trait]
impl Invoke for Spoilt {
    async fn invoke(&self, cx: &Cx, call: Call) -> Result<Reply> {
        let asked = call.clone();
        let answer = match (self.spoil.call)(cx, call) {
            Down::On(call) => self.inner.invoke(cx, call).await,
            Down::Answered(answer) => answer,
        };
        (self.spoil.answer)(cx, &asked, answer)
    }

    fn supported(&self) -> ApiSet {
        self.inner.supported()
    }

    fn subscribe(&self, cx: &Cx, out: EventSender) -> Result<()> {
        let Some(spoil) = self.spoil.event.clone() else { return self.inner.subscribe(cx, out) };
        let (sender, mut stream) = event_channel(self.supported());
        tokio::spawn(async move {
            while let Some(Ok(event)) = stream.next().await {
                if let Some(event) = spoil(event) {
                    out.send(event);
                }
            }
        });
        self.inner.subscribe(cx, sender)
    }
}

/// A place where a mutant keeps what it saw.
#[derive(Clone, Default)]
pub(crate) struct Memory<T>(Arc<Mutex<T>>);

impl<T> Memory<T> {
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
