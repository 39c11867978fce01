//! The arguments of a call as its parameters declare them: read in the order of the page, so that the first wrong one is named.

use std::{fmt, slice, vec};

use serde::{
    de::{self, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor},
    forward_to_deserialize_any,
};
use wx_api::{Api, JsType, Param};

use super::argument::{Argument, Kind, Number, Unreadable};
use crate::answer::shortened;

/// The most characters of a script's own text that an error repeats.
const LONGEST_QUOTE: usize = 64;

/// The most characters of somebody else's words about a value, which may quote it whole.
const LONGEST_REMARK: usize = 200;

/// How deep values may be nested, where their declared type leaves it open.
const DEEPEST: u8 = 128;

/// Which parameter is wrong, and how. Displays as in `parameter.scope should be String instead of Number;`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
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

impl From<Unreadable> for Wrong {
    fn from(why: Unreadable) -> Self {
        de::Error::custom(why.0)
    }
}

impl de::Error for Wrong {
    fn custom<T: fmt::Display>(what: T) -> Self {
        let what = format!(": {}", shortened(&what.to_string(), LONGEST_REMARK));
        Self { parameter: "", path: String::new(), what }
    }
}

/// Whether a value is of a declared type.
fn check<A: Argument>(ty: JsType, value: &A) -> Result<(), Wrong> {
    match (ty, value.kind()) {
        (JsType::String, Kind::String)
        | (JsType::Number, Kind::Number)
        | (JsType::Boolean, Kind::Boolean)
        | (JsType::ArrayBuffer, Kind::ArrayBuffer)
        | (JsType::Object, Kind::Object) => Ok(()),
        (JsType::Object, Kind::ArrayBuffer) if A::TEXTUAL => Ok(()),
        (JsType::OneOf(names), Kind::String) => {
            let name = value.text()?;
            if names.contains(&&*name) {
                return Ok(());
            }
            Err(Wrong::should_be(format_args!("one of {}", names.join(", ")), shortened(&name, LONGEST_QUOTE)))
        }
        (JsType::Array(ty), Kind::Array) => (0..value.length()).try_for_each(|i| {
            let element = value.element(i).map_err(Wrong::from);
            element.and_then(|element| check(*ty, &element)).map_err(|wrong| wrong.within_element(i))
        }),
        (_, kind) => Err(Wrong::should_be(ty.name(), kind.name())),
    }
}

/// The arguments of one call.
pub(super) struct Parameters<A> {
    object: Option<A>,
    params: slice::Iter<'static, Param>,
    next: Option<(&'static Param, A)>,
}

impl<A: Argument> Parameters<A> {
    /// Of what a script passed: an object, or nothing.
    pub(super) fn of(api: Api, value: A) -> Result<Self, Wrong> {
        let object = match value.kind() {
            Kind::Undefined | Kind::Null => None,
            Kind::Object => Some(value),
            Kind::ArrayBuffer if A::TEXTUAL => Some(value),
            kind => return Err(Wrong::should_be("Object", kind.name())),
        };
        Ok(Self { object, params: api.params().iter(), next: None })
    }

    /// The value of a parameter, if the script gave one.
    fn given(&self, param: &Param) -> Result<Option<A>, Wrong> {
        let Some(object) = &self.object else { return Ok(None) };
        let value = object.field(param.name)?;
        Ok(match value.kind() {
            Kind::Undefined => None,
            Kind::Null if !param.required => None,
            _ => {
                check(param.ty, &value)?;
                Some(value)
            }
        })
    }
}

impl<'de, A: Argument> Deserializer<'de> for Parameters<A> {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_map(self)
    }

    fn is_human_readable(&self) -> bool {
        A::TEXTUAL
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de, A: Argument> MapAccess<'de> for Parameters<A> {
    type Error = Wrong;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Wrong> {
        while let Some(param) = self.params.next() {
            match self.given(param).map_err(|wrong| wrong.within_param(param))? {
                None if param.required => {
                    return Err(Wrong::should_be(param.ty.name(), Kind::Undefined.name()).within_param(param));
                }
                None => {}
                Some(value) => {
                    self.next = Some((param, value));
                    return seed.deserialize(param.name.into_deserializer()).map(Some);
                }
            }
        }
        Ok(None)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Wrong> {
        match self.next.take() {
            Some((param, value)) => seed.deserialize(Node::of(value)).map_err(|wrong| wrong.within_param(param)),
            None => Err(de::Error::custom("a value was read before its name")),
        }
    }
}

/// One value somewhere in the arguments.
pub(super) struct Node<A> {
    value: A,
    depth: u8,
}

impl<A: Argument> Node<A> {
    pub(super) fn of(value: A) -> Self {
        Self { value, depth: 0 }
    }

    /// A value inside this one.
    fn inner(value: A, depth: u8) -> Result<Self, Wrong> {
        if depth == DEEPEST {
            return Err(de::Error::custom(format_args!("nested deeper than {DEEPEST}")));
        }
        Ok(Self { value, depth: depth + 1 })
    }

    fn should_be(&self, wanted: &str) -> Wrong {
        Wrong::should_be(wanted, self.value.kind().name())
    }

    fn visit_object<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        let names = self.value.names()?.into_iter();
        visitor.visit_map(Fields { object: self.value, names, next: None, depth: self.depth })
    }
}

macro_rules! whole_numbers {
    ($($method:ident: $ty:ty,)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
            match self.value.kind() {
                Kind::Number => visit_whole(self.value.number(), <$ty>::MIN.into(), <$ty>::MAX.into(), visitor),
                _ => Err(self.should_be("Number")),
            }
        }
    )*};
}

/// Scripts have no integers: `5000.0` is as good as `5000` where a whole number belongs.
fn visit_whole<'de, V: Visitor<'de>>(number: Number, min: i128, max: i128, visitor: V) -> Result<V::Value, Wrong> {
    let whole = match number {
        Number::Signed(whole) => Some(whole.into()),
        Number::Unsigned(whole) => Some(whole.into()),
        #[allow(
            clippy::cast_possible_truncation,
            reason = "a whole float; what is out of range saturates and is refused below"
        )]
        Number::Float(float) if float.fract() == 0.0 => Some(float as i128),
        Number::Float(_) => None,
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

impl<'de, A: Argument> Deserializer<'de> for Node<A> {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.value.kind() {
            Kind::Undefined | Kind::Null => visitor.visit_unit(),
            Kind::Boolean => visitor.visit_bool(self.value.boolean()),
            Kind::Number => match self.value.number() {
                Number::Signed(value) => match u64::try_from(value) {
                    Ok(value) => visitor.visit_u64(value),
                    Err(_) => visitor.visit_i64(value),
                },
                Number::Unsigned(value) => visitor.visit_u64(value),
                Number::Float(value) => visitor.visit_f64(value),
            },
            Kind::String => visitor.visit_str(&self.value.text()?),
            Kind::Array => {
                visitor.visit_seq(Elements { len: self.value.length(), array: self.value, next: 0, depth: self.depth })
            }
            Kind::ArrayBuffer if !A::TEXTUAL => visitor.visit_byte_buf(self.value.bytes()?.into()),
            Kind::Object | Kind::ArrayBuffer => self.visit_object(visitor),
            Kind::Function | Kind::Symbol | Kind::BigInt => {
                Err(de::Error::custom(format_args!("a {} cannot be passed", self.value.kind().name())))
            }
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

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.value.kind() {
            Kind::Boolean => visitor.visit_bool(self.value.boolean()),
            _ => Err(self.should_be("Boolean")),
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.value.kind() {
            Kind::Number => self.deserialize_any(visitor),
            _ => Err(self.should_be("Number")),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.value.kind() {
            Kind::String => visitor.visit_str(&self.value.text()?),
            _ => Err(self.should_be("String")),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.value.kind() {
            Kind::Undefined | Kind::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        match self.value.kind() {
            Kind::Object => self.visit_object(visitor),
            Kind::ArrayBuffer if A::TEXTUAL => self.visit_object(visitor),
            _ => Err(self.should_be("Object")),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        match self.value.kind() {
            Kind::String => visitor.visit_enum((&*self.value.text()?).into_deserializer()),
            _ => Err(self.should_be("String")),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_newtype_struct(self)
    }

    /// Nothing is wanted, whatever was passed.
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_unit()
    }

    /// Not even looked at: what a script adds of its own may be of any shape and depth.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_unit()
    }

    fn is_human_readable(&self) -> bool {
        A::TEXTUAL
    }

    forward_to_deserialize_any! {
        i128 u128 f32 char str bytes byte_buf unit_struct seq tuple tuple_struct map identifier
    }
}

struct Elements<A> {
    array: A,
    len: usize,
    next: usize,
    depth: u8,
}

impl<'de, A: Argument> SeqAccess<'de> for Elements<A> {
    type Error = Wrong;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Wrong> {
        let i = self.next;
        if i >= self.len {
            return Ok(None);
        }
        self.next += 1;
        let element = self.array.element(i).map_err(Wrong::from).and_then(|element| Node::inner(element, self.depth));
        element.and_then(|element| seed.deserialize(element)).map(Some).map_err(|wrong| wrong.within_element(i))
    }
}

struct Fields<A> {
    object: A,
    names: vec::IntoIter<String>,
    next: Option<String>,
    depth: u8,
}

impl<'de, A: Argument> MapAccess<'de> for Fields<A> {
    type Error = Wrong;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Wrong> {
        let Some(name) = self.names.next() else { return Ok(None) };
        let key = seed.deserialize(name.as_str().into_deserializer());
        self.next = Some(name);
        key.map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Wrong> {
        let Some(name) = self.next.take() else { return Err(de::Error::custom("a value was read before its name")) };
        let value = self.object.field(&name).map_err(Wrong::from).and_then(|value| Node::inner(value, self.depth));
        value.and_then(|value| seed.deserialize(value)).map_err(|wrong| wrong.within_field(&name))
    }
}
