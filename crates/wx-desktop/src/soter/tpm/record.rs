//! What the folder keeps of a key in a TPM: useless without that TPM.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use tss_esapi::{
    handles::NvIndexTpmHandle,
    structures::{Auth, Private, Public},
    traits::{Marshall as _, UnMarshall as _},
};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::{super::StoreError, failed};

pub(super) struct Record {
    pub(super) public: Public,
    /// Sealed by the TPM.
    pub(super) private: Private,
    /// What the TPM asks of whoever wants to use the key or the counter.
    pub(super) auth: Auth,
    pub(super) counter: NvIndexTpmHandle,
}

#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
struct Text {
    public: String,
    private: String,
    auth: String,
    counter: u32,
}

impl Record {
    pub(super) fn read(text: &str) -> Option<Self> {
        let text: Text = serde_json::from_str(text).ok()?;
        Some(Self {
            public: Public::unmarshall(&STANDARD.decode(&text.public).ok()?).ok()?,
            private: STANDARD.decode(&text.private).ok()?.try_into().ok()?,
            auth: STANDARD.decode(&text.auth).ok()?.try_into().ok()?,
            counter: NvIndexTpmHandle::new(text.counter).ok()?,
        })
    }

    pub(super) fn text(&self) -> Result<Zeroizing<String>, StoreError> {
        let text = Text {
            public: STANDARD.encode(self.public.marshall().map_err(failed)?),
            private: STANDARD.encode(self.private.value()),
            auth: STANDARD.encode(self.auth.value()),
            counter: self.counter.into(),
        };
        Ok(Zeroizing::new(serde_json::to_string(&text).expect("a structure of texts and one number is always JSON")))
    }

    /// The public half's modulus.
    pub(super) fn modulus(&self) -> Option<&[u8]> {
        match &self.public {
            Public::Rsa { unique, .. } => Some(unique.value()),
            _ => None,
        }
    }
}
