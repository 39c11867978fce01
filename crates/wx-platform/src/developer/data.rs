//! Signed and sealed data that a mini-program sends, by token: with the current key, or for a while with the one before it.

use wx_api::{
    Timestamp,
    signature::{Opened, Sealed, SignatureError, Watermark},
};
use wx_crypto::{Expect, OpenDataError, Secret, SessionKey, open_data, signature};

use super::{
    Rules, Sessions,
    keys::{Keys, Previous},
    token,
};

/// Which key it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// That of the last sign-in.
    Current,
    /// That of the sign-in before, in the grace after the last one.
    Previous,
}

/// What was sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedData {
    /// The data. `Debug` shows the watermark alone.
    pub data: Opened,
    /// With which key.
    pub key: Key,
}

/// Why data was not accepted. The reason is for the server's log; answer the mini-program with the [code](DataError::code) alone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The token is unknown, expired or revoked; or the data are not what they should be.
    #[error(transparent)]
    Refused(#[from] SignatureError),
    /// The data are genuine, but signed or sealed with the session key before the current one, and too late for it to count.
    #[error("sealed with an earlier session key: a login came between, so let the mini-program ask for the data again")]
    EarlierKey {
        /// What is said of data under a key that is not known at all.
        otherwise: SignatureError,
    },
}

impl DataError {
    /// The official code, where there is one.
    pub fn code(&self) -> Option<i32> {
        match self {
            Self::Refused(error) | Self::EarlierKey { otherwise: error } => error.code(),
        }
    }
}

impl Sessions {
    /// Checks that `signature` is that of exactly `raw_data`, under the session key of the token's user or, within
    /// [`Rules::grace`](super::Rules::grace) of their last sign-in, under the one before it. Answers which.
    ///
    /// # Errors
    ///
    /// [`DataError::Refused`] with [`SignatureError::NoSession`] or [`SignatureError::Mismatch`]; [`DataError::EarlierKey`].
    pub fn verify(&self, token: &Secret, raw_data: &str, signature: &str) -> Result<Key, DataError> {
        let now = self.clock.now();
        let keys = self.keys(token, now)?;
        let by = |key: &SessionKey| signature::verify(raw_data.as_bytes(), key, signature);
        match keys.previous {
            _ if by(&keys.current) => Ok(Key::Current),
            Some(previous) if by(&previous.key) => {
                if self.rules.in_grace(&previous, now) {
                    Ok(Key::Previous)
                } else {
                    Err(DataError::EarlierKey { otherwise: SignatureError::Mismatch })
                }
            }
            _ => Err(SignatureError::Mismatch.into()),
        }
    }

    /// Opens sealed data with the session key of the token's user, and checks the watermark; or, within
    /// [`Rules::grace`](super::Rules::grace) of their last sign-in, with the key before it, if the watermark is from before that sign-in.
    /// The answer says which.
    ///
    /// # Errors
    ///
    /// [`DataError::Refused`] with any [`SignatureError`] but a mismatch; [`DataError::EarlierKey`].
    pub fn open(&self, token: &Secret, sealed: &Sealed) -> Result<OpenedData, DataError> {
        let now = self.clock.now();
        let keys = self.keys(token, now)?;
        let with = |key: &SessionKey| open(sealed, key, self.client.app().as_str(), now, &self.rules);
        let refused = match with(&keys.current) {
            Ok(data) => return Ok(OpenedData { data, key: Key::Current }),
            Err(refused) => refused,
        };
        let Some(previous) = keys.previous.filter(|_| refused.may_be_the_key) else { return Err(refused.error.into()) };
        let too_late = DataError::EarlierKey { otherwise: refused.error.clone() };
        match with(&previous.key) {
            Ok(data) if self.rules.in_grace(&previous, now) && self.rules.is_before(&data.watermark, previous.ended) => {
                Ok(OpenedData { data, key: Key::Previous })
            }
            Ok(_) => Err(too_late),
            Err(by_previous) if by_previous.may_be_the_key => Err(refused.error.into()),
            Err(by_previous) if self.rules.in_grace(&previous, now) => Err(by_previous.error.into()),
            Err(_) => Err(too_late),
        }
    }

    fn keys(&self, token: &Secret, now: Timestamp) -> Result<Keys, SignatureError> {
        self.table().keys_by_token(&token::hash(token), now).ok_or(SignatureError::NoSession)
    }
}

impl Rules {
    fn in_grace(&self, previous: &Previous, now: Timestamp) -> bool {
        now < previous.ended + self.grace
    }

    fn is_before(&self, watermark: &Watermark, moment: Timestamp) -> bool {
        watermark.timestamp <= (moment + self.max_skew).as_secs()
    }
}

/// Why data did not open.
pub(super) struct Unopened {
    pub(super) error: SignatureError,
    /// Whether they may under another key.
    may_be_the_key: bool,
}

/// Opens sealed data with this key, and checks the watermark.
pub(super) fn open(sealed: &Sealed, key: &SessionKey, app: &str, now: Timestamp, rules: &Rules) -> Result<Opened, Unopened> {
    let now_s = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let expect = Expect { appid: app, now_s, max_age_s: rules.max_age.as_secs(), max_skew_s: rules.max_skew.as_secs() };
    let opened = open_data::open(&sealed.encrypted_data, &sealed.iv, key, &expect).map_err(|error| unopened(&error))?;
    let timestamp = u64::try_from(opened.watermark.timestamp).map_err(|_| Unopened {
        error: SignatureError::BadData("the watermark is from before 1970".to_owned()),
        may_be_the_key: false,
    })?;
    Ok(Opened { json: opened.json, watermark: Watermark { appid: opened.watermark.appid, timestamp } })
}

fn unopened(error: &OpenDataError) -> Unopened {
    let may_be_the_key = match error {
        // Found before the key is used, or in plain text that only the right key gives.
        OpenDataError::IllegalAesKey
        | OpenDataError::IllegalIv
        | OpenDataError::DecodeBase64Error
        | OpenDataError::Length { .. }
        | OpenDataError::TooLarge { .. }
        | OpenDataError::AppIdMismatch
        | OpenDataError::Stale { .. }
        | OpenDataError::FromTheFuture { .. } => false,
        _ => true,
    };
    let error = match error {
        OpenDataError::IllegalAesKey => SignatureError::BadKey,
        OpenDataError::IllegalIv => SignatureError::BadIv,
        OpenDataError::DecodeBase64Error => SignatureError::BadBase64,
        other => SignatureError::BadData(other.to_string()),
    };
    Unopened { error, may_be_the_key }
}
