//! Writes down what passes through the stack.

pub(crate) mod line;

use std::{
    fmt,
    io::{self, Write},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use wx_api::{Answering, Api, ApiSet, Call, Cx, EventSender, Invoke, Layer, Result};

use self::line::Writer;

/// Writes down every call, answer, subscription, event and broken-off call, as one line of JSON each, for
/// [`Replay`](crate::Replay) to play back.
///
/// A record has no times and no identifiers but its own counting, so the same run gives the same bytes. **It holds arguments and
/// results as they are, sign-in codes and personal data included: keep it as you keep those.**
///
/// **The destination must not block, nor call into the stack it records.** Each line is one `write_all`, made by the task that
/// makes the call, and for an event by the backend while it holds the list of its listeners: whoever is slow there stops both. A
/// file is fine behind a [`BufWriter`](io::BufWriter) (see [`flush`](Self::flush)); what may take longer stands behind a channel,
/// as below.
///
/// A line that cannot be written harms no call: the record ends there, [`failure`](Self::failure) tells why, and so does a
/// `tracing` error.
///
/// One record belongs to one stack; clones share it.
///
/// ```
/// use wx_api::{Cx, Host, login::LoginRequest};
/// use wx_host::{Record, Wx};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let record = Record::new(Vec::new());
/// let wx = Wx::builder(Host::default()).record(record.clone()).build();
/// let _ = wx.call(&Cx::new("wx4f4bc4dec97d474b"), LoginRequest::default()).await;
/// assert_eq!(record.failure(), None);
/// # });
/// ```
///
/// A destination that never blocks, whatever the real one does. The lines wait in memory until the thread has written them:
///
/// ```
/// use std::{io, sync::mpsc, thread};
/// use wx_host::Record;
///
/// struct Lines(mpsc::Sender<Vec<u8>>);
///
/// impl io::Write for Lines {
///     fn write(&mut self, line: &[u8]) -> io::Result<usize> {
///         self.0.send(line.to_vec()).map_err(|_| io::ErrorKind::BrokenPipe)?;
///         Ok(line.len())
///     }
///     fn flush(&mut self) -> io::Result<()> {
///         Ok(())
///     }
/// }
///
/// let (lines, written) = mpsc::channel::<Vec<u8>>();
/// # let mut socket = io::sink();
/// let writer = thread::spawn(move || written.iter().try_for_each(|line| io::Write::write_all(&mut socket, &line)));
/// let record = Record::new(Lines(lines));
/// # drop(record);
/// # writer.join().expect("the thread ends with the record")?;
/// # Ok::<(), io::Error>(())
/// ```
#[derive(Clone)]
pub struct Record(Arc<Mutex<Log>>);

struct Log {
    out: Box<dyn Write + Send>,
    line: Vec<u8>,
    begun: bool,
    last_id: u64,
    failure: Option<String>,
}

impl Record {
    /// A record that goes to `out`.
    pub fn new(out: impl Write + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Log { out: Box::new(out), line: Vec::new(), begun: false, last_id: 0, failure: None })))
    }

    /// Why the record ended early, if it did.
    pub fn failure(&self) -> Option<String> {
        self.log().failure.clone()
    }

    /// Hands on what the destination still buffers. Should that fail, [`failure`](Self::failure) says so.
    pub fn flush(&self) {
        self.attempt(|log| log.out.flush());
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner) // a destination that panicked has at worst a torn line
    }

    fn attempt(&self, write: impl FnOnce(&mut Log) -> io::Result<()>) {
        let mut log = self.log();
        if log.failure.is_some() {
            return;
        }
        if let Err(error) = write(&mut log) {
            log.failure = Some(error.to_string());
            drop(log); // whoever listens to tracing may look at this record
            tracing::error!(%error, "the record ends here");
        }
    }

    fn begin(&self, supported: ApiSet) {
        self.attempt(
            |log| if std::mem::replace(&mut log.begun, true) { Ok(()) } else { log.write(|line| line.header(supported)) },
        );
    }

    /// Writes a line with an identifier of its own, and answers that.
    fn open(&self, fill: impl FnOnce(Writer<'_>, u64) -> io::Result<()>) -> u64 {
        let mut id = 0;
        self.attempt(|log| {
            log.last_id += 1;
            id = log.last_id;
            log.write(|line| fill(line, id))
        });
        id
    }

    fn line(&self, fill: impl FnOnce(Writer<'_>) -> io::Result<()>) {
        self.attempt(|log| log.write(fill));
    }
}

impl Log {
    fn write(&mut self, fill: impl FnOnce(Writer<'_>) -> io::Result<()>) -> io::Result<()> {
        fill(Writer::new(&mut self.line))?;
        self.out.write_all(&self.line)
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record").field("failure", &self.failure()).finish_non_exhaustive()
    }
}

impl Layer for Record {
    fn wrap(&self, inner: Arc<dyn Invoke>) -> Arc<dyn Invoke> {
        self.begin(inner.supported());
        Arc::new(Recorded { inner, record: self.clone() })
    }
}

struct Recorded {
    inner: Arc<dyn Invoke>,
    record: Record,
}

impl Invoke for Recorded {
    fn invoke<'s, 'c, 'a>(&'s self, cx: &'c Cx, call: Call) -> Answering<'a>
    where
        's: 'a,
        'c: 'a,
        Self: 'a,
    {
        Box::pin(async move {
            let api = call.api();
            let id = self.record.open(|line, id| line.call(id, &call));
            let mut answering = self.inner.invoke(cx, call);
            // Declared after the call, so dropped before it: what the backend does once the call is gone comes after the break.
            let mut open = Open { record: &self.record, id: Some(id) };
            let result = answering.as_mut().await;
            open.id = None;
            self.record.line(|line| line.answer(id, api, &result));
            drop(answering); // not before: what the backend does once the call is gone comes after the answer
            result
        })
    }

    fn supported(&self) -> ApiSet {
        self.inner.supported()
    }

    fn subscribe(&self, cx: &Cx, out: EventSender) -> Result<()> {
        let events = Api::ALL.iter().copied().filter(|&api| out.wants(api)).collect();
        let id = self.record.open(|line, id| line.subscribe(id, events));
        let record = self.record.clone();
        let out = out.tap(move |event| record.line(|line| line.event(id, event)));
        self.inner.subscribe(cx, out).inspect_err(|error| self.record.line(|line| line.refusal(id, error)))
    }
}

/// A call that has not answered. Dropped so, it was broken off.
struct Open<'a> {
    record: &'a Record,
    id: Option<u64>,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.record.line(|line| line.cancel(id));
        }
    }
}

#[cfg(test)]
mod tests;
