use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Deserializer, json};
use tokio::{runtime::Handle, sync::Semaphore};
use wx_api::{Answering, Api, ApiSet, AppId, Call, Cx, Error, ErrorKind, Event, EventSender, Invoke, Reply, Result};

use crate::call::{self, Said, Target};

/// How many calls may be in Java at a time; each has a thread. More wait.
const MOST: usize = 64;

/// A backend that an app wrote in Java.
#[derive(Clone)]
pub(crate) struct Java(Arc<Inner>);

struct Inner {
    target: Target,
    supported: ApiSet,
    threads: Handle,
    room: Arc<Semaphore>,
    listeners: Mutex<Vec<(AppId, EventSender)>>,
}

impl Java {
    /// Runs its calls in threads of this runtime.
    pub(crate) fn new(target: Target, supported: ApiSet, threads: Handle) -> Self {
        let (room, listeners) = (Arc::new(Semaphore::new(MOST)), Mutex::default());
        Self(Arc::new(Inner { target, supported, threads, room, listeners }))
    }

    /// Tells all who listen for this app.
    pub(crate) fn emit(&self, app: &AppId, event: &Event) {
        let mut listeners = self.listeners();
        let gone: Vec<_> = listeners.extract_if(.., |(_, sender)| sender.is_closed()).collect();
        let senders: Vec<EventSender> =
            listeners.iter().filter(|(of, _)| of == app).map(|(_, sender)| sender.clone()).collect();
        drop(listeners);
        for sender in senders {
            sender.send(event.clone());
        }
        drop(gone);
    }

    fn listeners(&self) -> MutexGuard<'_, Vec<(AppId, EventSender)>> {
        self.0.listeners.lock().unwrap_or_else(PoisonError::into_inner) // whole entries only
    }

    async fn call(&self, cx: &Cx, call: Call) -> Result<Reply> {
        let api = call.api();
        if !self.0.supported.contains(api) {
            return Err(Error::unsupported(api));
        }
        let args = serde_json::to_string(&call).map_err(|error| Error::internal(api, error))?;
        let context = context(cx).to_string();
        // Never closed; and given back when the thread is free again, which may be later than anybody waits.
        let room = self.0.room.clone().acquire_owned().await.map_err(|error| Error::internal(api, error))?;
        let (target, waiting) = (self.0.target.clone(), Waiting(call::Call::default()));
        let call = waiting.0.clone();
        let said = self.0.threads.spawn_blocking(move || {
            let said = call.run(&target, api.name(), &context, &args);
            drop(room);
            said
        });
        match said.await {
            Ok(Ok(Some(said))) => answer(api, &said),
            Ok(Ok(None)) => Err(Error::cancelled(api)),
            Ok(Err(error)) => Err(Error::internal(api, "the virtual machine did not take the call").with_source(error)),
            Err(error) => Err(Error::internal(api, "the agent ends").with_source(error)),
        }
    }
}

impl Invoke for Java {
    fn invoke<'s, 'c, 'a>(&'s self, cx: &'c Cx, call: Call) -> Answering<'a>
    where
        's: 'a,
        'c: 'a,
        Self: 'a,
    {
        Box::pin(self.call(cx, call))
    }

    fn supported(&self) -> ApiSet {
        self.0.supported
    }

    fn subscribe(&self, cx: &Cx, out: EventSender) -> Result<()> {
        if let Some(&missing) = Api::ALL.iter().find(|&&api| out.wants(api) && !self.0.supported.contains(api)) {
            return Err(Error::unsupported(missing));
        }
        let mut listeners = self.listeners();
        let gone: Vec<_> = listeners.extract_if(.., |(_, sender)| sender.is_closed()).collect();
        listeners.push((cx.app().clone(), out));
        drop(listeners);
        drop(gone);
        Ok(())
    }
}

/// Tells the thread when nobody waits for its call any more.
struct Waiting(call::Call);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

fn context(cx: &Cx) -> serde_json::Value {
    let mut context = json!({
        "app": cx.app().as_str(), "user": cx.user().as_str(), "launch": cx.launch(), "profile": cx.profile(),
    });
    if let Some(deadline) = cx.deadline() {
        context["deadline"] = deadline.as_millis().into();
    }
    context
}

/// What Java said is a result alone, or the kind, code and reason of a failure.
fn answer(api: Api, said: &Said) -> Result<Reply> {
    match &said[..] {
        [Some(result)] => read(result, |json| Reply::deserialize(api, json))
            .map_err(|error| Error::internal(api, "the backend's result does not read").with_source(error)),
        [None] => Err(Error::internal(api, "the backend answered null")),
        [kind, code, reason] => {
            let kind = kind.as_deref().and_then(ErrorKind::from_name).unwrap_or(ErrorKind::Internal);
            let error = Error::new(api, kind, reason.clone().unwrap_or_else(|| kind.name().to_owned()));
            let code = code.as_deref().and_then(|code| code.parse().ok());
            Err(code.into_iter().fold(error, Error::with_code))
        }
        _ => Err(Error::internal(api, "the Java half is of another version")),
    }
}

/// Reads one JSON text, all of it.
pub(crate) fn read<'a, T>(
    text: &'a str,
    read: impl FnOnce(&mut Deserializer<serde_json::de::StrRead<'a>>) -> serde_json::Result<T>,
) -> serde_json::Result<T> {
    let mut json = Deserializer::from_str(text);
    let value = read(&mut json)?;
    json.end()?;
    Ok(value)
}
