//! What a script passes, in whatever form a binding has it.

use std::{borrow::Cow, fmt};

use bytes::Bytes;

/// The type of a value as scripts name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Nothing was passed.
    Undefined,
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean,
    /// A number.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// Binary data.
    ArrayBuffer,
    /// Any other object.
    Object,
    /// A function.
    Function,
    /// A symbol.
    Symbol,
    /// A whole number without limit.
    BigInt,
}

impl Kind {
    /// The name that messages use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Undefined => "Undefined",
            Self::Null => "Null",
            Self::Boolean => "Boolean",
            Self::Number => "Number",
            Self::String => "String",
            Self::Array => "Array",
            Self::ArrayBuffer => "ArrayBuffer",
            Self::Object => "Object",
            Self::Function => "Function",
            Self::Symbol => "Symbol",
            Self::BigInt => "BigInt",
        }
    }
}

/// A number of a script.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// A whole one.
    Signed(i64),
    /// A whole one beyond those.
    Unsigned(u64),
    /// Any other, also `NaN` and the infinities.
    Float(f64),
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signed(number) => number.fmt(f),
            Self::Unsigned(number) => number.fmt(f),
            Self::Float(number) => match serde_json::Number::from_f64(*number) {
                Some(number) => number.fmt(f),
                None if number.is_nan() => f.write_str("NaN"),
                None if *number > 0.0 => f.write_str("Infinity"),
                None => f.write_str("-Infinity"),
            },
        }
    }
}

/// Why a value could not be read at all, such as what its getter threw. Scripts see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable(pub Cow<'static, str>);

/// A value that a script passed. A binding implements it for the values of its engine; [`read`](super::read) does the rest.
///
/// A method that asks for one type is only called on values of that [`kind`](Self::kind).
pub trait Argument: Sized {
    /// Whether binary data is an object with base64 text here, as in JSON. Else it is [`bytes`](Self::bytes).
    const TEXTUAL: bool = false;

    /// What it is.
    fn kind(&self) -> Kind;

    /// The value of a boolean.
    fn boolean(&self) -> bool;

    /// The value of a number.
    fn number(&self) -> Number;

    /// The text of a string.
    ///
    /// # Errors
    ///
    /// Text that cannot be had, for want of memory say.
    fn text(&self) -> Result<Cow<'_, str>, Unreadable>;

    /// The content of an array buffer, where binary data is not text.
    ///
    /// # Errors
    ///
    /// Data that cannot be had, such as that of a detached buffer.
    fn bytes(&self) -> Result<Bytes, Unreadable>;

    /// How many elements an array has.
    fn length(&self) -> usize;

    /// One element of an array.
    ///
    /// # Errors
    ///
    /// What a getter threw.
    fn element(&self, index: usize) -> Result<Self, Unreadable>;

    /// One field of an object, `Undefined` if it has none of that name.
    ///
    /// # Errors
    ///
    /// What a getter threw.
    fn field(&self, name: &str) -> Result<Self, Unreadable>;

    /// The names of all fields of an object.
    ///
    /// # Errors
    ///
    /// What a proxy threw.
    fn names(&self) -> Result<Vec<String>, Unreadable>;
}
