//! A session with a token, logged in, and the key found.

use std::path::PathBuf;

use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11},
    error::{Error, RvError},
    mechanism::{
        Mechanism, MechanismType,
        rsa::{PkcsMgfType, PkcsPssParams},
    },
    object::{Attribute, AttributeType, ObjectClass, ObjectHandle},
    session::UserType,
    slot::Slot,
    types::{AuthPin, Ulong},
};
use wx_crypto::{SaltLen, Secret};

use super::super::StoreError;

type Result<T> = std::result::Result<T, StoreError>;

/// Which token.
pub(super) struct Place {
    pub(super) module: PathBuf,
    pub(super) label: String,
    pub(super) pin: Secret,
}

/// Which of its keys.
pub(super) type Id = [u8; 16];

pub(super) struct Session {
    module: Pkcs11,
    slot: Slot,
    logged_in: cryptoki::session::Session,
    public: ObjectHandle,
    private: ObjectHandle,
}

impl Session {
    /// Finds the key.
    pub(super) fn begin(place: &Place, id: Id) -> Result<Self> {
        let (module, slot, session) = log_in(place)?;
        let find = |class| {
            let wanted = [Attribute::Class(class), Attribute::Id(id.to_vec())];
            let found = session.find_objects(&wanted).map_err(failed)?;
            found.first().copied().ok_or_else(|| StoreError::Hardware { part: "token", source: "the key is not in it".into() })
        };
        let (public, private) = (find(ObjectClass::PUBLIC_KEY)?, find(ObjectClass::PRIVATE_KEY)?);
        Ok(Self { module, slot, logged_in: session, public, private })
    }

    /// Makes a key. Who is killed meanwhile leaves one in the token that nobody uses.
    pub(super) fn create(place: &Place, id: Id) -> Result<Self> {
        let (module, slot, session) = log_in(place)?;
        let names = |label: &str| [Attribute::Id(id.to_vec()), Attribute::Label(label.as_bytes().to_vec())];
        let public = [
            Attribute::Token(true),
            Attribute::Verify(true),
            Attribute::ModulusBits(2048.into()),
            Attribute::PublicExponent(vec![1, 0, 1]),
        ];
        let private = [
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Sign(true),
        ];
        let label = names("wx soter");
        let (public, private) = ([&public[..], &label].concat(), [&private[..], &label].concat());
        let (public, private) = session.generate_key_pair(&Mechanism::RsaPkcsKeyPairGen, &public, &private).map_err(failed)?;
        Ok(Self { module, slot, logged_in: session, public, private })
    }

    pub(super) fn sign(&self, message: &[u8], salt: SaltLen) -> Result<Vec<u8>> {
        let s_len = match salt {
            SaltLen::Bytes20 => 20,
            SaltLen::Bytes32 => 32,
        };
        let s_len = Ulong::from(s_len);
        let padding = PkcsPssParams { hash_alg: MechanismType::SHA256, mgf: PkcsMgfType::MGF1_SHA256, s_len };
        self.logged_in.sign(&Mechanism::Sha256RsaPkcsPss(padding), self.private, message).map_err(failed)
    }

    pub(super) fn modulus(&self) -> Result<Vec<u8>> {
        let attributes = self.logged_in.get_attributes(self.public, &[AttributeType::Modulus]).map_err(failed)?;
        match attributes.into_iter().next() {
            Some(Attribute::Modulus(modulus)) => Ok(modulus),
            _ => Err(StoreError::Hardware { part: "token", source: "the key has no modulus".into() }),
        }
    }

    /// What kind of token it is, and its version.
    pub(super) fn model(&self) -> Result<(String, String)> {
        let info = self.module.get_token_info(self.slot).map_err(failed)?;
        Ok((info.model().to_owned(), info.firmware_version().to_string()))
    }
}

/// A session in which the token's private objects can be seen.
fn log_in(place: &Place) -> Result<(Pkcs11, Slot, cryptoki::session::Session)> {
    let module = Pkcs11::new(&place.module).map_err(failed)?;
    match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        // A module is one and the same for all of a process, and so is whether its user is logged in.
        Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
        Err(error) => return Err(failed(error)),
    }
    let is_ours = |slot: &Slot| module.get_token_info(*slot).is_ok_and(|info| info.label() == place.label);
    let slot = module.get_slots_with_initialized_token().map_err(failed)?.into_iter().find(is_ours);
    let slot = slot.ok_or_else(|| StoreError::Hardware { part: "token", source: "it is not there".into() })?;
    let session = module.open_rw_session(slot).map_err(failed)?;
    match session.login(UserType::User, Some(&AuthPin::new(place.pin.expose().into()))) {
        Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {}
        Err(error) => return Err(failed(error)),
    }
    Ok((module, slot, session))
}

fn failed(error: Error) -> StoreError {
    StoreError::Hardware { part: "token", source: error.into() }
}
