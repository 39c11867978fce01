//! What the folder keeps of keys in a TPM: useless without that TPM.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use tss_esapi::{
    handles::NvIndexTpmHandle,
    structures::{Auth, Private, Public},
    traits::{Marshall as _, UnMarshall as _},
};
use wx_crypto::pss;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::{super::StoreError, failed};

/// A key that the TPM sealed.
pub(super) struct Sealed {
    pub(super) public: Public,
    pub(super) private: Private,
    /// What the TPM asks of whoever wants to use it.
    pub(super) auth: Auth,
}

/// The key that signs results, and its counter, which the TPM asks the same of.
pub(super) struct Record {
    pub(super) key: Sealed,
    pub(super) counter: NvIndexTpmHandle,
}

#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
struct Text {
    public: String,
    private: String,
    auth: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    counter: Option<u32>,
}

impl Record {
    pub(super) fn read(text: &str) -> Option<Self> {
        let text: Text = serde_json::from_str(text).ok()?;
        Some(Self { key: text.sealed()?, counter: NvIndexTpmHandle::new(text.counter?).ok()? })
    }

    pub(super) fn text(&self) -> Result<Zeroizing<String>, StoreError> {
        self.key.with(Some(self.counter.into()))
    }
}

impl Sealed {
    pub(super) fn read(text: &str) -> Option<Self> {
        serde_json::from_str::<Text>(text).ok()?.sealed()
    }

    pub(super) fn text(&self) -> Result<Zeroizing<String>, StoreError> {
        self.with(None)
    }

    fn with(&self, counter: Option<u32>) -> Result<Zeroizing<String>, StoreError> {
        let text = Text {
            public: STANDARD.encode(self.public.marshall().map_err(failed)?),
            private: STANDARD.encode(self.private.value()),
            auth: STANDARD.encode(self.auth.value()),
            counter,
        };
        Ok(Zeroizing::new(serde_json::to_string(&text).expect("a structure of texts and one number is always JSON")))
    }

    /// The public half as SPKI in PEM.
    pub(super) fn pem(&self) -> Option<String> {
        pem(&self.public)
    }
}

impl Text {
    fn sealed(&self) -> Option<Sealed> {
        Some(Sealed {
            public: Public::unmarshall(&STANDARD.decode(&self.public).ok()?).ok()?,
            private: STANDARD.decode(&self.private).ok()?.try_into().ok()?,
            auth: STANDARD.decode(&self.auth).ok()?.try_into().ok()?,
        })
    }
}

/// A key as SPKI in PEM, if it is one of RSA-2048.
pub(super) fn pem(public: &Public) -> Option<String> {
    match public {
        Public::Rsa { unique, .. } => pss::public_pem(unique.value()).ok(),
        _ => None,
    }
}
