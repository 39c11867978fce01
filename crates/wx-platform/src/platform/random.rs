//! What nobody can guess: codes, keys, secrets and tokens.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use wx_crypto::{Secret, SessionKey};
use zeroize::Zeroizing;

use super::Refused;
use crate::{Errcode, primitives};

/// Random bytes from the operating system.
pub(super) fn bytes<const N: usize>() -> Result<[u8; N], Refused> {
    primitives::random().map_err(|error| {
        tracing::error!(%error, "the operating system has no random numbers");
        Refused::new(Errcode::BUSY)
    })
}

/// A new session key.
pub(super) fn session_key() -> Result<SessionKey, Refused> {
    bytes().map(SessionKey::from_bytes)
}

/// A secret text of `N` random bytes.
pub(super) fn secret<const N: usize>() -> Result<Secret, Refused> {
    let bytes = Zeroizing::new(bytes::<N>()?);
    Ok(Secret::from(URL_SAFE_NO_PAD.encode(bytes.as_slice())))
}
