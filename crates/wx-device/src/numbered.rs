use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

/// Things by their numbers on a link. Numbers are counted up by a host and there are at most some thousand at a time, so that a hash that
/// withstands somebody who chooses them would only cost time.
pub(crate) type Numbered<T> = HashMap<u64, T, BuildHasherDefault<Spread>>;

/// Spreads neighbouring numbers over all bits.
#[derive(Debug, Default)]
pub(crate) struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(self.0 ^ u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        // 2^64 over the golden ratio, as is usual.
        self.0 = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}
