//! The values of the engine as arguments: what a script passes, read without a detour through text.

use std::{borrow::Cow, cell::Cell, rc::Rc};

use bytes::Bytes;
use rquickjs::{ArrayBuffer, Object, Type, Value};
use wx_host::edge::{Argument, Kind, Number, Unreadable};

use crate::{fault, names::Names, originals::Originals};

/// One value, or the list of all that a function was given.
#[derive(Clone)]
pub(crate) struct Passed<'a, 'js> {
    what: What<'js>,
    held: &'a Held,
}

#[derive(Clone)]
enum What<'js> {
    Value(Value<'js>),
    List(Vec<Value<'js>>),
    /// One that was not given.
    Nothing,
}

/// What reading and answering take, and how much may be read.
pub(crate) struct Reading {
    pub(crate) originals: Originals,
    pub(crate) names: Names,
    /// Bytes that may still be copied out of the engine, whose own limit does not count them.
    pub(crate) room: Cell<usize>,
}

/// What was read for one call. It takes room until the call has its answer, or is broken off.
pub(crate) struct Held {
    reading: Rc<Reading>,
    bytes: Cell<usize>,
}

impl Held {
    /// Nothing yet.
    pub(crate) fn new(reading: Rc<Reading>) -> Self {
        Self { reading, bytes: Cell::new(0) }
    }

    fn take(&self, bytes: usize) -> Result<(), Unreadable> {
        let cost = bytes.saturating_add(EACH);
        let left = self.reading.room.get().checked_sub(cost).ok_or(Unreadable("more than the memory limit".into()))?;
        self.reading.room.set(left);
        self.bytes.set(self.bytes.get() + cost);
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.reading.room.set(self.reading.room.get() + self.bytes.get());
    }
}

/// A function may be read as if it had been given this many arguments: those it was not given are `undefined`.
const MOST_ARGUMENTS: usize = 8;

impl<'a, 'js> Passed<'a, 'js> {
    pub(crate) fn value(value: Value<'js>, held: &'a Held) -> Self {
        Self { what: What::Value(value), held }
    }

    pub(crate) fn list(values: Vec<Value<'js>>, held: &'a Held) -> Self {
        Self { what: What::List(values), held }
    }

    fn one(&self) -> Option<&Value<'js>> {
        match &self.what {
            What::Value(value) => Some(value),
            What::List(_) | What::Nothing => None,
        }
    }

    fn object(&self) -> Result<&Object<'js>, Unreadable> {
        self.one().and_then(Value::as_object).ok_or(Unreadable("no object".into()))
    }

    fn is_plain(&self) -> bool {
        self.object().is_ok_and(|object| self.held.reading.originals.is_plain(object))
    }

    fn inner(&self, value: rquickjs::Result<Value<'js>>) -> Result<Self, Unreadable> {
        let value = self.readable(value)?;
        Ok(Self::value(value, self.held))
    }

    /// What was thrown is told as a reason, and no longer thrown.
    fn readable<T>(&self, result: rquickjs::Result<T>) -> Result<T, Unreadable> {
        result.map_err(|error| {
            let why = self.one().map_or_else(|| error.to_string(), |value| fault::reason(value.ctx(), &error));
            Unreadable(format!("cannot be read: {why}").into())
        })
    }
}

/// What each piece costs besides its bytes.
const EACH: usize = 32;

/// How long an array says it is. (The binding's own `Array::len` panics on lengths beyond 31 bits, which a script can set.)
pub(crate) fn length(array: &Value<'_>) -> Option<usize> {
    let length = array.as_object()?.get::<_, Value<'_>>("length").ok()?.as_number()?;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, and no array is that long")]
    Some(length as usize)
}

/// A whole number is one in scripts whatever the engine keeps it as.
pub(crate) fn number(value: f64) -> Number {
    const LAST_EXACT: f64 = 9_007_199_254_740_991.0;
    #[allow(clippy::cast_possible_truncation, reason = "whole, and small enough to be exact")]
    if value.fract() == 0.0 && value.abs() <= LAST_EXACT { Number::Signed(value as i64) } else { Number::Float(value) }
}

/// The buffer that a value is, if it is one that still has its content.
pub(crate) fn buffer<'js>(value: &Value<'js>) -> Option<ArrayBuffer<'js>> {
    let buffer = ArrayBuffer::from_object(value.as_object()?.clone());
    if buffer.is_none() {
        value.ctx().catch(); // asking is how the engine tells, and it throws its answer
    }
    buffer
}

impl Argument for Passed<'_, '_> {
    fn kind(&self) -> Kind {
        let value = match &self.what {
            What::Value(value) => value,
            What::List(_) => return Kind::Array,
            What::Nothing => return Kind::Undefined,
        };
        match value.type_of() {
            Type::Undefined | Type::Uninitialized => Kind::Undefined,
            Type::Null => Kind::Null,
            Type::Bool => Kind::Boolean,
            Type::Int | Type::Float => Kind::Number,
            Type::String => Kind::String,
            Type::Symbol => Kind::Symbol,
            Type::BigInt => Kind::BigInt,
            Type::Array => Kind::Array,
            Type::Function | Type::Constructor => Kind::Function,
            // The engine tells what is no buffer by making an error and throwing it, which costs more than the rest of a call: what
            // need not be asked is not.
            Type::Object if !self.is_plain() && buffer(value).is_some() => Kind::ArrayBuffer,
            _ => Kind::Object,
        }
    }

    fn boolean(&self) -> bool {
        self.one().and_then(Value::as_bool).unwrap_or_default()
    }

    fn number(&self) -> Number {
        number(self.one().and_then(Value::as_number).unwrap_or(f64::NAN))
    }

    fn text(&self) -> Result<Cow<'_, str>, Unreadable> {
        let Some(string) = self.one().and_then(Value::as_string) else { return Err(Unreadable("no string".into())) };
        let text = self.readable(self.held.reading.originals.text(string))?;
        self.held.take(text.len())?;
        Ok(text.into())
    }

    fn bytes(&self) -> Result<Bytes, Unreadable> {
        let buffer = self.one().and_then(buffer).ok_or(Unreadable("the buffer is detached".into()))?;
        self.held.take(buffer.len())?;
        Ok(self.readable(self.held.reading.originals.bytes(&buffer))?.into())
    }

    fn length(&self) -> usize {
        match &self.what {
            What::List(_) => MOST_ARGUMENTS,
            What::Value(value) => length(value).unwrap_or(0),
            What::Nothing => 0,
        }
    }

    fn element(&self, index: usize) -> Result<Self, Unreadable> {
        match &self.what {
            What::Value(_) => {
                self.held.take(0)?;
                self.inner(self.object()?.get(u32::try_from(index).unwrap_or(u32::MAX)))
            }
            What::List(values) => {
                let what = values.get(index).map_or(What::Nothing, |value| What::Value(value.clone()));
                Ok(Self { what, held: self.held })
            }
            What::Nothing => Err(Unreadable("no array".into())),
        }
    }

    fn field(&self, name: &str) -> Result<Self, Unreadable> {
        self.inner(self.object()?.get(name))
    }

    fn names(&self) -> Result<Vec<String>, Unreadable> {
        self.readable(self.object()?.keys::<String>().collect())
    }
}
