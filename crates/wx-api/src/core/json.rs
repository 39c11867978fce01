//! Binary in JSON: `{"base64": "kAA="}` wherever a script has an `ArrayBuffer`.
//!
//! An object rather than a bare string, so that a string where binary belongs is still a wrong type. Formats that carry bytes
//! themselves get the bytes.

/// For `#[serde(with = "json::buffer")]` on a field of type [`bytes::Bytes`].
pub mod buffer {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use bytes::Bytes;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    #[derive(Serialize, Deserialize)]
    struct Base64<T> {
        base64: T,
    }

    /// # Errors
    ///
    /// Whatever the serializer answers.
    pub fn serialize<S: Serializer>(data: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            Base64 { base64: STANDARD.encode(data) }.serialize(serializer)
        } else {
            serializer.serialize_bytes(data)
        }
    }

    /// # Errors
    ///
    /// For anything but an object whose `base64` is padded standard base64.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        if deserializer.is_human_readable() {
            let Base64 { base64 } = Base64::<String>::deserialize(deserializer)?;
            STANDARD.decode(base64).map(Bytes::from).map_err(|error| D::Error::custom(format!("bad base64: {error}")))
        } else {
            Bytes::deserialize(deserializer)
        }
    }
}

/// For `#[serde(with = "json::optional_buffer", default, skip_serializing_if = "Option::is_none")]` on an `Option<Bytes>`.
pub mod optional_buffer {
    use bytes::Bytes;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Buffer(#[serde(with = "super::buffer")] Bytes);

    /// # Errors
    ///
    /// Whatever the serializer answers.
    pub fn serialize<S: Serializer>(data: &Option<Bytes>, serializer: S) -> Result<S::Ok, S::Error> {
        data.clone().map(Buffer).serialize(serializer)
    }

    /// # Errors
    ///
    /// As [`buffer::deserialize`](super::buffer::deserialize).
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Bytes>, D::Error> {
        Ok(Option::<Buffer>::deserialize(deserializer)?.map(|Buffer(data)| data))
    }
}
