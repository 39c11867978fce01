//! How secrets travel over the bus: encrypted, so that neither the bus nor who listens to it has them in the clear.
//!
//! `dh-ietf1024-sha256-aes128-cbc-pkcs7` of the Secret Service's specification. Who answers is not proven; the bus lets nobody but the user's
//! programs answer.

use aws_lc_rs::{
    cipher::{AES_128, DecryptionContext, PaddedBlockDecryptingKey, PaddedBlockEncryptingKey, UnboundCipherKey},
    error::Unspecified,
    hkdf::{HKDF_SHA256, KeyType, Salt},
    iv::FixedLength,
};
use crypto_bigint::{
    Odd, U1024,
    modular::{FixedMontyForm, FixedMontyParams},
};
use zeroize::Zeroizing;

/// What the service calls it.
pub(super) const ALGORITHM: &str = "dh-ietf1024-sha256-aes128-cbc-pkcs7";

/// The Second Oakley Group of RFC 2409, whose generator is 2.
const PRIME: Odd<U1024> = Odd::<U1024>::from_be_hex(concat!(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD",
    "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED",
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF"
));
const BYTES: usize = U1024::BYTES;

/// Our half of the agreement.
pub(super) struct Offer {
    exponent: Zeroizing<U1024>,
}

/// A key that both ends have.
pub(super) struct Transport(Zeroizing<[u8; 16]>);

/// As many bytes as the key has.
struct KeyLength;

impl KeyType for KeyLength {
    fn len(&self) -> usize {
        16
    }
}

impl Offer {
    pub(super) fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = Zeroizing::new([0; BYTES]);
        getrandom::fill(&mut *bytes)?;
        Ok(Self { exponent: Zeroizing::new(U1024::from_be_slice(&*bytes)) })
    }

    /// What the service is told.
    pub(super) fn public(&self) -> Vec<u8> {
        self.raise(&U1024::from_u8(2)).to_be_bytes().to_vec()
    }

    /// The key, once the service has told its half; `None` if that is none.
    pub(super) fn agree(&self, theirs: &[u8]) -> Option<Transport> {
        let theirs = number(theirs)?;
        // What leaves only two possible secrets is no half of anything.
        if theirs <= U1024::ONE || theirs >= PRIME.as_ref().wrapping_sub(&U1024::ONE) {
            return None;
        }
        let shared = Zeroizing::new(self.raise(&theirs));
        let shared = Zeroizing::new(shared.to_be_bytes());
        let mut key = Zeroizing::new([0; 16]);
        let derived = Salt::none(HKDF_SHA256).extract(shared.as_ref());
        derived.expand(&[], KeyLength).and_then(|key_material| key_material.fill(&mut *key)).ok()?;
        Some(Transport(key))
    }

    fn raise(&self, base: &U1024) -> U1024 {
        FixedMontyForm::new(base, &FixedMontyParams::new(PRIME)).pow(&self.exponent).retrieve()
    }
}

/// The bytes as a number. They may be fewer than it has room for, and KDE's wallet puts a zero in front where the first bit is set.
fn number(bytes: &[u8]) -> Option<U1024> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let (mut whole, bytes) = ([0; BYTES], &bytes[zeros..]);
    let from = BYTES.checked_sub(bytes.len())?;
    whole[from..].copy_from_slice(bytes);
    Some(U1024::from_be_slice(&whole))
}

impl Transport {
    /// The IV, and the secret under it.
    pub(super) fn close(&self, secret: &[u8]) -> Result<(Vec<u8>, Vec<u8>), Unspecified> {
        let mut closed = Vec::with_capacity(secret.len() + 16); // or padding would move the secret, and leave it behind
        closed.extend_from_slice(secret);
        let context = PaddedBlockEncryptingKey::cbc_pkcs7(self.key()?)?.encrypt(&mut closed)?;
        let iv: &[u8] = (&context).try_into()?;
        Ok((iv.to_vec(), closed))
    }

    /// The secret, if that is one under this IV.
    pub(super) fn open(&self, iv: &[u8], closed: Vec<u8>) -> Option<Zeroizing<Vec<u8>>> {
        let context = DecryptionContext::Iv128(FixedLength::try_from(iv).ok()?);
        let mut closed = Zeroizing::new(closed);
        let key = PaddedBlockDecryptingKey::cbc_pkcs7(self.key().ok()?).ok()?;
        let secret = key.decrypt(&mut closed, context).ok()?;
        Some(Zeroizing::new(secret.to_vec()))
    }

    fn key(&self) -> Result<UnboundCipherKey, Unspecified> {
        UnboundCipherKey::new(&AES_128, &*self.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

    use super::*;

    #[test]
    fn both_ends_have_one_key_and_nobody_else_has() {
        let (ours, theirs, other) = (Offer::random().unwrap(), Offer::random().unwrap(), Offer::random().unwrap());
        let (here, there) = (ours.agree(&theirs.public()).unwrap(), theirs.agree(&ours.public()).unwrap());
        let (iv, closed) = here.close(b"thirty-two bytes and some more..").unwrap();
        assert!(!closed.windows(6).any(|part| part == b"thirty"));
        assert_eq!(there.open(&iv, closed.clone()).unwrap().as_slice(), b"thirty-two bytes and some more..");
        let stranger = other.agree(&ours.public()).unwrap();
        assert!(stranger.open(&iv, closed.clone()).is_none_or(|text| text.as_slice() != b"thirty-two bytes and some more.."));
        assert!(here.open(&iv[1..], closed).is_none());
        assert!(here.open(&iv, b"no block".to_vec()).is_none() && here.open(&iv, Vec::new()).is_none());
    }

    #[test]
    fn what_is_no_half_is_refused() {
        let ours = Offer::random().unwrap();
        let below = |number: u8| PRIME.as_ref().wrapping_sub(&U1024::from_u8(number)).to_be_bytes().to_vec();
        for refused in [vec![], vec![0], vec![1], below(0), below(1), vec![255; BYTES], vec![2; BYTES + 1]] {
            assert!(ours.agree(&refused).is_none(), "{refused:?}");
        }
        assert!(ours.agree(&[2]).is_some() && ours.agree(&below(2)).is_some());
        let signed = [vec![0], below(2)].concat();
        assert!(*ours.agree(&signed).unwrap().0 == *ours.agree(&below(2)).unwrap().0, "a sign before the number is none of it");
    }
}
