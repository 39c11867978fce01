//! A connection to a TPM, with the key loaded.

use tss_esapi::{
    Context, TctiNameConf,
    attributes::{NvIndexAttributesBuilder, ObjectAttributesBuilder},
    constants::{NvIndexType, PropertyTag},
    handles::{KeyHandle, NvIndexHandle, NvIndexTpmHandle, TpmHandle},
    interface_types::{
        algorithm::{HashingAlgorithm, PublicAlgorithm},
        ecc::EccCurve,
        key_bits::RsaKeyBits,
        resource_handles::{Hierarchy, NvAuth, Provision},
        session_handles::AuthSession,
    },
    structures::{
        Auth, Data, EccPoint, NvPublicBuilder, Public, PublicBuilder, PublicEccParametersBuilder, PublicKeyRsa,
        PublicRsaParametersBuilder, RsaDecryptionScheme, RsaExponent, RsaScheme, SymmetricDefinitionObject,
    },
};
use wx_crypto::{SaltLen, attestation::Certified, pss};
use zeroize::Zeroizing;

use super::{
    super::StoreError,
    device::Device,
    failed,
    record::{Record, Sealed},
};

type Result<T> = std::result::Result<T, StoreError>;

/// Whoever has the auth value may.
pub(super) const PASSWORD: Option<AuthSession> = Some(AuthSession::Password);
/// The first index of those that are the owner's to give, and how many there are.
const INDICES: (u32, u32) = (0x0180_0000, 0x0040_0000);
/// Bytes of a counter.
const COUNTER: u16 = 8;

pub(super) struct Session {
    context: Context,
    key: KeyHandle,
    counter: NvIndexHandle,
}

impl Session {
    /// Loads the key of this record.
    pub(super) fn begin(tcti: &TctiNameConf, record: &Record) -> Result<Self> {
        Self::over(Context::new(tcti.clone()).map_err(failed)?, record)
    }

    fn over(mut context: Context, record: &Record) -> Result<Self> {
        Self::load(&mut context, record).map_err(failed).map(|(key, counter)| Self { context, key, counter })
    }

    fn load(context: &mut Context, record: &Record) -> tss_esapi::Result<(KeyHandle, NvIndexHandle)> {
        let key = load(context, &record.key)?;
        let index = TpmHandle::NvIndex(record.counter);
        let counter = context.execute_without_session(|context| context.tr_from_tpm_public(index))?;
        context.tr_set_auth(counter, record.key.auth.clone())?;
        Ok((key, counter.into()))
    }

    /// Makes a key and a counter. Who is killed meanwhile leaves a counter in the TPM that nobody knows.
    pub(super) fn create(tcti: &TctiNameConf) -> Result<(Record, Self)> {
        let random = random()?;
        let mut context = Context::new(tcti.clone()).map_err(failed)?;
        let record = Self::make(&mut context, &*random).map_err(failed)?;
        let session = Self::over(context, &record)?;
        Ok((record, session))
    }

    fn make(context: &mut Context, random: &[u8]) -> tss_esapi::Result<Record> {
        let key = make(context, random)?;
        let attributes = NvIndexAttributesBuilder::new()
            .with_auth_read(true)
            .with_auth_write(true)
            .with_nv_index_type(NvIndexType::Counter)
            .build()?;
        // Any index will do that is free: of four million, the first one nearly always is.
        let mut index = u32::from_be_bytes([0, random[0], random[1], random[2]]) % INDICES.1;
        let counter = loop {
            let counter = NvIndexTpmHandle::new(INDICES.0 + index)?;
            let public = NvPublicBuilder::new()
                .with_nv_index(counter)
                .with_index_name_algorithm(HashingAlgorithm::Sha256)
                .with_index_attributes(attributes)
                .with_data_area_size(COUNTER.into())
                .build()?;
            let taken = context.execute_without_session(|context| context.tr_from_tpm_public(TpmHandle::NvIndex(counter)));
            if taken.is_err() {
                let given = key.auth.clone();
                context
                    .execute_with_session(PASSWORD, |context| context.nv_define_space(Provision::Owner, Some(given), public))?;
                break counter;
            }
            index = (index + 1) % INDICES.1;
        };
        Ok(Record { key, counter })
    }

    /// Makes a key that vouches for others.
    pub(super) fn make_voucher(&mut self) -> Result<Sealed> {
        make(&mut self.context, &*random()?).map_err(failed)
    }

    /// Signs with another key than the loaded one.
    pub(super) fn vouch(&mut self, key: &Sealed, message: &[u8]) -> Result<Vec<u8>> {
        let loaded = load(&mut self.context, key).map_err(failed)?;
        let signature = self.sign_with(loaded, message, SaltLen::Bytes20); // records have SOTER's own salt
        self.context.flush_context(loaded.into()).map_err(failed)?;
        signature
    }

    /// The TPM's own key, which no folder has.
    pub(super) fn device(&mut self) -> Result<Device<'_>> {
        Device::load(&mut self.context)
    }

    /// Has the TPM's own key attest the loaded one.
    pub(super) fn certify(&mut self, public: &Public, nonce: &[u8]) -> Result<Certified> {
        let key = self.key;
        self.device()?.certify(key, public, nonce)
    }

    /// Signs with a salt of this length from the TPM.
    pub(super) fn sign(&mut self, message: &[u8], salt: SaltLen) -> Result<Vec<u8>> {
        self.sign_with(self.key, message, salt)
    }

    fn sign_with(&mut self, key: KeyHandle, message: &[u8], salt: SaltLen) -> Result<Vec<u8>> {
        let salt = self.context.execute_without_session(|context| context.get_random(salt.bytes())).map_err(failed)?;
        let encoded = pss::encode(message, salt.value())?;
        let decrypt = |context: &mut Context| {
            context.rsa_decrypt(key, PublicKeyRsa::try_from(encoded.to_vec())?, RsaDecryptionScheme::Null, Data::default())
        };
        let number = self.context.execute_with_session(PASSWORD, decrypt).map_err(failed)?;
        Ok(padded(number.value()))
    }

    /// Counts, and answers the new number.
    pub(super) fn count(&mut self) -> Result<u64> {
        let counter = self.counter;
        let bytes = self.context.execute_with_session(PASSWORD, |context| {
            context.nv_increment(NvAuth::NvIndex(counter), counter)?;
            context.nv_read(NvAuth::NvIndex(counter), counter, COUNTER, 0)
        });
        let bytes = bytes.map_err(failed)?;
        let bytes = bytes
            .value()
            .try_into()
            .map_err(|_| StoreError::Hardware { part: "TPM", source: "a counter of another size".into() })?;
        Ok(u64::from_be_bytes(bytes))
    }

    /// What the TPM says of itself.
    pub(super) fn property(&mut self, property: PropertyTag) -> Result<u32> {
        Ok(self.context.get_tpm_property(property).map_err(failed)?.unwrap_or_default())
    }
}

/// One signature in 256 begins with a zero, which a TPM may leave out.
pub(super) fn padded(number: &[u8]) -> Vec<u8> {
    let mut signature = vec![0; pss::SIGNATURE_LEN.saturating_sub(number.len())];
    signature.extend_from_slice(number);
    signature
}

fn random() -> Result<Zeroizing<[u8; 32]>> {
    let mut random = Zeroizing::new([0; 32]);
    getrandom::fill(random.as_mut()).map_err(|error| StoreError::Hardware { part: "TPM", source: error.into() })?;
    Ok(random)
}

/// Makes a key, whose password is this random number.
fn make(context: &mut Context, random: &[u8]) -> tss_esapi::Result<Sealed> {
    let auth = Auth::try_from(random.to_vec())?;
    let (parent, template) = (parent(context)?, template()?);
    let given = auth.clone();
    let made =
        context.execute_with_session(PASSWORD, |context| context.create(parent, template, Some(given), None, None, None))?;
    context.flush_context(parent.into())?;
    Ok(Sealed { public: made.out_public, private: made.out_private, auth })
}

fn load(context: &mut Context, key: &Sealed) -> tss_esapi::Result<KeyHandle> {
    let parent = parent(context)?;
    let (private, public) = (key.private.clone(), key.public.clone());
    let loaded = context.execute_with_session(PASSWORD, |context| context.load(parent, private, public))?;
    context.flush_context(parent.into())?; // TPMs have room for three
    context.tr_set_auth(loaded.into(), key.auth.clone())?;
    Ok(loaded)
}

/// The key that the TPM seals others with. It is made anew each time, and comes out the same each time.
fn parent(context: &mut Context) -> tss_esapi::Result<KeyHandle> {
    let attributes = ObjectAttributesBuilder::new()
        .with_fixed_tpm(true)
        .with_fixed_parent(true)
        .with_sensitive_data_origin(true)
        .with_user_with_auth(true)
        .with_no_da(true)
        .with_decrypt(true)
        .with_restricted(true)
        .build()?;
    let parameters =
        PublicEccParametersBuilder::new_restricted_decryption_key(SymmetricDefinitionObject::AES_128_CFB, EccCurve::NistP256);
    let public = PublicBuilder::new()
        .with_public_algorithm(PublicAlgorithm::Ecc)
        .with_name_hashing_algorithm(HashingAlgorithm::Sha256)
        .with_object_attributes(attributes)
        .with_ecc_parameters(parameters.build()?)
        .with_ecc_unique_identifier(EccPoint::default())
        .build()?;
    let made = context
        .execute_with_session(PASSWORD, |context| context.create_primary(Hierarchy::Owner, public, None, None, None, None))?;
    Ok(made.key_handle)
}

/// RSA-2048 for the bare private operation, which is what TPMs call decryption without a scheme.
fn template() -> tss_esapi::Result<Public> {
    let attributes = ObjectAttributesBuilder::new()
        .with_fixed_tpm(true)
        .with_fixed_parent(true)
        .with_sensitive_data_origin(true)
        .with_user_with_auth(true)
        .with_decrypt(true)
        .build()?;
    let parameters = PublicRsaParametersBuilder::new()
        .with_scheme(RsaScheme::Null)
        .with_key_bits(RsaKeyBits::Rsa2048)
        .with_exponent(RsaExponent::default())
        .with_is_decryption_key(true)
        .with_is_signing_key(false)
        .with_restricted(false)
        .build()?;
    PublicBuilder::new()
        .with_public_algorithm(PublicAlgorithm::Rsa)
        .with_name_hashing_algorithm(HashingAlgorithm::Sha256)
        .with_object_attributes(attributes)
        .with_rsa_parameters(parameters)
        .with_rsa_unique_identifier(PublicKeyRsa::default())
        .build()
}
