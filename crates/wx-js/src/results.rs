//! Results and events as values of the engine, written without a detour through text.

use std::fmt;

use rquickjs::{Array, ArrayBuffer, Ctx, IntoAtom, Object, String as JsString, Value, object::Property};
use serde::{
    Serialize, Serializer,
    ser::{self, Impossible, SerializeMap, SerializeSeq, SerializeStruct, SerializeTuple, SerializeTupleStruct},
};
use wx_host::edge::Outcome;

use crate::names::Names;

/// Why a value could not be written.
#[derive(Debug)]
pub(crate) enum Unwritable {
    /// The engine refused, for want of memory say. What it threw is still to be caught.
    Engine(rquickjs::Error),
    /// The value has no form in scripts.
    Shape(String),
}

impl Unwritable {
    /// The error of the engine that it is or becomes.
    pub(crate) fn throw(self, ctx: &Ctx<'_>) -> rquickjs::Error {
        match self {
            Self::Engine(error) => error,
            Self::Shape(what) => rquickjs::Exception::throw_internal(ctx, &what),
        }
    }
}

impl From<rquickjs::Error> for Unwritable {
    fn from(error: rquickjs::Error) -> Self {
        Self::Engine(error)
    }
}

impl fmt::Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Engine(error) => error.fmt(f),
            Self::Shape(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Unwritable {}

impl ser::Error for Unwritable {
    fn custom<T: fmt::Display>(what: T) -> Self {
        Self::Shape(what.to_string())
    }
}

type Written<T> = Result<T, Unwritable>;

/// Any value that serialises.
pub(crate) fn value<'js>(ctx: &Ctx<'js>, value: &(impl Serialize + ?Sized)) -> Written<Value<'js>> {
    value.serialize(Writer { ctx, into: None })
}

/// The object that callbacks get.
pub(crate) fn outcome<'js>(ctx: &Ctx<'js>, names: &Names, outcome: &Outcome) -> Written<Value<'js>> {
    let mut object = Fields { ctx, object: Object::new(ctx.clone())?, key: None };
    object.put(names.err_msg.atom(ctx)?, value(ctx, outcome.err_msg().as_ref())?)?;
    if let Some(code) = outcome.err_code() {
        object.put(names.err_code.atom(ctx)?, value(ctx, &code)?)?;
    }
    let object = object.object;
    match outcome.fields() {
        Some(fields) => fields.serialize(Writer { ctx, into: Some(object) }),
        None => Ok(object.into_value()),
    }
}

/// Writes one value, its fields into an object that is already there if it is given one.
struct Writer<'a, 'js> {
    ctx: &'a Ctx<'js>,
    into: Option<Object<'js>>,
}

impl<'a, 'js> Writer<'a, 'js> {
    fn plain(&self) -> Written<()> {
        if self.into.is_some() { Err(ser::Error::custom("a result is no object")) } else { Ok(()) }
    }

    fn number(&self, number: f64) -> Written<Value<'js>> {
        self.plain()?;
        Ok(Value::new_number(self.ctx.clone(), number))
    }

    fn object(self) -> Written<Fields<'a, 'js>> {
        let object = self.into.map_or_else(|| Object::new(self.ctx.clone()), Ok)?;
        Ok(Fields { ctx: self.ctx, object, key: None })
    }

    fn array(self) -> Written<Elements<'a, 'js>> {
        self.plain()?;
        Ok(Elements { ctx: self.ctx, array: Array::new(self.ctx.clone())?, next: 0 })
    }

    fn variant(self, name: &'static str, inner: Value<'js>) -> Written<Value<'js>> {
        let mut fields = self.object()?;
        fields.put(name, inner)?;
        Ok(fields.object.into_value())
    }
}

macro_rules! numbers {
    ($($method:ident: $ty:ty,)*) => {$(
        fn $method(self, number: $ty) -> Written<Value<'js>> {
            self.number(number.into())
        }
    )*};
}

impl<'a, 'js> Serializer for Writer<'a, 'js> {
    type Ok = Value<'js>;
    type Error = Unwritable;
    type SerializeSeq = Elements<'a, 'js>;
    type SerializeTuple = Elements<'a, 'js>;
    type SerializeTupleStruct = Elements<'a, 'js>;
    type SerializeTupleVariant = Impossible<Value<'js>, Unwritable>;
    type SerializeMap = Fields<'a, 'js>;
    type SerializeStruct = Fields<'a, 'js>;
    type SerializeStructVariant = Impossible<Value<'js>, Unwritable>;

    numbers! {
        serialize_i8: i8,
        serialize_i16: i16,
        serialize_i32: i32,
        serialize_u8: u8,
        serialize_u16: u16,
        serialize_u32: u32,
        serialize_f32: f32,
        serialize_f64: f64,
    }

    #[allow(clippy::cast_precision_loss, reason = "scripts have no other numbers")]
    fn serialize_i64(self, number: i64) -> Written<Value<'js>> {
        self.number(number as f64)
    }

    #[allow(clippy::cast_precision_loss, reason = "scripts have no other numbers")]
    fn serialize_u64(self, number: u64) -> Written<Value<'js>> {
        self.number(number as f64)
    }

    fn serialize_bool(self, value: bool) -> Written<Value<'js>> {
        self.plain()?;
        Ok(Value::new_bool(self.ctx.clone(), value))
    }

    fn serialize_char(self, value: char) -> Written<Value<'js>> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, text: &str) -> Written<Value<'js>> {
        self.plain()?;
        Ok(JsString::from_str(self.ctx.clone(), text)?.into_value())
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Written<Value<'js>> {
        self.plain()?;
        Ok(ArrayBuffer::new_copy(self.ctx.clone(), bytes)?.into_value())
    }

    fn serialize_none(self) -> Written<Value<'js>> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Written<Value<'js>> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Written<Value<'js>> {
        self.plain()?;
        Ok(Value::new_null(self.ctx.clone()))
    }

    fn serialize_unit_struct(self, _: &'static str) -> Written<Value<'js>> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Written<Value<'js>> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Written<Value<'js>> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        inner: &T,
    ) -> Written<Value<'js>> {
        let inner = value(self.ctx, inner)?;
        self.variant(variant, inner)
    }

    fn serialize_seq(self, _: Option<usize>) -> Written<Elements<'a, 'js>> {
        self.array()
    }

    fn serialize_tuple(self, _: usize) -> Written<Elements<'a, 'js>> {
        self.array()
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Written<Elements<'a, 'js>> {
        self.array()
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Written<Self::SerializeTupleVariant> {
        Err(ser::Error::custom(format_args!("{name}::{variant} has no form in scripts")))
    }

    fn serialize_map(self, _: Option<usize>) -> Written<Fields<'a, 'js>> {
        self.object()
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Written<Fields<'a, 'js>> {
        self.object()
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Written<Self::SerializeStructVariant> {
        Err(ser::Error::custom(format_args!("{name}::{variant} has no form in scripts")))
    }

    /// Binary data is binary here, not text.
    fn is_human_readable(&self) -> bool {
        false
    }
}

/// An array on its way.
struct Elements<'a, 'js> {
    ctx: &'a Ctx<'js>,
    array: Array<'js>,
    next: usize,
}

impl<'js> Elements<'_, 'js> {
    fn push(&mut self, element: &(impl Serialize + ?Sized)) -> Written<()> {
        self.array.set(self.next, value(self.ctx, element)?)?;
        self.next += 1;
        Ok(())
    }

    fn finish(self) -> Value<'js> {
        self.array.into_value()
    }
}

macro_rules! elements {
    ($($of:ident::$method:ident,)*) => {$(
        impl<'js> $of for Elements<'_, 'js> {
            type Ok = Value<'js>;
            type Error = Unwritable;

            fn $method<T: Serialize + ?Sized>(&mut self, element: &T) -> Written<()> {
                self.push(element)
            }

            fn end(self) -> Written<Value<'js>> {
                Ok(self.finish())
            }
        }
    )*};
}

elements! {
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
}

/// An object on its way.
struct Fields<'a, 'js> {
    ctx: &'a Ctx<'js>,
    object: Object<'js>,
    key: Option<String>,
}

impl<'js> Fields<'_, 'js> {
    /// Defines rather than sets: whatever a script did to the prototype of objects, a result has its own fields.
    fn put(&mut self, name: impl IntoAtom<'js>, value: Value<'js>) -> Written<()> {
        Ok(self.object.prop(name, Property::from(value).writable().enumerable().configurable())?)
    }
}

impl<'js> SerializeMap for Fields<'_, 'js> {
    type Ok = Value<'js>;
    type Error = Unwritable;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Written<()> {
        let key = value(self.ctx, key)?;
        let name = match (key.as_string(), key.as_number()) {
            (Some(name), _) => name.to_string()?,
            (_, Some(number)) => number.to_string(),
            _ => return Err(ser::Error::custom("a key is a string or a number")),
        };
        self.key = Some(name);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, field: &T) -> Written<()> {
        let name = self.key.take().ok_or_else(|| Unwritable::Shape("a value was written before its key".to_owned()))?;
        let field = value(self.ctx, field)?;
        self.put(name, field)
    }

    fn end(self) -> Written<Value<'js>> {
        Ok(self.object.into_value())
    }
}

impl<'js> SerializeStruct for Fields<'_, 'js> {
    type Ok = Value<'js>;
    type Error = Unwritable;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, field: &T) -> Written<()> {
        let field = value(self.ctx, field)?;
        self.put(name, field)
    }

    fn end(self) -> Written<Value<'js>> {
        Ok(self.object.into_value())
    }
}
