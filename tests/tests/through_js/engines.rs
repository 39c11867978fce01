//! Engines as an `Invoke` needs them: it may be called from any thread, and an engine stays on its own.
//!
//! A case runs on one thread, its backend with it. So the engines of a case are kept by the thread, and what travels is a number.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    future::poll_fn,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use futures_util::FutureExt;
use wx_api::{Api, Call, Cx, Error, EventSender, Result};
use wx_host::Wx;
use wx_js::{Engine, Fault, Level};

use crate::told::{Heard, Told};

/// Makes the one call: `call.api`, with the object `call.args`.
const CALL: &str = "
    const answered = how => answer => told(how, answer);
    const [success, fail, complete] = ['success', 'fail', 'complete'].map(answered);
    if (call.promise) wx[call.api](call.args).then(success, fail);
    else if (wx[call.api]({ ...call.args, success, fail, complete }) !== undefined) throw new Error('it returned something');";

/// Listens to one event until nobody wants to hear of it.
const LISTEN: &str = "
    const listener = payload => { if (!heard(event.on, payload)) wx[event.off]?.(listener) };
    wx[event.on](listener);";

thread_local! {
    static ENGINES: RefCell<HashMap<u64, Engine>> = RefCell::default();
    static LAST: Cell<u64> = const { Cell::new(0) };
}

/// What a script is told when it makes this call.
pub(crate) async fn call(wx: Wx, cx: &Cx, call: Call) -> Result<Told> {
    let api = call.api();
    let told = Arc::new(Mutex::new(Told::new(api, cx.profile().has_promises())));
    let tell = told.clone();
    let engine = Engine::builder(wx, cx.clone())
        .value("call.api", api.name())
        .value("call.args", call)
        .value("call.promise", cx.profile().has_promises())
        .function("told", move |(how, answer): (String, serde_json::Value)| {
            tell.lock().unwrap_or_else(PoisonError::into_inner).tell(how, answer);
            Ok(())
        });
    let engine = engine.build().map_err(|fault| Error::internal(api, fault))?;
    let running = Running::new(engine);
    let ended = match running.start("call.js", CALL) {
        Poll::Ready(ended) => ended,
        Poll::Pending => poll_fn(|task| running.poll(task)).await,
    };
    ended.map_err(|fault| Error::internal(api, fault))?;
    let told = std::mem::take(&mut *told.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(told)
}

/// Has a script listen, and send on what it hears.
pub(crate) fn listen(wx: Wx, cx: &Cx, event: Api, out: EventSender) -> Result<()> {
    let complaints = Arc::<Mutex<Vec<String>>>::default();
    let complain = complaints.clone();
    let off = event.event_facts().map_or("", |facts| facts.off);
    let engine = Engine::builder(wx, cx.clone())
        .value("event.on", event.name())
        .value("event.off", off)
        .while_listening()
        .console(move |level, line| {
            if level == Level::Error {
                complain.lock().unwrap_or_else(PoisonError::into_inner).push(line.to_owned());
            }
        })
        .function("heard", move |Heard(event)| {
            out.send(event);
            Ok(!out.is_closed())
        });
    let running = Running::new(engine.build().map_err(|fault| Error::internal(event, fault))?);
    if let Poll::Ready(ended) = running.start("listen.js", LISTEN) {
        let why = ended.err().map_or_else(|| "the script does not listen".to_owned(), |fault| fault.to_string());
        let complaints = complaints.lock().unwrap_or_else(PoisonError::into_inner).join("; ");
        return Err(Error::internal(event, format_args!("{why}; {complaints}")));
    }
    tokio::spawn(async move { poll_fn(|task| running.poll(task)).await });
    Ok(())
}

/// An engine of this thread. Its script ends with this.
struct Running(u64);

impl Running {
    fn new(engine: Engine) -> Self {
        let id = LAST.get() + 1;
        LAST.set(id);
        ENGINES.with_borrow_mut(|engines| engines.insert(id, engine));
        Self(id)
    }

    /// Runs a script as far as it comes by itself.
    fn start(&self, name: &str, script: &str) -> Poll<std::result::Result<(), Fault>> {
        self.with(|engine| engine.run_source(name, script).now_or_never().map_or(Poll::Pending, Poll::Ready))
    }

    /// Goes on with it.
    fn poll(&self, task: &mut Context<'_>) -> Poll<std::result::Result<(), Fault>> {
        self.with(|engine| pin!(engine.idle()).poll(task))
    }

    /// The engine is taken out for as long as it works: what it calls may itself need another.
    fn with<T>(
        &self,
        work: impl FnOnce(&mut Engine) -> Poll<std::result::Result<T, Fault>>,
    ) -> Poll<std::result::Result<T, Fault>> {
        let Some(mut engine) = ENGINES.with_borrow_mut(|engines| engines.remove(&self.0)) else {
            return Poll::Ready(Err(Fault::Engine("it is on another thread".to_owned())));
        };
        let result = work(&mut engine);
        ENGINES.with_borrow_mut(|engines| engines.insert(self.0, engine));
        result
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Dropped outside the borrow: it may end calls, whose ends may be anything. A thread that ends has none left.
        let _engine = ENGINES.try_with(|engines| engines.borrow_mut().remove(&self.0));
    }
}
