//! Queries, read without a copy where nothing in them is escaped, which is nearly always.

use std::borrow::Cow;

use serde::{
    Deserialize,
    de::{
        Deserializer, Error as _, IntoDeserializer, Visitor,
        value::{Error, MapDeserializer},
    },
    forward_to_deserialize_any,
};

/// Reads `name=value&name=value`. What is escaped wrongly is taken as it stands, as forms have it.
pub(super) fn parse<'a, T: Deserialize<'a>>(query: &'a str) -> Result<T, Error> {
    T::deserialize(MapDeserializer::new(query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        if pair.bytes().any(|byte| matches!(byte, b'%' | b'+')) {
            let (name, value) = form_urlencoded::parse(pair.as_bytes()).next().unwrap_or_default();
            (Text(name), Text(value))
        } else {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (Text(name.into()), Text(value.into()))
        }
    })))
}

/// A name or a value: a text, or what its field makes of it.
struct Text<'a>(Cow<'a, str>);

impl<'de> Deserializer<'de> for Text<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
            Cow::Owned(text) => visitor.visit_string(text),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_bool(self.0.parse().map_err(|_| Error::custom("neither true nor false"))?)
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, Error> for Text<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::token::TokenRequest;

    fn read(query: &str) -> Option<TokenRequest> {
        parse(query).ok()
    }

    fn appid(query: &str) -> Option<String> {
        read(query).map(|request| request.appid)
    }

    #[test]
    fn fields_are_read_in_any_order_and_others_are_passed_over() {
        let request = read("secret=s&other=x&&force_refresh=true&appid=a&another");
        let wanted = TokenRequest { appid: "a".to_owned(), secret: "s".into(), force_refresh: true, ..TokenRequest::default() };
        assert_eq!(request, Some(wanted));
        assert_eq!(read(""), Some(TokenRequest::default()));
    }

    #[test]
    fn what_is_escaped_is_read_as_forms_have_it() {
        assert_eq!(appid("appid=a%26%3D+%E5%A4%A9").as_deref(), Some("a&= 天"));
        assert_eq!(appid("app%69d=a").as_deref(), Some("a"), "a name too");
        assert_eq!(appid("appid=a%2").as_deref(), Some("a%2"));
        assert_eq!(appid("appid=%FF").as_deref(), Some("\u{fffd}"));
        assert_eq!(appid("appid=a=b").as_deref(), Some("a=b"));
    }

    #[test]
    fn a_field_that_stands_twice_or_has_the_wrong_type_is_refused() {
        assert_eq!(read("appid=a&appid=a"), None);
        assert_eq!(read("force_refresh=yes"), None);
    }
}
