//! Why a record was not accepted.

use crate::PssError;

/// Why a record of a key was not accepted: the first check that failed.
///
/// [`reason`](Self::reason) is a stable name for logs and metrics; `Display` says what happened and what to do about it. Neither
/// repeats what the record says.
///
/// # Examples
///
/// ```
/// use wx_crypto::RecordError;
///
/// assert_eq!(RecordError::Mismatch.reason(), "Mismatch");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// It has no room for a length and a signature.
    #[error("{bytes} bytes are fewer than a length of 4 and a signature of 256: the record was cut, or is none")]
    TooShort {
        /// Length that was given.
        bytes: usize,
    },

    /// It claims more than [`MAX_JSON_LEN`](super::MAX_JSON_LEN).
    #[error("it claims a text of {declared} bytes, more than 1 MiB: the length is written big-endian, or the record is none")]
    TooLong {
        /// What it claims.
        declared: usize,
    },

    /// It claims another length than it has.
    #[error("it claims a text of {declared} bytes and has one of {found}: the record was cut, or something was appended")]
    Length {
        /// What it claims.
        declared: usize,
        /// What is between the length and the signature.
        found: usize,
    },

    /// The text is not UTF-8.
    #[error("its text is not UTF-8: the record was damaged, or is none")]
    Utf8,

    /// The text is not a JSON object, or is nested too deep.
    #[error("its text is not a JSON object (line {line}, column {column}): the record was damaged, or is none")]
    Json {
        /// Line of the fault, from 1.
        line: usize,
        /// Column of the fault, in bytes.
        column: usize,
    },

    /// An object in the text has the same key twice.
    #[error("an object in its text has the same key twice, which two parsers may read differently: refuse the record")]
    DuplicateKey,

    /// `rsa_pss_saltlen` is neither 20 nor 32.
    #[error("it declares a salt (`rsa_pss_saltlen`) of neither 20 nor 32 bytes, which no device does: refuse the record")]
    Salt,

    /// There is no key.
    #[error("it names no key (`pub_key`): refuse the record")]
    KeyMissing,

    /// The key is none.
    #[error("its key (`pub_key`) is {0}")]
    Key(#[from] PssError),

    /// There is no counter that is a whole number.
    #[error("it has no `counter` that is a whole number: refuse the record")]
    CounterMissing,

    /// It does not name its device.
    #[error("it names no device (`cpu_id`): refuse the record")]
    DeviceMissing,

    /// It does not name its host application.
    #[error("it names no host application (`uid`): refuse the record")]
    HostMissing,

    /// The key above has not signed it.
    #[error("the key above it has not signed it: the keys are of two chains, or the text was altered")]
    Mismatch,

    /// The key above is of another device.
    #[error("it names another device (`cpu_id`) than the key above it: the records are of two chains")]
    OtherDevice,

    /// The key above is of another host application.
    #[error("it names another host application (`uid`) than the key above it: the records are of two chains")]
    OtherHost,
}

impl RecordError {
    /// The variant's name, stable across versions.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(wx_crypto::RecordError::OtherHost.reason(), "OtherHost");
    /// ```
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::TooShort { .. } => "TooShort",
            Self::TooLong { .. } => "TooLong",
            Self::Length { .. } => "Length",
            Self::Utf8 => "Utf8",
            Self::Json { .. } => "Json",
            Self::DuplicateKey => "DuplicateKey",
            Self::Salt => "Salt",
            Self::KeyMissing => "KeyMissing",
            Self::Key(_) => "Key",
            Self::CounterMissing => "CounterMissing",
            Self::DeviceMissing => "DeviceMissing",
            Self::HostMissing => "HostMissing",
            Self::Mismatch => "Mismatch",
            Self::OtherDevice => "OtherDevice",
            Self::OtherHost => "OtherHost",
        }
    }
}
