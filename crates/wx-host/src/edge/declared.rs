//! The arguments of a call as its parameters declare them: read in the order of the page, so that the first wrong one is named.

use std::{fmt, iter::Enumerate, slice};

use serde::{
    de::{self, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor},
    forward_to_deserialize_any,
};
use serde_json::{Map, Number, Value, map};
use wx_api::{Api, JsType, Param};

use crate::answer::shortened;

/// The most characters of a script's own text that an error repeats.
const LONGEST_QUOTE: usize = 64;

/// The most characters of somebody else's words about a value, which may quote it whole.
const LONGEST_REMARK: usize = 200;

/// Which parameter is wrong, and how. Displays as in `parameter.scope should be String instead of Number;`.
#[derive(Debug)]
pub(super) struct Wrong {
    /// Its name, empty when the arguments as a whole are wrong.
    pub(super) parameter: &'static str,
    /// From the arguments to the value.
    path: String,
    what: String,
}

impl Wrong {
    fn should_be(wanted: impl fmt::Display, instead: impl fmt::Display) -> Self {
        Self { parameter: "", path: String::new(), what: format!(" should be {wanted} instead of {instead}") }
    }

    fn within(mut self, step: impl fmt::Display) -> Self {
        self.path = format!("{step}{}", self.path);
        self
    }

    fn within_field(self, name: &str) -> Self {
        self.within(format_args!(".{}", shortened(name, LONGEST_QUOTE)))
    }

    fn within_param(mut self, param: &Param) -> Self {
        self.parameter = param.name;
        self.within_field(param.name)
    }

    fn within_element(self, index: usize) -> Self {
        self.within(format_args!("[{index}]"))
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "parameter{}{};", self.path, self.what)
    }
}

impl std::error::Error for Wrong {}

impl de::Error for Wrong {
    fn custom<T: fmt::Display>(what: T) -> Self {
        let what = format!(": {}", shortened(&what.to_string(), LONGEST_REMARK));
        Self { parameter: "", path: String::new(), what }
    }
}

/// The type of a value as scripts name it.
fn js_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "Null",
        Value::Bool(_) => "Boolean",
        Value::Number(_) => "Number",
        Value::String(_) => "String",
        Value::Array(_) => "Array",
        Value::Object(object) if is_buffer(object) => "ArrayBuffer",
        Value::Object(_) => "Object",
    }
}

fn is_buffer(object: &Map<String, Value>) -> bool {
    matches!(object.get("base64"), Some(Value::String(_)))
}

/// Whether a value is of a declared type.
fn check(ty: JsType, value: &Value) -> Result<(), Wrong> {
    match (ty, value) {
        (JsType::String, Value::String(_))
        | (JsType::Number, Value::Number(_))
        | (JsType::Boolean, Value::Bool(_))
        | (JsType::Object, Value::Object(_)) => Ok(()),
        (JsType::OneOf(names), Value::String(name)) if names.contains(&name.as_str()) => Ok(()),
        (JsType::OneOf(names), Value::String(name)) => {
            Err(Wrong::should_be(format_args!("one of {}", names.join(", ")), shortened(name, LONGEST_QUOTE)))
        }
        (JsType::ArrayBuffer, Value::Object(object)) if is_buffer(object) => Ok(()),
        (JsType::Array(ty), Value::Array(elements)) => elements
            .iter()
            .enumerate()
            .try_for_each(|(i, element)| check(*ty, element).map_err(|wrong| wrong.within_element(i))),
        _ => Err(Wrong::should_be(ty.name(), js_name(value))),
    }
}

/// The arguments of one call.
pub(super) struct Parameters<'de> {
    object: &'de Map<String, Value>,
    params: slice::Iter<'static, Param>,
    next: Option<(&'static Param, &'de Value)>,
}

impl<'de> Parameters<'de> {
    pub(super) fn of(api: Api, value: &'de Value) -> Result<Self, Wrong> {
        match value {
            Value::Object(object) => Ok(Self { object, params: api.params().iter(), next: None }),
            other => Err(Wrong::should_be("Object", js_name(other))),
        }
    }
}

impl<'de> Deserializer<'de> for Parameters<'de> {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_map(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> MapAccess<'de> for Parameters<'de> {
    type Error = Wrong;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Wrong> {
        for param in self.params.by_ref() {
            match self.object.get(param.name) {
                None if param.required => return Err(Wrong::should_be(param.ty.name(), "Undefined").within_param(param)),
                None => {}
                Some(Value::Null) if !param.required => {}
                Some(value) => {
                    check(param.ty, value).map_err(|wrong| wrong.within_param(param))?;
                    self.next = Some((param, value));
                    return seed.deserialize(param.name.into_deserializer()).map(Some);
                }
            }
        }
        Ok(None)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Wrong> {
        match self.next.take() {
            Some((param, value)) => seed.deserialize(Node(value)).map_err(|wrong| wrong.within_param(param)),
            None => Err(de::Error::custom("a value was read before its name")),
        }
    }
}

/// One value somewhere in the arguments.
struct Node<'de>(&'de Value);

macro_rules! whole_numbers {
    ($($method:ident: $ty:ty,)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
            match self.0 {
                Value::Number(number) => visit_whole(number, <$ty>::MIN.into(), <$ty>::MAX.into(), visitor),
                other => Err(Wrong::should_be("Number", js_name(other))),
            }
        }
    )*};
}

/// Scripts have no integers: `5000.0` is as good as `5000` where a whole number belongs.
fn visit_whole<'de, V: Visitor<'de>>(number: &Number, min: i128, max: i128, visitor: V) -> Result<V::Value, Wrong> {
    let whole = match (number.as_i64(), number.as_u64(), number.as_f64()) {
        (Some(whole), _, _) => Some(whole.into()),
        (_, Some(whole), _) => Some(whole.into()),
        #[allow(
            clippy::cast_possible_truncation,
            reason = "a whole float; what is out of range saturates and is refused below"
        )]
        (_, _, Some(float)) if float.fract() == 0.0 => Some(float as i128),
        _ => None,
    };
    match whole.filter(|whole| (min..=max).contains(whole)) {
        Some(whole) => match (u64::try_from(whole), i64::try_from(whole)) {
            (Ok(whole), _) => visitor.visit_u64(whole),
            (_, Ok(whole)) => visitor.visit_i64(whole),
            _ => Err(de::Error::custom("no such number")),
        },
        None => Err(Wrong::should_be(format_args!("a whole number from {min} to {max}"), number)),
    }
}

impl<'de> Deserializer<'de> for Node<'de> {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(value), _, _) => visitor.visit_u64(value),
                (_, Some(value), _) => visitor.visit_i64(value),
                (_, _, Some(value)) => visitor.visit_f64(value),
                _ => Err(de::Error::custom("no such number")),
            },
            Value::String(value) => visitor.visit_borrowed_str(value),
            Value::Array(elements) => visitor.visit_seq(Elements(elements.iter().enumerate())),
            Value::Object(object) => visitor.visit_map(Fields { rest: object.iter(), next: None }),
        }
    }

    whole_numbers! {
        deserialize_i8: i8,
        deserialize_i16: i16,
        deserialize_i32: i32,
        deserialize_i64: i64,
        deserialize_u8: u8,
        deserialize_u16: u16,
        deserialize_u32: u32,
        deserialize_u64: u64,
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        if self.0.is_object() { self.deserialize_any(visitor) } else { Err(Wrong::should_be("Object", js_name(self.0))) }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        match self.0 {
            Value::String(name) => visitor.visit_enum(name.as_str().into_deserializer()),
            other => Err(Wrong::should_be("String", js_name(other))),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i128 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map identifier ignored_any
    }
}

struct Elements<'de>(Enumerate<slice::Iter<'de, Value>>);

impl<'de> SeqAccess<'de> for Elements<'de> {
    type Error = Wrong;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Wrong> {
        let Some((i, element)) = self.0.next() else { return Ok(None) };
        seed.deserialize(Node(element)).map(Some).map_err(|wrong| wrong.within_element(i))
    }
}

struct Fields<'de> {
    rest: map::Iter<'de>,
    next: Option<(&'de str, &'de Value)>,
}

impl<'de> MapAccess<'de> for Fields<'de> {
    type Error = Wrong;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Wrong> {
        let Some((name, value)) = self.rest.next() else { return Ok(None) };
        self.next = Some((name, value));
        seed.deserialize(name.as_str().into_deserializer()).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Wrong> {
        match self.next.take() {
            Some((name, value)) => seed.deserialize(Node(value)).map_err(|wrong| wrong.within_field(name)),
            None => Err(de::Error::custom("a value was read before its name")),
        }
    }
}
