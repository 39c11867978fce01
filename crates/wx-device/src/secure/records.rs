use std::sync::Arc;

use bytes::{Buf as _, BytesMut};
use snow::StatelessTransportState;

use crate::LinkError;

/// The most that Noise encrypts at once, without its tag.
const MOST: usize = 65_535 - TAG;
const TAG: usize = 16;

/// Encrypts what one end says.
pub(crate) struct Sealer {
    cipher: Arc<StatelessTransportState>,
    nonce: u64,
}

/// Decrypts what the other end says.
pub(crate) struct Opener {
    cipher: Arc<StatelessTransportState>,
    nonce: u64,
}

pub(super) fn pair(cipher: StatelessTransportState) -> (Sealer, Opener) {
    let cipher = Arc::new(cipher);
    (Sealer { cipher: cipher.clone(), nonce: 0 }, Opener { cipher, nonce: 0 })
}

impl Sealer {
    /// Appends all of `plain` as records: two bytes of length each, and so many of ciphertext.
    pub(crate) fn seal(&mut self, plain: &[u8], out: &mut Vec<u8>) -> Result<(), LinkError> {
        for piece in plain.chunks(MOST) {
            let start = out.len();
            out.resize(start + 2 + piece.len() + TAG, 0);
            let sealed = self.cipher.write_message(self.nonce, piece, &mut out[start + 2..])?;
            self.nonce += 1;
            out.truncate(start + 2 + sealed);
            // A record is never longer than Noise's own limit, which is what fits in two bytes.
            out[start..start + 2].copy_from_slice(&u16::try_from(sealed).unwrap_or(u16::MAX).to_be_bytes());
        }
        Ok(())
    }
}

impl Opener {
    /// Moves every whole record from `sealed` to `plain`, decrypted.
    pub(crate) fn open(&mut self, sealed: &mut BytesMut, plain: &mut BytesMut) -> Result<(), LinkError> {
        while let Some(&length) = sealed.first_chunk::<2>() {
            let length = usize::from(u16::from_be_bytes(length));
            if sealed.len() - 2 < length {
                break;
            }
            sealed.advance(2);
            let record = sealed.split_to(length);
            let start = plain.len();
            plain.resize(start + length, 0);
            let opened = self.cipher.read_message(self.nonce, &record, &mut plain[start..])?;
            self.nonce += 1;
            plain.truncate(start + opened);
        }
        Ok(())
    }
}
