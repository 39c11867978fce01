//! Why an attestation was not accepted.

use std::fmt;

/// Why an attestation was not accepted: the first thing that is not as it should be.
///
/// # Examples
///
/// ```
/// use wx_crypto::attestation::{AttestationError, AttestationFault, Subject};
///
/// let error = AttestationError { of: Subject::Counter, fault: AttestationFault::Below };
/// assert!(error.to_string().starts_with("the attestation of the counter: it stands below"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the attestation of the {of}: {fault}")]
pub struct AttestationError {
    /// Of what.
    pub of: Subject,
    /// What is wrong with it.
    pub fault: AttestationFault,
}

/// What is attested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The key that signs results.
    Key,
    /// The counter that numbers them.
    Counter,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Key => "key",
            Self::Counter => "counter",
        })
    }
}

/// What is wrong with an attestation.
///
/// # Examples
///
/// See [`AttestationError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AttestationFault {
    /// A structure exceeds [`MAX_LEN`](super::MAX_LEN).
    #[error("a structure of {bytes} bytes, and no TPM makes one of more than 2048: refuse it")]
    TooLong {
        /// The length of the longer one.
        bytes: usize,
    },

    /// The device's key has not signed it.
    #[error("the device's key (ATTK) has not signed it: it was altered, or is another TPM's")]
    Signature,

    /// It does not begin as what a TPM says of itself.
    #[error("it is no statement of a TPM's about itself: somebody had the device's key sign something else")]
    Magic,

    /// It is about something else.
    #[error("it attests something of another kind: the two attestations were exchanged, or it is a quote")]
    Kind,

    /// It is cut, or goes on after its end.
    #[error("it is cut, or goes on after its end")]
    Form,

    /// It was made for another nonce.
    #[error("it was made for another nonce than the one that was given out: it is an old one, or another one's")]
    Nonce,

    /// It is about something of another name.
    #[error("what it attests is not what was sent along: the names differ")]
    Name,

    /// What was sent along is of another form.
    #[error("what it attests is no key of RSA, or no index of a TPM, with a name by SHA-256")]
    Public,

    /// It is about another key.
    #[error("it attests another key than the one that is to be enrolled")]
    OtherKey,

    /// The key can leave the TPM, or came from outside.
    #[error("the key is not fixed to its TPM, or was not made in it (fixedTPM, fixedParent, sensitiveDataOrigin)")]
    NotFixed,

    /// The index is none that counts, or has not counted yet.
    #[error("the index is no counter, or has never counted, or not all of it is attested")]
    NoCounter,

    /// The counter went back, or is another one.
    #[error("it stands below a number that the key's results have reached: it is another counter, or an old attestation")]
    Below,
}
