//! From the lines of a record to the steps of a replay, each checked against those before it.

use std::{
    borrow::Cow,
    collections::HashMap,
    io::{self, Read},
};

use serde::de::DeserializeOwned;
use serde_json::Value;
use wx_api::{Api, ApiSet, Call, Error, Event, Reply, Result};

use crate::layers::record::line::{Failure, Header, Line, RECORD, VERSION};

/// A text that is no record.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// It cannot be read.
    #[error("the record cannot be read")]
    Io(#[from] io::Error),
    /// A line is not what it should be.
    #[error("line {line} of the record: {problem}")]
    Line {
        /// The number of the line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
}

/// What a record says happens next.
#[derive(Debug)]
pub(super) enum Step {
    Call { id: u64, call: Call },
    Answer { id: u64, answer: Result<Reply> },
    Subscribe { id: u64, events: ApiSet, refused: Option<Error> },
    Event { id: u64, event: Event },
    Cancel { id: u64 },
}

/// A step and the number of its line.
pub(super) type Numbered = (usize, Step);

/// What is known of an identifier.
enum Known {
    Call(Api),
    Over,
    Subscription(ApiSet),
}

pub(super) fn read(mut from: impl Read) -> Result<(ApiSet, Vec<Numbered>), ReplayError> {
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes)?;
    let mut lines = bytes.split(|byte| *byte == b'\n').enumerate().map(|(i, line)| (i + 1, line));

    let header = lines.next().map_or(&[][..], |(_, line)| line);
    let supported = supported(header).map_err(|problem| ReplayError::Line { line: 1, problem })?;

    let (mut steps, mut known) = (Vec::new(), HashMap::new());
    for (number, line) in lines.filter(|(_, line)| !line.trim_ascii().is_empty()) {
        let step = step(line, &mut known, &mut steps).map_err(|problem| ReplayError::Line { line: number, problem })?;
        steps.extend(step.map(|step| (number, step)));
    }
    Ok((supported, steps))
}

fn supported(line: &[u8]) -> Result<ApiSet, String> {
    let header: Header<'_> = json(line).map_err(|problem| format!("no header of a record: {problem}"))?;
    if header.wx != RECORD || header.version != VERSION {
        return Err(format!("not a record of version {VERSION}, but {} of version {}", header.wx, header.version));
    }
    header.supported.iter().map(|name| api(name)).collect()
}

/// Reads one line; `None` for one that only completes the step before.
fn step(line: &[u8], known: &mut HashMap<u64, Known>, steps: &mut [Numbered]) -> Result<Option<Step>, String> {
    let step = match json::<Line>(line)? {
        Line::Call { id, api: name, args } => {
            let api = api(&name)?;
            introduce(known, id, Known::Call(api))?;
            Step::Call { id, call: Call::deserialize(api, args).map_err(|error| format!("arguments of {name}: {error}"))? }
        }
        Line::Answer { id, ok, of, fail } => match (known.get(&id), ok, fail) {
            (Some(Known::Call(called)), Some(fields), None) => {
                let reply = reply(*called, of.as_deref(), fields)?;
                known.insert(id, Known::Over);
                Step::Answer { id, answer: Ok(reply) }
            }
            (Some(Known::Call(called)), None, Some(failure)) => {
                let error = error(Some(*called), failure)?;
                known.insert(id, Known::Over);
                Step::Answer { id, answer: Err(error) }
            }
            (Some(Known::Subscription(_)), None, Some(failure)) => {
                let Some((_, Step::Subscribe { id: last, refused: refused @ None, .. })) = steps.last_mut() else {
                    return Err(format!("the refusal of subscription {id} does not follow it"));
                };
                if *last != id {
                    return Err(format!("the refusal of subscription {id} does not follow it"));
                }
                *refused = Some(error(None, failure)?);
                known.insert(id, Known::Over);
                return Ok(None);
            }
            (None | Some(Known::Over), ..) => return Err(format!("{id} waits for no answer")),
            _ => return Err(format!("an answer to {id} is either `ok` or `fail`")),
        },
        Line::Subscribe { id, events } => {
            let events: ApiSet = events.iter().map(|name| api(name)).collect::<Result<_, _>>()?;
            introduce(known, id, Known::Subscription(events))?;
            Step::Subscribe { id, events, refused: None }
        }
        Line::Event { id, api: name, payload } => {
            let api = api(&name)?;
            match known.get(&id) {
                Some(Known::Subscription(events)) if events.contains(api) => {}
                _ => return Err(format!("{id} does not listen to {name}")),
            }
            Step::Event { id, event: Event::deserialize(api, payload).map_err(|error| format!("payload of {name}: {error}"))? }
        }
        Line::Cancel { id } => match known.insert(id, Known::Over) {
            Some(Known::Call(_)) => Step::Cancel { id },
            _ => return Err(format!("{id} is no call under way")),
        },
    };
    Ok(Some(step))
}

fn introduce(known: &mut HashMap<u64, Known>, id: u64, what: Known) -> Result<(), String> {
    match known.insert(id, what) {
        None => Ok(()),
        Some(_) => Err(format!("{id} was there before")),
    }
}

fn reply(called: Api, of: Option<&str>, fields: Value) -> Result<Reply, String> {
    let api = of.map_or(Ok(called), api)?;
    Reply::deserialize(api, fields).map_err(|error| format!("result of {}: {error}", api.name()))
}

fn error(called: Option<Api>, failure: Failure<'_, Value>) -> Result<Error, String> {
    let told = failure.of.as_deref().map(api).transpose()?.or(called).ok_or("a failure of no API")?;
    let mut error = Error::new(told, failure.kind, failure.reason.into_owned());
    if let Some(code) = failure.code {
        error = error.with_code(code);
    }
    if let Some(separator) = failure.separator {
        error = error.with_separator(separator);
    }
    if let Some(fields) = failure.reply {
        error = error.with_reply(reply(called.unwrap_or(told), failure.reply_of.as_deref(), fields)?);
    }
    Ok(error)
}

fn api(name: &str) -> Result<Api, String> {
    Api::from_name(name).ok_or_else(|| format!("there is no API `{}`", crate::answer::shortened(name, 64)))
}

fn json<T: DeserializeOwned>(line: &[u8]) -> Result<T, String> {
    serde_json::from_slice(line).map_err(|error| {
        match line {
            [] => Cow::Borrowed("it is empty"),
            _ => error.to_string().into(),
        }
        .into_owned()
    })
}
