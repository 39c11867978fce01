//! Why open data were refused.

/// Why open data were refused: the first check that failed.
///
/// [`code`](Self::code) is the number that the official samples return; [`reason`](Self::reason) is a stable name, finer than
/// the number, for logs and metrics; `Display` says what happened and what to do about it. None of them repeats a key or
/// decrypted data.
///
/// # Examples
///
/// ```
/// use wx_crypto::OpenDataError;
///
/// let error = OpenDataError::Length { bytes: 17 };
/// assert_eq!(error.code(), -41003);
/// assert_eq!(error.reason(), "Length");
/// assert!(error.to_string().contains("17 bytes"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenDataError {
    /// The session key is not padded standard base64 of 16 bytes.
    #[error(
        "the session key is not padded standard base64 of 16 bytes: \
         pass `session_key` exactly as the login endpoint returned it"
    )]
    IllegalAesKey,

    /// The iv is not padded standard base64 of 16 bytes.
    #[error(
        "the iv is not padded standard base64 of 16 bytes: \
         pass `iv` as the API returned it, and percent-encode it if it travels in a URL or a form"
    )]
    IllegalIv,

    /// The encrypted data are not padded standard base64.
    #[error(
        "the encrypted data are not padded standard base64: if `+` arrived as a space or `=` as `%3D`, \
         send them as JSON or percent-encode them once"
    )]
    DecodeBase64Error,

    /// The encrypted data are empty or end within a block.
    #[error(
        "the encrypted data decode to {bytes} bytes, which is not one or more blocks of 16: \
         they were cut, or encoded twice"
    )]
    Length {
        /// Length after base64.
        bytes: usize,
    },

    /// The encrypted data exceed [`MAX_ENCRYPTED_LEN`](super::MAX_ENCRYPTED_LEN).
    #[error("the encrypted data decode to {bytes} bytes, more than 1 MiB: no API returns that much, so refuse the request")]
    TooLarge {
        /// Length after base64.
        bytes: usize,
    },

    /// The padding is not PKCS#7 of a 16-byte block.
    #[error(
        "the padding is wrong, most likely because the data were encrypted with another session key: \
         a login after the data were fetched replaces the key, so fetch the data again"
    )]
    Padding,

    /// The plain text is not UTF-8.
    #[error(
        "the plain text is not UTF-8: the iv or the session key belongs to other data; \
         keep `iv` and `encryptedData` of one answer together"
    )]
    Utf8,

    /// The plain text is not a JSON object, is nested too deep, or its watermark has a member of the wrong type.
    // Position only: serde_json's own message may quote decrypted data.
    #[error(
        "the plain text is not a JSON object of the expected shape (line {line}, column {column}): \
         whoever sealed it is not the platform, or the data were altered"
    )]
    Json {
        /// Line of the fault, from 1.
        line: usize,
        /// Column of the fault, in bytes.
        column: usize,
    },

    /// An object in the plain text has the same key twice.
    #[error("an object in the plain text has the same key twice, which two parsers may read differently: refuse the data")]
    DuplicateKey,

    /// There is no watermark, or it lacks its appid or its timestamp.
    #[error(
        "the plain text has no complete watermark, so whose data they are and from when cannot be checked: \
         fetch the data through an API that marks them"
    )]
    WatermarkMissing,

    /// The watermark names another mini-program.
    #[error("the watermark names another mini-program: check that the server is configured with the appid of the client")]
    AppIdMismatch,

    /// The watermark is older than allowed.
    #[error(
        "the watermark is of {timestamp} and the time is {now_s}, more than the {max_age_s} seconds allowed: \
         fetch the data again"
    )]
    Stale {
        /// Time of the watermark.
        timestamp: i64,
        /// Time of the check.
        now_s: i64,
        /// Allowed age.
        max_age_s: u64,
    },

    /// The watermark is further in the future than clocks may differ.
    #[error(
        "the watermark is of {timestamp} and the time is {now_s}, more than the {max_skew_s} seconds that clocks may \
         differ: set this server's clock"
    )]
    FromTheFuture {
        /// Time of the watermark.
        timestamp: i64,
        /// Time of the check.
        now_s: i64,
        /// Allowed difference.
        max_skew_s: u64,
    },
}

impl OpenDataError {
    /// The number of the official samples: -41001 for the key, -41002 for the iv, -41004 for base64, -41003 for everything
    /// found later.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(wx_crypto::OpenDataError::IllegalAesKey.code(), -41001);
    /// ```
    pub const fn code(&self) -> i32 {
        match self {
            Self::IllegalAesKey => -41001,
            Self::IllegalIv => -41002,
            Self::DecodeBase64Error => -41004,
            Self::Length { .. }
            | Self::TooLarge { .. }
            | Self::Padding
            | Self::Utf8
            | Self::Json { .. }
            | Self::DuplicateKey
            | Self::WatermarkMissing
            | Self::AppIdMismatch
            | Self::Stale { .. }
            | Self::FromTheFuture { .. } => -41003,
        }
    }

    /// The variant's name, stable across versions.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(wx_crypto::OpenDataError::Padding.reason(), "Padding");
    /// ```
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::IllegalAesKey => "IllegalAesKey",
            Self::IllegalIv => "IllegalIv",
            Self::DecodeBase64Error => "DecodeBase64Error",
            Self::Length { .. } => "Length",
            Self::TooLarge { .. } => "TooLarge",
            Self::Padding => "Padding",
            Self::Utf8 => "Utf8",
            Self::Json { .. } => "Json",
            Self::DuplicateKey => "DuplicateKey",
            Self::WatermarkMissing => "WatermarkMissing",
            Self::AppIdMismatch => "AppIdMismatch",
            Self::Stale { .. } => "Stale",
            Self::FromTheFuture { .. } => "FromTheFuture",
        }
    }
}
