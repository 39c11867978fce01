//! The lines of a record: JSON, one per line, the first a header. How they are written and how they are read stands side by side
//! here; the tests of replay hold the two together.

use std::{borrow::Cow, io};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use wx_api::{Api, ApiSet, Call, Error, ErrorKind, Event, Reply, Result};

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Header<'a> {
    /// What this is: [`RECORD`].
    pub(crate) wx: Cow<'a, str>,
    /// The version of the format: [`VERSION`].
    pub(crate) version: u32,
    /// The names of the APIs and events that the recorded backend supported.
    pub(crate) supported: Vec<Cow<'a, str>>,
}

pub(crate) const RECORD: &str = "record";
pub(crate) const VERSION: u32 = 1;

/// Every other line, as it is read. `id` ties an answer, an event or a break to the call or subscription it belongs to.
#[derive(Debug, Deserialize)]
#[serde(tag = "line", rename_all = "camelCase")]
pub(crate) enum Line {
    Call {
        id: u64,
        api: String,
        args: Value,
    },
    Answer {
        id: u64,
        /// The result of a success.
        ok: Option<Value>,
        /// The API whose result it is, where a faulty backend answered with another's.
        of: Option<String>,
        /// The failure, also of a subscription.
        fail: Option<Failure<'static, Value>>,
    },
    Subscribe {
        id: u64,
        events: Vec<String>,
    },
    Event {
        id: u64,
        api: String,
        payload: Value,
    },
    Cancel {
        id: u64,
    },
}

/// A failure, with everything a script or a host can see of it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Failure<'a, Fields> {
    /// The API it is told of, where that is not the one that was called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) of: Option<Cow<'a, str>>,
    pub(crate) kind: ErrorKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<i32>,
    /// What stands between `fail` and the reason, where that is no space.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) separator: Option<char>,
    pub(crate) reason: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reply: Option<Fields>,
    /// The API whose fields `reply` has, where that is not the one that was called.
    #[serde(skip_serializing_if = "Option::is_none", rename = "replyOf")]
    pub(crate) reply_of: Option<Cow<'a, str>>,
}

impl<'a> Failure<'a, &'a Reply> {
    /// `called` is the API whose name goes without saying.
    fn new(called: Option<Api>, error: &'a Error) -> Self {
        let unless_said = |api: Api| (Some(api) != called).then(|| api.name().into());
        Self {
            of: unless_said(error.api()),
            kind: error.kind(),
            code: error.code(),
            separator: Some(error.separator()).filter(|separator| *separator != ' '),
            reason: error.reason().into(),
            reply: error.reply(),
            reply_of: error.reply().and_then(|reply| unless_said(reply.api())),
        }
    }
}

/// Writes one line. Every call pays for two of them, so what never changes is copied in one piece, and names, which need no
/// escaping, as they are.
pub(crate) struct Writer<'a>(&'a mut Vec<u8>);

impl<'a> Writer<'a> {
    pub(crate) fn new(line: &'a mut Vec<u8>) -> Self {
        line.clear();
        Self(line)
    }

    pub(crate) fn header(self, supported: ApiSet) -> io::Result<()> {
        serde_json::to_writer(&mut *self.0, &Header { wx: RECORD.into(), version: VERSION, supported: names(supported) })?;
        self.0.push(b'\n');
        Ok(())
    }

    pub(crate) fn call(mut self, id: u64, call: &Call) -> io::Result<()> {
        self.text("{\"line\":\"call\",\"id\":");
        self.json(&id)?;
        self.text(",\"api\":\"");
        self.text(call.api().name());
        self.text("\",\"args\":");
        self.json(call)?;
        self.end();
        Ok(())
    }

    /// `called` is the API that was called.
    pub(crate) fn answer(mut self, id: u64, called: Api, answer: &Result<Reply>) -> io::Result<()> {
        self.text("{\"line\":\"answer\",\"id\":");
        self.json(&id)?;
        match answer {
            Ok(reply) => {
                self.text(",\"ok\":");
                self.json(reply)?;
                if reply.api() != called {
                    self.text(",\"of\":");
                    self.json(reply.api().name())?;
                }
            }
            Err(error) => {
                self.text(",\"fail\":");
                self.json(&Failure::new(Some(called), error))?;
            }
        }
        self.end();
        Ok(())
    }

    pub(crate) fn subscribe(mut self, id: u64, events: ApiSet) -> io::Result<()> {
        self.text("{\"line\":\"subscribe\",\"id\":");
        self.json(&id)?;
        self.text(",\"events\":");
        self.json(&names(events))?;
        self.end();
        Ok(())
    }

    /// The backend's refusal of a subscription.
    pub(crate) fn refusal(mut self, id: u64, error: &Error) -> io::Result<()> {
        self.text("{\"line\":\"answer\",\"id\":");
        self.json(&id)?;
        self.text(",\"fail\":");
        self.json(&Failure::new(None, error))?;
        self.end();
        Ok(())
    }

    pub(crate) fn event(mut self, id: u64, event: &Event) -> io::Result<()> {
        self.text("{\"line\":\"event\",\"id\":");
        self.json(&id)?;
        self.text(",\"api\":\"");
        self.text(event.api().name());
        self.text("\",\"payload\":");
        self.json(event)?;
        self.end();
        Ok(())
    }

    pub(crate) fn cancel(mut self, id: u64) -> io::Result<()> {
        self.text("{\"line\":\"cancel\",\"id\":");
        self.json(&id)?;
        self.end();
        Ok(())
    }

    fn text(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    fn json<T: Serialize + ?Sized>(&mut self, value: &T) -> io::Result<()> {
        Ok(serde_json::to_writer(&mut *self.0, value)?)
    }

    fn end(mut self) {
        self.text("}\n");
    }
}

/// The names of a set, in the order of the contract.
pub(crate) fn names(set: ApiSet) -> Vec<Cow<'static, str>> {
    set.iter().map(|api| api.name().into()).collect()
}
