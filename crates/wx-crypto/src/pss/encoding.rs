//! EMSA-PSS with SHA-256 and MGF1-SHA-256 for 2048-bit keys: RFC 8017, section 9.1.1, with the salt given.
//!
//! Libraries can do this too, but draw the salt themselves and keep what they encode.

use sha2::{Digest, Sha256};

use super::{PssError, SIGNATURE_LEN, SaltLen};

const HASH_LEN: usize = 32;

/// `DB`, the part that is masked: zeros, a 1, the salt.
const DB_LEN: usize = SIGNATURE_LEN - HASH_LEN - 1;

/// What the private operation turns into the signature of `message` with this salt: the masked salt, a hash, and the byte 0xbc. For a key
/// in hardware that does the bare operation and would choose another salt by itself.
///
/// # Errors
///
/// [`PssError::SaltLength`] if the salt is neither 20 nor 32 bytes long.
///
/// # Examples
///
/// ```
/// use wx_crypto::pss;
///
/// let encoded = pss::encode(b"message", &[9; 20])?;
/// assert_eq!((encoded[0] & 0x80, encoded[255]), (0, 0xbc)); // a smaller number than any modulus of 2048 bits
/// # Ok::<(), wx_crypto::PssError>(())
/// ```
pub fn encode(message: &[u8], salt: &[u8]) -> Result<[u8; SIGNATURE_LEN], PssError> {
    SaltLen::try_from(salt.len())?; // so it fits: `DB` has 223 bytes
    let hash = Sha256::new().chain_update([0; 8]).chain_update(Sha256::digest(message)).chain_update(salt).finalize();

    let mut encoded = [0; SIGNATURE_LEN];
    let (db, rest) = encoded.split_at_mut(DB_LEN);
    db[DB_LEN - salt.len() - 1] = 0x01;
    db[DB_LEN - salt.len()..].copy_from_slice(salt);
    mask(db, &hash);
    // The encoded message has one bit less than the modulus, so that it is the smaller number.
    db[0] &= 0x7f;

    rest[..HASH_LEN].copy_from_slice(&hash);
    rest[HASH_LEN] = 0xbc;
    Ok(encoded)
}

/// MGF1: XORs `data` with `SHA-256(seed ++ 0u32) ++ SHA-256(seed ++ 1u32) ++ ..`.
fn mask(data: &mut [u8], seed: &[u8]) {
    for (counter, chunk) in (0_u32..).zip(data.chunks_mut(HASH_LEN)) {
        let block = Sha256::new().chain_update(seed).chain_update(counter.to_be_bytes()).finalize();
        for (byte, mask) in chunk.iter_mut().zip(block) {
            *byte ^= mask;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

    use super::*;

    #[test]
    fn the_mask_follows_mgf1_over_the_end_of_a_block() {
        let mut masked = [0; 40];
        mask(&mut masked, b"seed");
        assert_eq!(masked[..32], Sha256::digest(b"seed\0\0\0\0")[..]);
        assert_eq!(masked[32..], Sha256::digest(b"seed\0\0\0\x01")[..8]);
    }

    #[test]
    fn unmasked_it_is_zeros_a_one_and_the_salt() {
        for salt in [[5_u8; 32].as_slice(), &[6; 20]] {
            let mut encoded = encode(b"message", salt).unwrap();
            assert_eq!(encoded[255], 0xbc);
            assert_eq!(encoded[0] & 0x80, 0);

            let (db, rest) = encoded.split_at_mut(DB_LEN);
            mask(db, &rest[..HASH_LEN]);
            db[0] &= 0x7f;
            let one = DB_LEN - salt.len() - 1;
            assert!(db[..one].iter().all(|byte| *byte == 0));
            assert_eq!(db[one], 1);
            assert_eq!(&db[one + 1..], salt);
        }
    }
}
