use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// The patterns of both handshakes have the same curve, cipher and hash.
pub(super) const LINK: &str = "Noise_IK_25519_ChaChaPoly_BLAKE2s";
pub(super) const PAIR: &str = "Noise_XXpsk0_25519_ChaChaPoly_BLAKE2s";

/// What one end of links is known by: a key pair that never leaves its folder. `Debug` shows the public half.
pub struct Identity {
    private: Zeroizing<[u8; 32]>,
    public: PublicKey,
}

/// Whom the other end of a link is known by.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 32]);

/// The secret of one pairing: whoever has it may pair, once, until it expires. It is wiped on drop, and `Debug` hides it.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct PairingSecret([u8; 32]);

impl Identity {
    /// A new one.
    ///
    /// # Errors
    ///
    /// The system has no randomness.
    pub(crate) fn generate() -> Result<Self, snow::Error> {
        let pair = snow::Builder::new(LINK.parse()?).generate_keypair()?;
        let mut private = Zeroizing::new([0; 32]);
        private.copy_from_slice(&pair.private);
        Zeroizing::new(pair.private);
        Ok(Self { private, public: PublicKey::read(&pair.public).ok_or(snow::Error::Dh)? })
    }

    /// From both halves as they are kept in a folder.
    pub(crate) fn from_halves(private: Zeroizing<[u8; 32]>, public: PublicKey) -> Self {
        Self { private, public }
    }

    pub(crate) fn private(&self) -> &[u8; 32] {
        &self.private
    }

    /// The half that others know.
    pub fn public(&self) -> PublicKey {
        self.public
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Identity").field(&self.public).finish()
    }
}

impl PublicKey {
    /// From the 32 bytes of a key.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The key of this text, as [`Display`](fmt::Display) writes it.
    pub fn from_text(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| Self::read(&bytes))
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl PairingSecret {
    /// A new one.
    ///
    /// # Errors
    ///
    /// The system has no randomness.
    pub(crate) fn generate() -> Result<Self, getrandom::Error> {
        let mut secret = Self([0; 32]);
        getrandom::fill(&mut secret.0)?;
        Ok(secret)
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The secret of this text, as [`expose`](Self::expose) writes it.
    pub fn from_text(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).ok()?);
        let mut secret = Self([0; 32]);
        (bytes.len() == secret.0.len()).then(|| secret.0.copy_from_slice(&bytes))?;
        Some(secret)
    }

    /// As text, for the person who is to bring it to the other end. It must not reach a log or an error.
    pub fn expose(&self) -> Zeroizing<String> {
        Zeroizing::new(URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl PartialEq for PairingSecret {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for PairingSecret {}

impl fmt::Debug for PairingSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PairingSecret(..)")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that unwraps wrongly fails, as it should")]
mod tests {
    use super::*;

    #[test]
    fn keys_and_secrets_survive_as_text_and_secrets_stay_out_of_debug() {
        let identity = Identity::generate().unwrap();
        assert_eq!(PublicKey::from_text(&identity.public().to_string()), Some(identity.public()));
        let secret = PairingSecret::generate().unwrap();
        assert_eq!(PairingSecret::from_text(&secret.expose()), Some(secret.clone()));
        assert_eq!(PairingSecret::from_text(&secret.expose()[1..]), None);
        assert_eq!(PairingSecret::from_text("no base64!"), None);
        assert_eq!(format!("{secret:?}"), "PairingSecret(..)");
        let shown = format!("{identity:?}");
        assert!(!shown.contains(&URL_SAFE_NO_PAD.encode(identity.private())), "{shown}");
    }
}
