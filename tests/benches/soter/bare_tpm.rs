//! What a program does that wants no more than a TPM's signature and number.

use std::str::FromStr as _;

use tss_esapi::{
    Context, Result, TctiNameConf,
    attributes::{NvIndexAttributesBuilder, ObjectAttributesBuilder},
    constants::NvIndexType,
    handles::{KeyHandle, NvIndexHandle, NvIndexTpmHandle},
    interface_types::{
        algorithm::{HashingAlgorithm, PublicAlgorithm},
        key_bits::RsaKeyBits,
        resource_handles::{Hierarchy, NvAuth, Provision},
        session_handles::AuthSession,
    },
    structures::{
        Data, NvPublicBuilder, PublicBuilder, PublicKeyRsa, PublicRsaParametersBuilder, RsaDecryptionScheme, RsaExponent,
        RsaScheme,
    },
};

const PASSWORD: Option<AuthSession> = Some(AuthSession::Password);

/// A key and a counter of their own.
pub(crate) struct Bare {
    context: Context,
    key: KeyHandle,
    counter: NvIndexHandle,
}

impl Bare {
    pub(crate) fn new(tcti: &str) -> Result<Self> {
        let mut context = Context::new(TctiNameConf::from_str(tcti)?)?;
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
            .build()?;
        let public = PublicBuilder::new()
            .with_public_algorithm(PublicAlgorithm::Rsa)
            .with_name_hashing_algorithm(HashingAlgorithm::Sha256)
            .with_object_attributes(attributes)
            .with_rsa_parameters(parameters)
            .with_rsa_unique_identifier(PublicKeyRsa::default())
            .build()?;
        let made = context.execute_with_session(PASSWORD, |context| {
            context.create_primary(Hierarchy::Owner, public, None, None, None, None)
        })?;
        let attributes = NvIndexAttributesBuilder::new()
            .with_auth_read(true)
            .with_auth_write(true)
            .with_nv_index_type(NvIndexType::Counter)
            .build()?;
        let counter = NvPublicBuilder::new()
            .with_nv_index(NvIndexTpmHandle::new(0x0180_0000)?)
            .with_index_name_algorithm(HashingAlgorithm::Sha256)
            .with_index_attributes(attributes)
            .with_data_area_size(8)
            .build()?;
        let counter =
            context.execute_with_session(PASSWORD, |context| context.nv_define_space(Provision::Owner, None, counter))?;
        Ok(Self { context, key: made.key_handle, counter })
    }

    pub(crate) fn count_and_decrypt(&mut self) -> Result<()> {
        let (key, counter) = (self.key, self.counter);
        self.context.execute_with_session(PASSWORD, |context| {
            context.nv_increment(NvAuth::NvIndex(counter), counter)?;
            context.nv_read(NvAuth::NvIndex(counter), counter, 8, 0)?;
            let number = PublicKeyRsa::try_from(vec![0x55; 256])?;
            context.rsa_decrypt(key, number, RsaDecryptionScheme::Null, Data::default()).map(drop)
        })
    }
}
