//! A backend, or its outside, that is right in everything but one thing.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use wx_api::{ApiSet, Call, Cx, Event, EventSender, Host, Invoke, Layer, Profile, Reply, Result, event_channel};
use wx_conformance::{Bench, World};
use wx_host::Wx;
use wx_mock::conformance::MockHarness;

/// What a mutant does: to calls on the way down, to answers on the way up, to events, to answers that have passed every layer, and
/// to the outside. What it leaves alone stays right.
pub(crate) struct Spoil {
    call: Box<SpoilCall>,
    answer: Box<SpoilAnswer>,
    event: Option<Arc<SpoilEvent>>,
    above: Option<Arc<SpoilAnswer>>,
    world: Option<Box<SpoilWorld>>,
    rests: usize,
}

type SpoilCall = dyn Fn(&Cx, Call) -> Down + Send + Sync;
type SpoilAnswer = dyn Fn(&Cx, &Call, Result<Reply>) -> Result<Reply> + Send + Sync;
type SpoilEvent = dyn Fn(Event) -> Option<Event> + Send + Sync;
type SpoilWorld = dyn FnOnce(World, Listeners) -> World + Send + Sync;

/// Everybody who listens to the backend.
pub(crate) type Listeners = Memory<Vec<EventSender>>;

/// What becomes of a call on its way down.
pub(crate) enum Down {
    /// It goes on, perhaps changed.
    On(Call),
    /// It is answered here.
    Answered(Result<Reply>),
}

impl Spoil {
    fn nothing() -> Self {
        Self {
            call: Box::new(|_, call| Down::On(call)),
            answer: Box::new(|_, _, answer| answer),
            event: None,
            above: None,
            world: None,
            rests: 0,
        }
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

    /// Changes answers that have passed every layer of the host.
    pub(crate) fn above(spoil: impl Fn(&Cx, &Call, Result<Reply>) -> Result<Reply> + Send + Sync + 'static) -> Self {
        Self { above: Some(Arc::new(spoil)), ..Self::nothing() }
    }

    /// Changes the outside.
    pub(crate) fn world(spoil: impl FnOnce(World, Listeners) -> World + Send + Sync + 'static) -> Self {
        Self { world: Some(Box::new(spoil)), ..Self::nothing() }
    }

    /// Changes answers on their way up, too.
    pub(crate) fn with_answers(
        self,
        spoil: impl Fn(&Cx, &Call, Result<Reply>) -> Result<Reply> + Send + Sync + 'static,
    ) -> Self {
        Self { answer: Box::new(spoil), ..self }
    }

    /// Changes the outside, too.
    pub(crate) fn with_world(self, spoil: impl FnOnce(World, Listeners) -> World + Send + Sync + 'static) -> Self {
        Self { world: Some(Box::new(spoil)), ..self }
    }

    /// Spoils nothing, but takes its time: it gives way so many times before a call reaches the backend, and before its answer
    /// leaves.
    pub(crate) fn slow(rests: usize) -> Self {
        Self { rests, ..Self::nothing() }
    }

    /// A fresh bench of the mock with this spoilt.
    pub(crate) fn bench(mut self, profile: Profile) -> Bench {
        let (above, world, listeners) = (self.above.take(), self.world.take(), Listeners::default());
        let mut spoilt = None;
        let around = |host: Host| {
            let backend = Arc::new(Spoilt { inner: host, spoil: self, listeners: listeners.clone() });
            spoilt = Some(backend.clone());
            Below { over: None, backend }
        };
        let mut bench = MockHarness::bench(profile, around);
        if let (Some(spoil), Some(backend)) = (above, spoilt) {
            bench.wx = Wx::builder(Below { over: Some(bench.wx), backend }).layer(Above { spoil }).build();
        }
        if let Some(spoil) = world {
            bench.world = spoil(bench.world, listeners);
        }
        bench
    }
}

/// The right backend with something spoilt.
struct Spoilt {
    inner: Host,
    spoil: Spoil,
    listeners: Listeners,
}

impl Spoilt {
    async fn rest(&self) {
        for _ in 0..self.spoil.rests {
            tokio::task::yield_now().await;
        }
    }
}

/// A spoilt backend, or the finished stack over it. Only calls take the way through the stack: no layer of it touches a
/// subscription.
struct Below {
    over: Option<Wx>,
    backend: Arc<Spoilt>,
}

#[async_trait]
impl Invoke for Below {
    async fn invoke(&self, cx: &Cx, call: Call) -> Result<Reply> {
        match &self.over {
            Some(wx) => wx.invoke(cx, call).await,
            None => self.backend.invoke(cx, call).await,
        }
    }

    fn supported(&self) -> ApiSet {
        self.backend.supported()
    }

    fn subscribe(&self, cx: &Cx, out: EventSender) -> Result<()> {
        self.backend.subscribe(cx, out)
    }
}

/// The outermost layer: also outside the gate that the second stack brings along.
#[derive(Clone)]
struct Above {
    spoil: Arc<SpoilAnswer>,
}

impl Layer for Above {
    fn wrap(&self, inner: Arc<dyn Invoke>) -> Arc<dyn Invoke> {
        Arc::new(AboveAll { inner, spoil: self.spoil.clone() })
    }
}

struct AboveAll {
    inner: Arc<dyn Invoke>,
    spoil: Arc<SpoilAnswer>,
}

#[async_trait]
impl Invoke for AboveAll {
    async fn invoke(&self, cx: &Cx, call: Call) -> Result<Reply> {
        let asked = call.clone();
        (self.spoil)(cx, &asked, self.inner.invoke(cx, call).await)
    }

    fn supported(&self) -> ApiSet {
        self.inner.supported()
    }

    fn subscribe(&self, cx: &Cx, out: EventSender) -> Result<()> {
        self.inner.subscribe(cx, out)
    }
}

#[async_trait]
impl Invoke for Spoilt {
    async fn invoke(&self, cx: &Cx, call: Call) -> Result<Reply> {
        let asked = call.clone();
        self.rest().await;
        let answer = match (self.spoil.call)(cx, call) {
            Down::On(call) => self.inner.invoke(cx, call).await,
            Down::Answered(answer) => answer,
        };
        self.rest().await;
        (self.spoil.answer)(cx, &asked, answer)
    }

    fn supported(&self) -> ApiSet {
        self.inner.supported()
    }

    fn subscribe(&self, cx: &Cx, out: EventSender) -> Result<()> {
        self.listeners.with(|listeners| listeners.push(out.clone()));
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
