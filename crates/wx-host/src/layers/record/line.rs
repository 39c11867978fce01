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

/// Writes one line. Every call pays for two of them, so the names, which need no escaping, are copied as they are.
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
        self.begin("call", id)?;
        self.api("api", call.api());
        self.field("args", call)?;
        self.end();
        Ok(())
    }

    /// `called` is the API that was called.
    pub(crate) fn answer(mut self, id: u64, called: Api, answer: &Result<Reply>) -> io::Result<()> {
        self.begin("answer", id)?;
        match answer {
            Ok(reply) => {
                self.field("ok", reply)?;
                if reply.api() != called {
                    self.api("of", reply.api());
                }
            }
            Err(error) => self.field("fail", &Failure::new(Some(called), error))?,
        }
        self.end();
        Ok(())
    }

    pub(crate) fn subscribe(mut self, id: u64, events: ApiSet) -> io::Result<()> {
        self.begin("subscribe", id)?;
        self.field("events", &names(events))?;
        self.end();
        Ok(())
    }

    /// The backend's refusal of a subscription.
    pub(crate) fn refusal(mut self, id: u64, error: &Error) -> io::Result<()> {
        self.begin("answer", id)?;
        self.field("fail", &Failure::new(None, error))?;
        self.end();
        Ok(())
    }

    pub(crate) fn event(mut self, id: u64, event: &Event) -> io::Result<()> {
        self.begin("event", id)?;
        self.api("api", event.api());
        self.field("payload", event)?;
        self.end();
        Ok(())
    }

    pub(crate) fn cancel(mut self, id: u64) -> io::Result<()> {
        self.begin("cancel", id)?;
        self.end();
        Ok(())
    }

    fn begin(&mut self, line: &'static str, id: u64) -> io::Result<()> {
        self.copy(&["{\"line\":\"", line, "\""]);
        self.field("id", &id)
    }

    fn api(&mut self, name: &'static str, api: Api) {
        self.copy(&[",\"", name, "\":\"", api.name(), "\""]);
    }

    fn field(&mut self, name: &'static str, value: &impl Serialize) -> io::Result<()> {
        self.copy(&[",\"", name, "\":"]);
        Ok(serde_json::to_writer(&mut *self.0, value)?)
    }

    fn copy(&mut self, texts: &[&str]) {
        for text in texts {
            self.0.extend_from_slice(text.as_bytes());
        }
    }

    fn end(self) {
        self.0.extend_from_slice(b"}\n");
    }
}

/// The names of a set, in the order of the contract.
pub(crate) fn names(set: ApiSet) -> Vec<Cow<'static, str>> {
    set.iter().map(|api| api.name().into()).collect()
}
