//! The key of the TPM itself, which vouches for others and for what the TPM says of them.

use tss_esapi::{
    Context,
    attributes::ObjectAttributesBuilder,
    handles::KeyHandle,
    interface_types::{
        algorithm::{HashingAlgorithm, PublicAlgorithm, RsaSchemeAlgorithm},
        key_bits::RsaKeyBits,
        resource_handles::Hierarchy,
    },
    structures::{
        Data, MaxBuffer, Public, PublicBuilder, PublicKeyRsa, PublicRsaParametersBuilder, RsaExponent, RsaScheme, Signature,
        SignatureScheme,
    },
    traits::Marshall as _,
};
use wx_crypto::attestation::Certified;

use super::{
    super::StoreError,
    failed,
    record::pem,
    session::{PASSWORD, padded},
};

type Result<T> = std::result::Result<T, StoreError>;

/// A restricted key: it signs what the TPM says of itself, and no text that could be taken for that. It is made from the TPM's own secret
/// each time, and comes out the same each time: any program of this machine has the same one.
pub(super) struct Device<'a> {
    context: &'a mut Context,
    key: KeyHandle,
    public: Public,
}

impl<'a> Device<'a> {
    pub(super) fn load(context: &'a mut Context) -> Result<Self> {
        let template = template().map_err(failed)?;
        let made = context.execute_with_session(PASSWORD, |context| {
            context.create_primary(Hierarchy::Owner, template, None, None, None, None)
        });
        let made = made.map_err(failed)?;
        Ok(Self { context, key: made.key_handle, public: made.out_public })
    }

    /// The public half as SPKI in PEM.
    pub(super) fn pem(&self) -> Result<String> {
        pem(&self.public).ok_or_else(|| StoreError::Hardware { part: "TPM", source: "its own key is another one".into() })
    }

    /// Attests this key, which is loaded, and whose public half this is.
    pub(super) fn certify(&mut self, key: KeyHandle, public: &Public, nonce: &[u8]) -> Result<Certified> {
        let signer = self.key;
        let nonce = Data::try_from(nonce.to_vec()).map_err(failed)?;
        // The password of the key, and the empty one of the TPM's.
        let certified = self.context.execute_with_sessions((PASSWORD, PASSWORD, None), |context| {
            context.certify(key.into(), signer, nonce, SignatureScheme::Null)
        });
        let (attest, signature) = certified.map_err(failed)?;
        let (public, attest) = (public.marshall().map_err(failed)?, attest.marshall().map_err(failed)?);
        Ok(Certified { public, attest, signature: number(&signature)? })
    }

    /// Signs a text, with a salt of the TPM's.
    pub(super) fn sign(&mut self, text: &str) -> Result<Vec<u8>> {
        let key = self.key;
        let signed = MaxBuffer::try_from(text.as_bytes().to_vec()).and_then(|text| {
            // What a restricted key signs has been seen by the TPM, which gives a ticket for it.
            let (digest, ticket) = self
                .context
                .execute_without_session(|context| context.hash(text, HashingAlgorithm::Sha256, Hierarchy::Owner))?;
            self.context.execute_with_session(PASSWORD, |context| context.sign(key, digest, SignatureScheme::Null, ticket))
        });
        number(&signed.map_err(failed)?)
    }
}

impl Drop for Device<'_> {
    fn drop(&mut self) {
        let _ = self.context.flush_context(self.key.into()); // a TPM that has gone has forgotten it
    }
}

fn number(signature: &Signature) -> Result<Vec<u8>> {
    match signature {
        Signature::RsaPss(signature) => Ok(padded(signature.signature().value())),
        _ => Err(StoreError::Hardware { part: "TPM", source: "its own key signs in another way".into() }),
    }
}

/// What it is made from.
pub(super) fn template() -> tss_esapi::Result<Public> {
    let attributes = ObjectAttributesBuilder::new()
        .with_fixed_tpm(true)
        .with_fixed_parent(true)
        .with_sensitive_data_origin(true)
        .with_user_with_auth(true)
        .with_sign_encrypt(true)
        .with_restricted(true)
        .build()?;
    let scheme = RsaScheme::create(RsaSchemeAlgorithm::RsaPss, Some(HashingAlgorithm::Sha256))?;
    let parameters = PublicRsaParametersBuilder::new()
        .with_scheme(scheme)
        .with_key_bits(RsaKeyBits::Rsa2048)
        .with_exponent(RsaExponent::default())
        .with_is_signing_key(true)
        .with_is_decryption_key(false)
        .with_restricted(true);
    PublicBuilder::new()
        .with_public_algorithm(PublicAlgorithm::Rsa)
        .with_name_hashing_algorithm(HashingAlgorithm::Sha256)
        .with_object_attributes(attributes)
        .with_rsa_parameters(parameters.build()?)
        .with_rsa_unique_identifier(PublicKeyRsa::default())
        .build()
}
