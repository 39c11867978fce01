//! Why a result was not accepted.

/// Why a result of SOTER was not accepted: the first check that failed.
///
/// [`reason`](Self::reason) is a stable name for logs and metrics; `Display` says what happened and what to do about it. Neither
/// repeats what the result says.
///
/// # Examples
///
/// ```
/// use wx_crypto::SoterError;
///
/// assert_eq!(SoterError::ReEscaped.reason(), "ReEscaped");
/// assert!(SoterError::ReEscaped.to_string().contains("byte for byte"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SoterError {
    /// The result exceeds [`MAX_RESULT_LEN`](super::MAX_RESULT_LEN).
    #[error("the result has {bytes} bytes, more than 64 KiB: no device signs that much, so refuse the request")]
    TooLarge {
        /// Length that was given.
        bytes: usize,
    },

    /// The signature is not padded standard base64.
    #[error(
        "the signature is not padded standard base64: pass `resultJSONSignature` as the API returned it, \
         and percent-encode it if it travels in a URL or a form"
    )]
    SignatureBase64,

    /// The signature is not as long as one of RSA-2048.
    #[error("the signature decodes to {bytes} bytes, and one of SOTER has 256: it was cut, or encoded twice")]
    SignatureLength {
        /// Length after base64.
        bytes: usize,
    },

    /// The result is not a JSON object, or is nested too deep.
    #[error(
        "the result is not a JSON object (line {line}, column {column}): \
         pass `resultJSON` as the API returned it, as one string"
    )]
    Json {
        /// Line of the fault, from 1.
        line: usize,
        /// Column of the fault, in bytes.
        column: usize,
    },

    /// An object in the result has the same key twice.
    #[error("an object in the result has the same key twice, which two parsers may read differently: refuse the result")]
    DuplicateKey,

    /// `rsa_pss_saltlen` is neither 20 nor 32.
    #[error(
        "the result declares a salt (`rsa_pss_saltlen`) of neither 20 nor 32 bytes, which no device does: refuse the result"
    )]
    Salt,

    /// There is no challenge.
    #[error("the result has no challenge (`raw`), so which request it confirms cannot be checked: refuse the result")]
    RawMissing,

    /// There is no counter that is a whole number.
    #[error("the result has no `counter` that is a whole number, so a replay cannot be told: refuse the result")]
    CounterMissing,

    /// The signature is not one of these bytes by this key.
    #[error(
        "the signature does not match: the key is another device's or an older one, or the JSON is not the one that was \
         signed; pass on `resultJSON` byte for byte"
    )]
    Mismatch,

    /// The signature is one of the same result by this key, written in other bytes.
    #[error(
        "the JSON was re-escaped on its way: it was parsed and written anew, or made a text once more, and the signature \
         is one of what it was before; pass on `resultJSON` byte for byte, as one string"
    )]
    ReEscaped,

    /// It is the answer to another challenge.
    #[error("the result confirms another challenge than the one that was sent: refuse it, and do not say which was expected")]
    Challenge,

    /// Its counter is not above the last one.
    #[error("the counter is not above the last one of this key: the result was used before, or is older than one that was")]
    Replay,
}

impl SoterError {
    /// The variant's name, stable across versions.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(wx_crypto::SoterError::Salt.reason(), "Salt");
    /// ```
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "TooLarge",
            Self::SignatureBase64 => "SignatureBase64",
            Self::SignatureLength { .. } => "SignatureLength",
            Self::Json { .. } => "Json",
            Self::DuplicateKey => "DuplicateKey",
            Self::Salt => "Salt",
            Self::RawMissing => "RawMissing",
            Self::CounterMissing => "CounterMissing",
            Self::Mismatch => "Mismatch",
            Self::ReEscaped => "ReEscaped",
            Self::Challenge => "Challenge",
            Self::Replay => "Replay",
        }
    }
}
