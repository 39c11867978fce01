use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use futures_core::Stream;

use super::queue::{Entry, Queue};
use crate::{Api, ApiSet, Event};

/// A subscriber did not keep up: so many of one event were lost at this point of the stream.
///
/// ```
/// use wx_api::{Api, Lagged};
///
/// let lagged = Lagged { event: Api::OnHceMessage, count: 44 };
/// assert_eq!(lagged.to_string(), "44 of onHCEMessage were lost: read the stream faster");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{count} of {} were lost: read the stream faster", event.name())]
pub struct Lagged {
    /// The event.
    pub event: Api,
    /// How many of it.
    pub count: u64,
}

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
        if let Some(waker) = self.push(event) {
            waker.wake();
        }
    }

    /// Tells the subscriber that so many of this event were lost before they came here: on a link, for example.
    ///
    /// ```
    /// use wx_api::{Api, Lagged, event_channel};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let (sender, mut stream) = event_channel(Api::OnHceMessage.into());
    /// sender.lose(Api::OnHceMessage, 3);
    /// assert_eq!(stream.next().await, Some(Err(Lagged { event: Api::OnHceMessage, count: 3 })));
    /// # });
    /// ```
    pub fn lose(&self, event: Api, count: u64) {
        if self.wants(event)
            && let Some(waker) = self.queue.lose(event, count)
        {
            waker.wake();
        }
    }

    /// Runs `farewell` when the subscriber goes, in its thread; at once if it has gone.
    ///
    /// ```
    /// use std::sync::mpsc::channel;
    ///
    /// use wx_api::{Api, event_channel};
    ///
    /// let (sender, stream) = event_channel(Api::OnHceMessage.into());
    /// let (gone, has_gone) = channel();
    /// sender.on_close(move || drop(gone.send("off")));
    /// assert!(has_gone.try_recv().is_err());
    /// drop(stream);
    /// assert_eq!(has_gone.try_recv(), Ok("off"));
    /// ```
    pub fn on_close(&self, farewell: impl FnOnce() + Send + 'static) {
        self.queue.on_close(Box::new(farewell));
    }

    /// Puts the event in past the tap, and hands out whoever must be woken.
    fn push(&self, event: Event) -> Option<Waker> {
        let (api, policy) = (event.api(), event.policy());
        if self.wants(api) { self.queue.push(api, event, policy) } else { None }
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
/// It ends when the backend has gone. What waits in it may be personal, so `Debug` hides it.
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
            entry.map(|(event, entry)| match entry {
                Entry::Item(item) => Ok(item),
                Entry::Lost(count) => Err(Lagged { event, count }),
            })
        })
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl fmt::Debug for EventStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream").finish_non_exhaustive()
    }
}

/// All subscribers of one source. A backend keeps one for each app it serves.
///
/// ```
/// use wx_api::{Api, EventHub, event_channel, hce::{Departure, HceMessage}};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let hub = EventHub::default();
/// let (sender, mut stream) = event_channel(Api::OnHceMessage.into());
/// hub.add(sender); // what `Hce::on_hce_message` does with its `out`
/// assert!(hub.has_listener(Api::OnHceMessage));
/// let gone = HceMessage::departure(Departure::LinkLoss).into();
/// hub.send(&gone);
/// assert_eq!(stream.next().await, Some(Ok(gone)));
/// drop(stream);
/// assert!(!hub.has_listener(Api::OnHceMessage));
/// # });
/// ```
#[derive(Debug, Default)]
pub struct EventHub(Mutex<Vec<EventSender>>);

impl EventHub {
    /// Adds a subscriber.
    pub fn add(&self, sender: EventSender) {
        let mut senders = self.senders();
        let gone = take_closed(&mut senders);
        senders.push(sender);
        drop(senders);
        drop(gone);
    }

    /// Sends an event to every subscriber that wants it. No subscriber can delay another.
    ///
    /// Events that are sent one after the other arrive in that order. Of two that are sent at once, subscribers behind a
    /// [tap](EventSender::tap) may hear the second first: taps run after the list of subscribers is free again, so that a tap or
    /// a woken task may use the hub itself.
    pub fn send(&self, event: &Event) {
        let mut senders = self.senders();
        let gone = take_closed(&mut senders);
        let (mut wakers, mut tapped) = (Vec::new(), Vec::new());
        for sender in senders.iter() {
            match sender.tap {
                None => wakers.extend(sender.push(event.clone())),
                Some(_) => tapped.push(sender.clone()),
            }
        }
        drop(senders);
        wakers.into_iter().for_each(Waker::wake);
        for sender in tapped {
            sender.send(event.clone());
        }
        drop(gone);
    }

    /// Whether somebody listens to this event.
    pub fn has_listener(&self, event: Api) -> bool {
        self.senders().iter().any(|sender| sender.wants(event) && !sender.is_closed())
    }

    fn senders(&self) -> MutexGuard<'_, Vec<EventSender>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner) // nothing that runs under the lock leaves half a list
    }
}

/// The subscribers that have gone, for the caller to drop once the list is free: a tap may hold anything.
fn take_closed(senders: &mut Vec<EventSender>) -> Vec<EventSender> {
    senders.extract_if(.., |sender| sender.is_closed()).collect()
}
