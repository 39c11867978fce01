//! JSON values as arguments.

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::Value;

use super::argument::{Argument, Kind, Number, Unreadable};

/// A value, or nothing where a script gave none.
#[derive(Clone, Copy)]
pub(super) struct Json<'a>(pub(super) Option<&'a Value>);

impl Argument for Json<'_> {
    const TEXTUAL: bool = true;

    fn kind(&self) -> Kind {
        match self.0 {
            None => Kind::Undefined,
            Some(Value::Null) => Kind::Null,
            Some(Value::Bool(_)) => Kind::Boolean,
            Some(Value::Number(_)) => Kind::Number,
            Some(Value::String(_)) => Kind::String,
            Some(Value::Array(_)) => Kind::Array,
            Some(Value::Object(object)) if matches!(object.get("base64"), Some(Value::String(_))) => Kind::ArrayBuffer,
            Some(Value::Object(_)) => Kind::Object,
        }
    }

    fn boolean(&self) -> bool {
        matches!(self.0, Some(Value::Bool(true)))
    }

    fn number(&self) -> Number {
        let Some(Value::Number(number)) = self.0 else { return Number::Float(f64::NAN) };
        match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(number), _, _) => Number::Signed(number),
            (_, Some(number), _) => Number::Unsigned(number),
            (_, _, number) => Number::Float(number.unwrap_or(f64::NAN)),
        }
    }

    fn text(&self) -> Result<Cow<'_, str>, Unreadable> {
        Ok(self.0.and_then(Value::as_str).unwrap_or_default().into())
    }

    fn bytes(&self) -> Result<Bytes, Unreadable> {
        Err(Unreadable("binary data is text here".into()))
    }

    fn length(&self) -> usize {
        self.0.and_then(Value::as_array).map_or(0, Vec::len)
    }

    fn element(&self, index: usize) -> Result<Self, Unreadable> {
        Ok(Self(self.0.and_then(|array| array.get(index))))
    }

    fn field(&self, name: &str) -> Result<Self, Unreadable> {
        Ok(Self(self.0.and_then(|object| object.get(name))))
    }

    fn names(&self) -> Result<Vec<String>, Unreadable> {
        Ok(self.0.and_then(Value::as_object).map_or_else(Vec::new, |object| object.keys().cloned().collect()))
    }
}
