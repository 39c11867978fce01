use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use futures_core::Stream;

use super::queue::{Entry, Queue};
use crate::{Api, ApiSet, Event};

/// A subscriber did not keep up: this many events of the policy's kind were lost at this point of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} events were lost: read the stream faster")]
pub struct Lagged(pub u64);

/// The two ends of a new subscription to these events.
///
/// ```
/// use wx_api::{Api, ApiSet, event_channel};
///
/// let (sender, stream) = event_channel(Api::OnHceMessage.into());
/// assert!(sender.wants(Api::OnHceMessage) && !sender.is_closed());
/// drop(stream);
/// assert!(sender.is_closed());
/// ```
pub fn event_channel(events: ApiSet) -> (EventSender, EventStream) {
    let queue = Arc::new(Queue::new());
    (EventSender { queue: queue.clone(), events, tap: None }, EventStream { queue })
}

/// The end of a subscription that a backend keeps and sends to. The subscription is over once the stream was dropped.
pub struct EventSender {
    queue: Arc<Queue<Event>>,
    events: ApiSet,
    tap: Option<Arc<Tap>>,
}

type Tap = dyn Fn(&Event) + Send + Sync;

impl EventSender {
    /// Sends an event, if the subscriber wants it and is still there. Never waits: the event's policy says what happens when
    /// the subscriber does not keep up.
    pub fn send(&self, event: Event) {
        if !self.wants(event.api()) || self.is_closed() {
            return;
        }
        if let Some(tap) = &self.tap {
            tap(&event);
        }
        let (api, policy) = (event.api(), event.policy());
        self.queue.push(event, policy, |old| old.api() == api);
    }

    /// The same sender that shows `tap` every event on its way: what a layer needs to record or count.
    #[must_use]
    pub fn tap(mut self, tap: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        let before = self.tap.take();
        let tap = move |event: &Event| {
            tap(event);
            if let Some(before) = &before {
                before(event);
            }
        };
        self.tap = Some(Arc::new(tap));
        self
    }

    /// Whether the subscriber asked for this event.
    pub fn wants(&self, event: Api) -> bool {
        self.events.contains(event)
    }

    /// Whether the subscriber has gone.
    pub fn is_closed(&self) -> bool {
        self.queue.is_closed()
    }
}

impl Clone for EventSender {
    fn clone(&self) -> Self {
        self.queue.add_sender();
        Self { queue: self.queue.clone(), events: self.events, tap: self.tap.clone() }
    }
}

impl Drop for EventSender {
    fn drop(&mut self) {
        self.queue.remove_sender();
    }
}

impl fmt::Debug for EventSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventSender").field("events", &self.events).finish_non_exhaustive()
    }
}

/// The end of a subscription that its subscriber reads. Dropping it is `off`.
///
/// It ends when the backend has gone.
#[derive(Debug)]
pub struct EventStream {
    queue: Arc<Queue<Event>>,
}

impl EventStream {
    /// The next event, or how many were lost before it; `None` once the backend has gone.
    pub async fn next(&mut self) -> Option<Result<Event, Lagged>> {
        std::future::poll_fn(|task| Pin::new(&mut *self).poll_next(task)).await
    }
}

impl Stream for EventStream {
    type Item = Result<Event, Lagged>;

    fn poll_next(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.queue.poll_pop(task).map(|entry| {
            entry.map(|entry| match entry {
                Entry::Item(event) => Ok(event),
                Entry::Lost(lost) => Err(Lagged(lost)),
            })
        })
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// All subscribers of one source. A backend keeps one for each app it serves.
#[derive(Debug, Default)]
pub struct EventHub(Mutex<Vec<EventSender>>);

impl EventHub {
    /// Adds a subscriber.
    pub fn add(&self, sender: EventSender) {
        let mut senders = self.senders();
        senders.retain(|sender| !sender.is_closed());
        senders.push(sender);
    }

    /// Sends an event to every subscriber that wants it, in the order they came. No subscriber can delay another.
    pub fn send(&self, event: &Event) {
        self.senders().retain(|sender| {
            sender.send(event.clone());
            !sender.is_closed()
        });
    }

    /// Whether somebody listens to this event.
    pub fn has_listener(&self, event: Api) -> bool {
        self.senders().iter().any(|sender| sender.wants(event) && !sender.is_closed())
    }

    fn senders(&self) -> MutexGuard<'_, Vec<EventSender>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner) // a panicking tap leaves the list whole
    }
}
