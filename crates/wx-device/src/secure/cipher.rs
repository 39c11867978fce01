//! ChaCha20-Poly1305 by aws-lc-rs: a record of a single call takes a fraction of the time that it takes in pure Rust. Everything else, and
//! the cipher too where there is no C compiler for the target, is snow's own.

use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use snow::{
    Error,
    params::{CipherChoice, DHChoice, HashChoice},
    resolvers::{BoxedCryptoResolver, CryptoResolver, DefaultResolver, FallbackResolver},
    types::{Cipher, Dh, Hash, Random},
};

const TAG: usize = 16;

/// Our cipher, and snow's other parts.
pub(super) fn resolver() -> BoxedCryptoResolver {
    Box::new(FallbackResolver::new(Box::new(Fast), Box::new(DefaultResolver)))
}

struct Fast;

impl CryptoResolver for Fast {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        None
    }

    fn resolve_dh(&self, _: &DHChoice) -> Option<Box<dyn Dh>> {
        None
    }

    fn resolve_hash(&self, _: &HashChoice) -> Option<Box<dyn Hash>> {
        None
    }

    fn resolve_cipher(&self, choice: &CipherChoice) -> Option<Box<dyn Cipher>> {
        matches!(choice, CipherChoice::ChaChaPoly).then(|| Box::new(ChaChaPoly(None)) as Box<dyn Cipher>)
    }
}

/// aws-lc wipes its key when it is dropped.
struct ChaChaPoly(Option<LessSafeKey>);

impl Cipher for ChaChaPoly {
    fn name(&self) -> &'static str {
        "ChaChaPoly"
    }

    fn set(&mut self, key: &[u8; 32]) {
        self.0 = UnboundKey::new(&CHACHA20_POLY1305, key).ok().map(LessSafeKey::new);
    }

    /// As snow asks for it: `out` has room for the tag. Without a key, which snow sets first, it writes what nobody can open.
    fn encrypt(&self, nonce: u64, authtext: &[u8], plaintext: &[u8], out: &mut [u8]) -> usize {
        let (text, tag) = out[..plaintext.len() + TAG].split_at_mut(plaintext.len());
        text.copy_from_slice(plaintext);
        match self.0.as_ref().and_then(|key| key.seal_in_place_separate_tag(counted(nonce), Aad::from(authtext), text).ok()) {
            Some(sealed) => tag.copy_from_slice(sealed.as_ref()),
            None => out[..plaintext.len() + TAG].fill(0),
        }
        plaintext.len() + TAG
    }

    fn decrypt(&self, nonce: u64, authtext: &[u8], ciphertext: &[u8], out: &mut [u8]) -> Result<usize, Error> {
        let (text, tag) = ciphertext.split_at_checked(ciphertext.len().wrapping_sub(TAG)).ok_or(Error::Decrypt)?;
        let out = out.get_mut(..text.len()).ok_or(Error::Decrypt)?;
        let key = self.0.as_ref().ok_or(Error::Decrypt)?;
        key.open_separate_gather(counted(nonce), Aad::from(authtext), text, tag, out).map_err(|_| Error::Decrypt)?;
        Ok(text.len())
    }
}

/// Noise's nonce: four bytes of zero, then the counter.
fn counted(nonce: u64) -> Nonce {
    let mut bytes = [0; 12];
    bytes[4..].copy_from_slice(&nonce.to_le_bytes());
    Nonce::assume_unique_for_key(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that unwraps wrongly fails, as it should")]
mod tests {
    use super::*;

    #[test]
    fn both_ciphers_write_the_same_and_read_one_another() {
        let mut theirs = DefaultResolver.resolve_cipher(&CipherChoice::ChaChaPoly).unwrap();
        let mut ours = resolver().resolve_cipher(&CipherChoice::ChaChaPoly).unwrap();
        theirs.set(&[7; 32]);
        ours.set(&[7; 32]);
        for length in [0, 1, 15, 16, 17, 64, 255, 1000] {
            let plain: Vec<u8> = (0_u8..=255).cycle().take(length).collect();
            let (mut a, mut b, mut opened) = (vec![0; length + TAG], vec![0; length + TAG], vec![0; length]);
            assert_eq!(ours.encrypt(3, b"text", &plain, &mut a), theirs.encrypt(3, b"text", &plain, &mut b));
            assert_eq!(a, b);
            assert_eq!(ours.decrypt(3, b"text", &b, &mut opened).unwrap(), length);
            assert_eq!(opened, plain);
            assert!(ours.decrypt(4, b"text", &b, &mut opened).is_err(), "another nonce");
            a[0] ^= 1;
            assert!(ours.decrypt(3, b"text", &a, &mut opened).is_err(), "changed");
        }
        assert!(ours.decrypt(3, b"", &[0; TAG - 1], &mut []).is_err(), "shorter than a tag");
    }
}
