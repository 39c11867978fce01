//! Plays a record back as a backend.

mod steps;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt::{self, Write as _},
    future::Future,
    io::Read,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
};

use serde::Serialize;
use wx_api::{
    Answering, Api, ApiSet, Call, Cx, Error, Event, EventSender, Invoke, Reply, Result,
    authorization::{AuthorizeRequest, AuthorizeResult},
};

pub use self::steps::ReplayError;
use self::steps::{Numbered, Step};
use super::record::line::names;
use crate::answer::shortened;

/// A backend that says again what a [`Record`](crate::Record) wrote down.
///
/// It is strict: the script that drives it must make the recorded calls in the recorded order with the recorded arguments, and
/// whatever comes instead fails with an internal error that says what was expected. Answers and events come at their recorded
/// places among the calls. The same script, recorded again, gives the same bytes.
///
/// What the script does not do, the record waits for: an answer that came after another call comes when that call is made, and
/// never if it is not. [`remaining`](Self::remaining) then stands still, and `Debug` shows what is expected. Events that came
/// between two calls come all at once; those that are more than their policy keeps are reported as lost.
///
/// A record is made outside the [`Gate`](crate::Gate), which had its say then; so the gate's question before a recorded call is
/// answered with ok, and the record decides. Leave out [`Timeout`](crate::Timeout) and [`Fault`](crate::Fault) for the same
/// reason. On several threads at once the order of a script is not its own, so play back on one.
///
/// Clones share the place in the record.
///
/// ```
/// use wx_api::{Cx, login::LoginRequest};
/// use wx_host::{Replay, Wx};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let record = r#"{"wx":"record","version":1,"supported":["login"]}
/// {"line":"call","id":1,"api":"login","args":{}}
/// {"line":"answer","id":1,"ok":{"code":"033aB"}}
/// "#;
/// let replay = Replay::read(record.as_bytes())?;
/// let wx = Wx::builder(replay.clone()).build();
/// let login = wx.call(&Cx::new("wx4f4bc4dec97d474b"), LoginRequest::default()).await;
/// assert_eq!(login.map(|login| login.code).ok().as_deref(), Some("033aB"));
/// assert_eq!(replay.remaining(), 0);
/// # Ok::<(), wx_host::ReplayError>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct Replay {
    supported: ApiSet,
    stage: Arc<Mutex<Stage>>,
}

/// Where the play has got to.
struct Stage {
    steps: Vec<Numbered>,
    /// The step that comes next.
    at: usize,
    /// Calls that wait for their answers.
    waiting: HashMap<u64, Option<Waker>>,
    /// Calls that were broken off.
    gone: HashSet<u64>,
    subscribers: HashMap<u64, EventSender>,
    /// Calls that came while an earlier call was about to take its answer, by the order in which they came.
    queue: BTreeMap<u64, Waker>,
    /// The last place in the queue that was given out.
    last_place: u64,
    effects: Effects,
}

/// What is done once the stage is unlocked: subscribers and wakers are not ours, and may come back.
#[derive(Default)]
struct Effects {
    events: Vec<(EventSender, Event)>,
    wakers: Vec<Waker>,
}

/// How a new call fits.
enum Entry {
    Cast(u64),
    Early,
    Consent,
    Wrong(String),
}

impl Replay {
    /// Reads a record.
    ///
    /// # Errors
    ///
    /// What cannot be read, or is no record; with the number of the line.
    pub fn read(from: impl Read) -> Result<Self, ReplayError> {
        let (supported, steps) = steps::read(from)?;
        let stage = Stage {
            steps,
            at: 0,
            waiting: HashMap::new(),
            gone: HashSet::new(),
            subscribers: HashMap::new(),
            queue: BTreeMap::new(),
            last_place: 0,
            effects: Effects::default(),
        };
        Ok(Self { supported, stage: Arc::new(Mutex::new(stage)) })
    }

    /// How many steps of the record have not been played yet.
    pub fn remaining(&self) -> usize {
        self.play(|stage| stage.steps.len() - stage.at)
    }

    fn play<T>(&self, act: impl FnOnce(&mut Stage) -> T) -> T {
        let mut stage = self.stage.lock().unwrap_or_else(PoisonError::into_inner); // nothing under the lock panics
        let outcome = act(&mut stage);
        let effects = std::mem::take(&mut stage.effects);
        drop(stage);
        for (sender, event) in effects.events {
            sender.send(event);
        }
        effects.wakers.into_iter().for_each(Waker::wake);
        outcome
    }
}

impl Stage {
    /// Plays what needs no one's doing, up to the next call, subscription or break, or to an answer that its call must take.
    fn advance(&mut self) {
        while let Some((_, step)) = self.steps.get(self.at) {
            match step {
                Step::Event { id, event } => {
                    if let Some(sender) = self.subscribers.get(id) {
                        self.effects.events.push((sender.clone(), event.clone()));
                    }
                }
                Step::Answer { id, .. } | Step::Cancel { id } if self.gone.contains(id) => {}
                Step::Answer { id, .. } => {
                    self.effects.wakers.extend(self.waiting.get_mut(id).and_then(Option::take));
                    return;
                }
                Step::Call { .. } | Step::Subscribe { .. } | Step::Cancel { .. } => break,
            }
            self.at += 1;
        }
        self.effects.wakers.extend(std::mem::take(&mut self.queue).into_values());
    }

    fn enter(&mut self, call: &Call, place: &mut Option<u64>, task: &Context<'_>) -> Entry {
        self.advance();
        match self.steps.get(self.at) {
            Some((_, Step::Call { id, call: expected })) if expected == call => {
                let id = *id;
                self.at += 1;
                self.waiting.insert(id, None);
                self.advance();
                Entry::Cast(id)
            }
            Some((_, Step::Call { call: expected, .. })) if is_consent(call, expected) => Entry::Consent,
            Some((_, Step::Answer { .. })) => {
                let place = *place.get_or_insert_with(|| {
                    self.last_place += 1;
                    self.last_place
                });
                self.queue.insert(place, task.waker().clone());
                Entry::Early
            }
            _ => Entry::Wrong(self.instead(format_args!("{} was called with {}", call.api().name(), Shown(call)))),
        }
    }

    /// The answer of this call, if that is what comes next. What follows it is played when the call is dropped, so that whoever
    /// wrote the answer down has done so by then.
    fn take_answer(&mut self, id: u64, task: &Context<'_>) -> Option<Result<Reply>> {
        match self.steps.get(self.at) {
            Some((_, Step::Answer { id: next, answer })) if *next == id => {
                let answer = answer.clone();
                self.at += 1;
                self.waiting.remove(&id);
                Some(answer)
            }
            _ => {
                self.waiting.insert(id, Some(task.waker().clone()));
                None
            }
        }
    }

    fn leave(&mut self, id: u64) {
        if self.waiting.remove(&id).is_some() {
            self.gone.insert(id);
        }
        self.advance();
    }

    fn listen(&mut self, wanted: ApiSet, out: EventSender) -> Result<(), SubscribeError> {
        self.advance();
        match self.steps.get(self.at) {
            Some((_, Step::Subscribe { id, events, refused })) if *events == wanted => {
                let (id, refused) = (*id, refused.clone());
                self.at += 1;
                let answer = if let Some(error) = refused {
                    Err(SubscribeError::Recorded(error))
                } else {
                    self.subscribers.insert(id, out);
                    Ok(())
                };
                self.advance();
                answer
            }
            _ => Err(SubscribeError::Wrong(self.instead(format_args!("somebody listened to {}", names(wanted).join(", "))))),
        }
    }

    /// Says what the record expects instead of what came.
    fn instead(&self, came: impl fmt::Display) -> String {
        format!("the record expects {}, and {came}", self.expected())
    }

    /// What comes next, in words.
    fn expected(&self) -> String {
        let mut text = String::new();
        let written = match self.steps.get(self.at) {
            Some((line, Step::Call { call, .. })) => {
                write!(text, "a call of {} with {} (line {line})", call.api().name(), Shown(call))
            }
            Some((line, Step::Subscribe { events, .. })) => {
                write!(text, "somebody to listen to {} (line {line})", names(*events).join(", "))
            }
            Some((line, Step::Cancel { id })) => write!(text, "call {id} to be broken off (line {line})"),
            Some((line, Step::Answer { id, .. })) => write!(text, "call {id} to take its answer (line {line})"),
            Some((line, Step::Event { id, .. })) => write!(text, "subscriber {id} to hear an event (line {line})"),
            None => write!(text, "no more"),
        };
        debug_assert!(written.is_ok(), "a string takes everything");
        text
    }
}

enum SubscribeError {
    Recorded(Error),
    Wrong(String),
}

/// Whether `call` is the gate's question before `expected`.
fn is_consent(call: &Call, expected: &Call) -> bool {
    let scope = expected.api().facts().and_then(|facts| facts.scope);
    scope.is_some_and(|scope| matches!(call, Call::Authorize(AuthorizeRequest { scope: asked }) if asked == scope.name()))
}

/// JSON for an error, as far as it is short.
struct Shown<T>(T);

impl<T: Serialize> fmt::Display for Shown<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shortened(&serde_json::to_string(&self.0).unwrap_or_default(), 200))
    }
}

impl Invoke for Replay {
    fn invoke<'s, 'c, 'a>(&'s self, _: &'c Cx, call: Call) -> Answering<'a>
    where
        's: 'a,
        'c: 'a,
        Self: 'a,
    {
        Box::pin(Played { replay: self, call, place: None, id: None })
    }

    fn supported(&self) -> ApiSet {
        self.supported
    }

    fn subscribe(&self, _: &Cx, out: EventSender) -> Result<()> {
        let wanted: ApiSet = Api::ALL.iter().copied().filter(|&api| out.wants(api)).collect();
        self.play(|stage| stage.listen(wanted, out)).or_else(|error| match error {
            SubscribeError::Recorded(error) => Err(error),
            SubscribeError::Wrong(text) => wanted.iter().next().map_or(Ok(()), |api| Err(Error::internal(api, text))),
        })
    }
}

/// One call of the script that drives the replay.
struct Played<'a> {
    replay: &'a Replay,
    call: Call,
    /// Its place in the queue, if it had to wait for one.
    place: Option<u64>,
    /// Who it is in the record, once it was found there.
    id: Option<u64>,
}

impl Future for Played<'_> {
    type Output = Result<Reply>;

    fn poll(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { replay, call, place, id } = &mut *self;
        let id = match *id {
            Some(id) => id,
            None => match replay.play(|stage| stage.enter(call, place, task)) {
                Entry::Cast(found) => *id.insert(found),
                Entry::Early => return Poll::Pending,
                Entry::Consent => return Poll::Ready(Ok(AuthorizeResult {}.into())),
                Entry::Wrong(text) => return Poll::Ready(Err(Error::internal(call.api(), text))),
            },
        };
        replay.play(|stage| stage.take_answer(id, task)).map_or(Poll::Pending, Poll::Ready)
    }
}

impl Drop for Played<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.replay.play(|stage| stage.leave(id));
        } else if let Some(place) = self.place {
            self.replay.play(|stage| stage.queue.remove(&place));
        }
    }
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (remaining, expected) = self.play(|stage| (stage.steps.len() - stage.at, stage.expected()));
        f.debug_struct("Replay")
            .field("supported", &self.supported)
            .field("remaining", &remaining)
            .field("expected", &expected)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
