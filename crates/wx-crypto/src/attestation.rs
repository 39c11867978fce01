//! What a TPM 2.0 says of a key and of a counter in it, signed by the TPM's own key.
//!
//! That key is restricted: it signs what the TPM says of itself, and other texts only if they could not be taken for that. So who trusts
//! it, by its [fingerprint](crate::pss::fingerprint), knows that the other key was made in that TPM and cannot leave it. Who does not know
//! it from elsewhere learns little: anybody can make up a key, and sign with it that it is a TPM's.
//!
//! The structures are those of the TPM 2.0 Library, part 2; every number in them is big-endian.

mod error;
mod reader;

use std::fmt;

use sha2::{Digest as _, Sha256};

pub use self::error::{AttestationError, AttestationFault, Subject};
use self::reader::Reader;
use crate::pss;
use crate::record::KeyRecord;

/// The longest structure that is read, in bytes. Real ones have some hundred.
pub const MAX_LEN: usize = 2048;

/// What a TPM begins everything with that it says of itself. Its restricted keys sign nothing else that begins so.
const MAGIC: u32 = 0xff54_4347;
/// `TPM_ST_ATTEST_CERTIFY`.
const OF_KEY: u16 = 0x8017;
/// `TPM_ST_ATTEST_NV`.
const OF_NV: u16 = 0x8014;
/// Bytes of `TPMS_CLOCK_INFO` and the firmware's version.
const CLOCK_AND_FIRMWARE: usize = 17 + 8;

const ALG_RSA: u16 = 0x0001;
const ALG_SHA256: u16 = 0x000b;
const ALG_NULL: u16 = 0x0010;

/// `fixedTPM`, `fixedParent`, `sensitiveDataOrigin`: it cannot leave this TPM, nor be moved in it, and was made there.
const FIXED: u32 = 1 << 1 | 1 << 4 | 1 << 5;
/// The kind of an index, `TPM_NT`, and the one that counts.
const KIND_OF_INDEX: u32 = 0xf0;
const COUNTER: u32 = 0x10;
/// `TPMA_NV_WRITTEN`.
const WRITTEN: u32 = 1 << 29;

/// A key and a counter, as a TPM attests them.
///
/// # Examples
///
/// ```
/// # let pem = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/test-only.spki.pem"));
/// use wx_crypto::{SaltLen, attestation::{Attestation, AttestationFault, Certified}, record::KeyRecord};
///
/// let (cpu_id, uid) = ("5f1".to_owned(), "10115".to_owned());
/// let key = KeyRecord { public_key: pem.to_owned(), cpu_id, counter: 240, uid, salt: SaltLen::Bytes32 };
/// let refused = Attestation::default().verify(&key, &key, b"nonce").unwrap_err();
/// assert_eq!(refused.fault, AttestationFault::Signature);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attestation {
    /// Of the key: `TPM2_Certify`, and its `TPMT_PUBLIC`.
    pub key: Certified,
    /// Of the counter: `TPM2_NV_Certify` over all of its eight bytes, and its `TPMS_NV_PUBLIC`.
    pub counter: Certified,
}

/// Something that a TPM attests.
///
/// # Examples
///
/// See [`Attestation`].
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Certified {
    /// What it is, whose hash is its name.
    pub public: Vec<u8>,
    /// `TPMS_ATTEST`.
    pub attest: Vec<u8>,
    /// The signature of the TPM's own key over [`attest`](Self::attest): SHA256withRSA/PSS.
    pub signature: Vec<u8>,
}

impl fmt::Debug for Certified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certified").finish_non_exhaustive()
    }
}

impl Attestation {
    /// Verifies that the TPM whose key is `attk` has this key, made there and fixed, and a counter, and attested both for this nonce. Answers
    /// where the counter stood, which is not below the record of the key.
    ///
    /// # Errors
    ///
    /// Of the key and then of the counter, each in this order: [`TooLong`](AttestationFault::TooLong),
    /// [`Signature`](AttestationFault::Signature), [`Magic`](AttestationFault::Magic), [`Kind`](AttestationFault::Kind),
    /// [`Form`](AttestationFault::Form), [`Nonce`](AttestationFault::Nonce), [`Name`](AttestationFault::Name),
    /// [`Public`](AttestationFault::Public), and then [`OtherKey`](AttestationFault::OtherKey) and [`NotFixed`](AttestationFault::NotFixed), or
    /// [`NoCounter`](AttestationFault::NoCounter) and [`Below`](AttestationFault::Below).
    ///
    /// # Examples
    ///
    /// See [`Attestation`].
    pub fn verify(&self, attk: &KeyRecord, key: &KeyRecord, nonce: &[u8]) -> Result<u64, AttestationError> {
        let of = |of| move |fault| AttestationError { of, fault };
        self.verify_key(attk, key, nonce).map_err(of(Subject::Key))?;
        self.verify_counter(attk, key.counter, nonce).map_err(of(Subject::Counter))
    }

    fn verify_key(&self, attk: &KeyRecord, key: &KeyRecord, nonce: &[u8]) -> Result<(), AttestationFault> {
        let mut attested = self.key.attested(attk, OF_KEY, nonce)?;
        let name = attested.sized().ok_or(AttestationFault::Form)?;
        attested.sized().ok_or(AttestationFault::Form)?; // the name of its parents, which lead to a key that nobody vouches for
        self.key.check_name(name, &attested)?;
        let public = RsaPublic::read(&self.key.public).ok_or(AttestationFault::Public)?;
        let expected = key.key().map_err(|_| AttestationFault::OtherKey)?;
        if !expected.has_numbers(public.modulus, public.exponent) {
            return Err(AttestationFault::OtherKey);
        }
        if public.attributes & FIXED == FIXED { Ok(()) } else { Err(AttestationFault::NotFixed) }
    }

    fn verify_counter(&self, attk: &KeyRecord, least: u64, nonce: &[u8]) -> Result<u64, AttestationFault> {
        let mut attested = self.counter.attested(attk, OF_NV, nonce)?;
        let name = attested.sized().ok_or(AttestationFault::Form)?;
        let offset = attested.u16().ok_or(AttestationFault::Form)?;
        let contents = attested.sized().ok_or(AttestationFault::Form)?;
        self.counter.check_name(name, &attested)?;
        let attributes = index_attributes(&self.counter.public).ok_or(AttestationFault::Public)?;
        let is_counter = attributes & KIND_OF_INDEX == COUNTER && attributes & WRITTEN != 0 && offset == 0;
        let stands_at = contents.try_into().ok().filter(|_| is_counter).map(u64::from_be_bytes);
        let stands_at = stands_at.ok_or(AttestationFault::NoCounter)?;
        if stands_at >= least { Ok(stands_at) } else { Err(AttestationFault::Below) }
    }
}

impl Certified {
    /// What is attested, of this kind and for this nonce.
    fn attested(&self, attk: &KeyRecord, kind: u16, nonce: &[u8]) -> Result<Reader<'_>, AttestationFault> {
        let bytes = self.attest.len().max(self.public.len());
        if bytes > MAX_LEN {
            return Err(AttestationFault::TooLong { bytes });
        }
        let is_signed = attk.key().is_ok_and(|key| pss::verify(&key, &self.attest, &self.signature, attk.salt));
        if !is_signed {
            return Err(AttestationFault::Signature);
        }
        let mut attest = Reader(&self.attest);
        if attest.u32() != Some(MAGIC) {
            return Err(AttestationFault::Magic);
        }
        if attest.u16() != Some(kind) {
            return Err(AttestationFault::Kind);
        }
        attest.sized().ok_or(AttestationFault::Form)?; // the name of the signer and its parents
        let extra = attest.sized().ok_or(AttestationFault::Form)?;
        attest.take(CLOCK_AND_FIRMWARE).ok_or(AttestationFault::Form)?;
        if extra == nonce { Ok(attest) } else { Err(AttestationFault::Nonce) }
    }

    /// Whether what is attested, which must end here, is called as what was sent along.
    fn check_name(&self, name: &[u8], rest: &Reader<'_>) -> Result<(), AttestationFault> {
        if !rest.is_empty() {
            return Err(AttestationFault::Form);
        }
        let (algorithm, hash) = (ALG_SHA256.to_be_bytes(), Sha256::digest(&self.public));
        if name == [&algorithm[..], &hash[..]].concat() { Ok(()) } else { Err(AttestationFault::Name) }
    }
}

/// As much of a `TPMT_PUBLIC` of RSA as matters.
struct RsaPublic<'a> {
    attributes: u32,
    exponent: u32,
    modulus: &'a [u8],
}

impl<'a> RsaPublic<'a> {
    fn read(public: &'a [u8]) -> Option<Self> {
        let mut public = Reader(public);
        let is_rsa = public.u16()? == ALG_RSA && public.u16()? == ALG_SHA256;
        let attributes = public.u32()?;
        public.sized()?; // its policy
        let has_no_cipher = public.u16()? == ALG_NULL;
        if public.u16()? != ALG_NULL {
            public.u16()?; // the hash of its scheme
        }
        public.u16()?; // its bits, which the modulus has
        let exponent = public.u32()?;
        let modulus = public.sized()?;
        (is_rsa && has_no_cipher && public.is_empty()).then_some(Self { attributes, exponent, modulus })
    }
}

/// The attributes in a `TPMS_NV_PUBLIC`.
fn index_attributes(public: &[u8]) -> Option<u32> {
    let mut public = Reader(public);
    public.u32()?; // its number
    let is_named_so = public.u16()? == ALG_SHA256;
    let attributes = public.u32()?;
    public.sized()?; // its policy
    public.u16()?; // its size, which the contents have
    (is_named_so && public.is_empty()).then_some(attributes)
}

#[cfg(test)]
mod tests;
