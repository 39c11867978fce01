//! Numbers for blinding the private operation, without a source of randomness.
//!
//! Blinding multiplies the input by a number that the observer of a signature's timing cannot know. It need not be random, only
//! unpredictable: here it follows from the private exponent and the input, as in deterministic signature schemes. The
//! signature does not depend on it.

use rsa::RsaPrivateKey;
use rsa::rand_core::{CryptoRng, Error, RngCore};
use rsa::sha2::{Digest, Sha256};
use rsa::traits::PrivateKeyParts;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// The stream `SHA-256(seed ++ 0u64) ++ SHA-256(seed ++ 1u64) ++ ..`.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(super) struct Blinder {
    seed: [u8; 32],
    counter: u64,
}

impl Blinder {
    pub(super) fn new(private: &RsaPrivateKey, input: &[u8]) -> Self {
        let exponent = Zeroizing::new(private.d().to_bytes_be());
        // The label keeps these bytes apart from any other hash of the exponent.
        let seed = Sha256::new()
            .chain_update(b"wx-crypto blinding")
            .chain_update(exponent.as_slice())
            .chain_update(input)
            .finalize()
            .into();
        Self { seed, counter: 0 }
    }
}

impl RngCore for Blinder {
    fn next_u32(&mut self) -> u32 {
        let mut bytes = [0; 4];
        self.fill_bytes(&mut bytes);
        u32::from_le_bytes(bytes)
    }

    fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.fill_bytes(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn fill_bytes(&mut self, out: &mut [u8]) {
        for chunk in out.chunks_mut(32) {
            let block = Sha256::new().chain_update(self.seed).chain_update(self.counter.to_be_bytes()).finalize();
            chunk.copy_from_slice(&block[..chunk.len()]);
            self.counter += 1;
        }
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Error> {
        self.fill_bytes(out);
        Ok(())
    }
}

// Unpredictable to whoever has not the private key, which is all that blinding asks for.
impl CryptoRng for Blinder {}

#[cfg(test)]
mod tests {
    use super::*;

    fn blinder(seed: u8) -> Blinder {
        Blinder { seed: [seed; 32], counter: 0 }
    }

    #[test]
    fn the_stream_follows_from_the_seed_and_does_not_repeat() {
        let (mut a, mut b, mut other) = ([0; 100], [0; 100], [0; 100]);
        blinder(1).fill_bytes(&mut a);
        blinder(1).fill_bytes(&mut b);
        blinder(2).fill_bytes(&mut other);
        assert_eq!(a, b);
        assert_ne!(a, other);
        assert_ne!(a[..32], a[32..64]);
    }

    #[test]
    fn successive_numbers_differ() {
        let mut blinder = blinder(1);
        assert_ne!(blinder.next_u64(), blinder.next_u64());
        assert_ne!(blinder.next_u32(), blinder.next_u32());
    }
}
