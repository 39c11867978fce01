//! The same keys, messages and data through the `openssl` command: what one side makes, the other accepts.
//!
//! Needs `openssl` on the path, 1.1.1 or later. A machine without it fails these tests rather than skip them, since they are the
//! proof that both providers of RSA, and AES and SHA-1 here, mean the same as everybody else.

#![allow(clippy::unwrap_used)] // a test that unwraps an error should fail

use std::io::Write as _;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use wx_crypto::{SessionKey, open_data, signature};

/// What `openssl` prints for `input`, or `None` if it fails.
fn openssl(arguments: &[&str], input: &[u8]) -> Option<Vec<u8>> {
    let mut command = Command::new("openssl");
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| {
        panic!("`openssl` does not start: {error}. Install it (Debian: `apt-get install openssl`) and run the tests again")
    });
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    output.status.success().then_some(output.stdout)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Lengths around the edges of blocks, and a large one.
const LENGTHS: [usize; 9] = [0, 1, 15, 16, 17, 63, 64, 65, 16 * 1024];

/// Bytes that do not repeat soon.
fn message(len: usize) -> Vec<u8> {
    (0..len).map(|i| u8::try_from(i * 31 % 251).unwrap()).collect()
}

const KEY: [u8; 16] = *b"\x00\xff0123456789abcd";
const IV: [u8; 16] = *b"\xfb\xf0iv is 16 bytes";

/// `openssl enc` in one direction.
fn cbc(direction: &str, input: &[u8]) -> Option<Vec<u8>> {
    openssl(&["enc", "-aes-128-cbc", direction, "-K", &hex(&KEY), "-iv", &hex(&IV)], input)
}

#[test]
fn what_is_sealed_openssl_decrypts_and_what_it_encrypts_is_opened() {
    let key = SessionKey::from_bytes(KEY);
    for len in LENGTHS {
        let plain = message(len);
        let sealed = open_data::seal(&plain, &key, IV);
        let encrypted = STANDARD.decode(&sealed.encrypted_data).unwrap();
        assert_eq!(cbc("-e", &plain).unwrap(), encrypted, "{len} bytes");
        assert_eq!(cbc("-d", &encrypted).unwrap(), plain, "{len} bytes");

        let theirs = STANDARD.encode(cbc("-e", &plain).unwrap());
        assert_eq!(open_data::decrypt(&theirs, &STANDARD.encode(IV), &key).unwrap(), plain, "{len} bytes");
    }
}

#[test]
fn what_openssl_refuses_for_its_padding_is_refused_here() {
    let key = SessionKey::from_bytes(KEY);
    let encrypted = STANDARD.decode(open_data::seal(&message(40), &key, IV).encrypted_data).unwrap();
    let mut refused = 0;
    // Altering the block before the last one alters the padding, in every way it can be wrong or by chance right.
    for byte in 16..32 {
        for bit in 0..8 {
            let mut altered = encrypted.clone();
            altered[byte] ^= 1 << bit;
            let ours = open_data::decrypt(&STANDARD.encode(&altered), &STANDARD.encode(IV), &key);
            assert_eq!(ours.ok(), cbc("-d", &altered), "byte {byte}, bit {bit}");
            refused += usize::from(cbc("-d", &altered).is_none());
        }
    }
    assert!(refused > 0, "no padding was wrong");
}

#[test]
fn the_signature_is_the_sha1_that_openssl_computes() {
    let key = SessionKey::from_bytes(KEY);
    for len in LENGTHS {
        let raw_data = message(len);
        let hashed = [raw_data.as_slice(), key.expose_base64().as_bytes()].concat();
        let theirs = hex(&openssl(&["dgst", "-sha1", "-binary"], &hashed).unwrap());
        assert_eq!(signature::sign(&raw_data, &key), theirs, "{len} bytes");
        assert!(signature::verify(&raw_data, &key, &theirs));
    }
}

#[cfg(any(feature = "aws-lc-rs", feature = "rsa"))]
mod pss {
    use std::path::{Path, PathBuf};

    use wx_crypto::{PssError, SaltLen, SoterVerifier, pss, soter};

    use super::*;

    const SALTS: [SaltLen; 2] = [SaltLen::Bytes20, SaltLen::Bytes32];

    /// A folder of this process for what `openssl` reads from files, removed on drop.
    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn write(&self, name: &str, contents: &[u8]) -> PathBuf {
            let path = self.0.path().join(name);
            std::fs::write(&path, contents).unwrap();
            path
        }
    }

    fn text(path: &Path) -> &str {
        path.to_str().unwrap()
    }

    /// A fresh key as PKCS#8 and as SPKI.
    fn key(bits: &str) -> (String, String) {
        let bits = format!("rsa_keygen_bits:{bits}");
        let private = openssl(&["genpkey", "-algorithm", "RSA", "-pkeyopt", &bits], b"").unwrap();
        let public = openssl(&["pkey", "-pubout"], &private).unwrap();
        (String::from_utf8(private).unwrap(), String::from_utf8(public).unwrap())
    }

    fn options(salt_len: usize) -> [String; 4] {
        let [option, mode] = ["-sigopt", "rsa_padding_mode:pss"].map(str::to_owned);
        [option.clone(), mode, option, format!("rsa_pss_saltlen:{salt_len}")]
    }

    fn their_signature(private: &Path, message: &[u8], salt_len: usize) -> Vec<u8> {
        let options = options(salt_len);
        let mut arguments = vec!["dgst", "-sha256", "-sign", text(private)];
        arguments.extend(options.iter().map(String::as_str));
        openssl(&arguments, message).unwrap()
    }

    /// Whether `openssl` accepts a signature.
    fn they_accept(folder: &Folder, public: &Path, message: &[u8], signature: &[u8], salt_len: usize) -> bool {
        let signature = folder.write("ours.sig", signature);
        let options = options(salt_len);
        let mut arguments = vec!["dgst", "-sha256", "-verify", text(public), "-signature", text(&signature)];
        arguments.extend(options.iter().map(String::as_str));
        openssl(&arguments, message).is_some()
    }

    #[test]
    fn what_openssl_signs_verifies_with_its_own_salt_length_only() {
        let (private, public) = key("2048");
        let folder = Folder::new();
        let private = folder.write("private.pem", private.as_bytes());
        let verifier = SoterVerifier::from_spki_pem(&public).unwrap();
        for salt_len in [0, 19, 20, 21, 31, 32, 33, 222] {
            for len in [0, 64, 1000] {
                let signature = their_signature(&private, &message(len), salt_len);
                let accepted = SALTS.map(|told| pss::verify(&verifier, &message(len), &signature, told));
                assert_eq!(accepted, [salt_len == 20, salt_len == 32], "salt {salt_len}, {len} bytes");
            }
        }
    }

    #[test]
    #[cfg(feature = "aws-lc-rs")]
    fn what_is_signed_openssl_verifies_with_its_own_salt_length_only() {
        let (private, public) = key("2048");
        let folder = Folder::new();
        let signer = wx_crypto::SoterSigner::from_pkcs8_pem(&private).unwrap();
        assert_eq!(signer.public_pem(), public);
        let public = folder.write("public.pem", public.as_bytes());
        for salt in SALTS {
            for len in [0, 64, 1000] {
                let signature = pss::sign(&signer, &message(len), salt).unwrap();
                for told in [20, 32] {
                    let accepted = they_accept(&folder, &public, &message(len), &signature, told);
                    assert_eq!(accepted, told == salt.bytes(), "{salt:?}, told {told}, {len} bytes");
                }
            }
        }
    }

    #[test]
    #[cfg(feature = "rsa")]
    fn what_is_signed_with_a_given_salt_openssl_verifies_too() {
        let (private, public) = key("2048");
        let folder = Folder::new();
        let signer = wx_crypto::SaltedSigner::from_pkcs8_pem(&private).unwrap();
        assert_eq!(signer.public_pem(), public);
        let public = folder.write("public.pem", public.as_bytes());
        for salt in SALTS {
            let signature = pss::sign_with_salt(&signer, b"message", &message(salt.bytes())).unwrap();
            for told in [20, 32] {
                let accepted = they_accept(&folder, &public, b"message", &signature, told);
                assert_eq!(accepted, told == salt.bytes(), "{salt:?}, told {told}");
            }
        }
    }

    #[test]
    fn a_result_that_openssl_signs_verifies_whole() {
        let (private, public) = key("2048");
        let folder = Folder::new();
        let private = folder.write("private.pem", private.as_bytes());
        let verifier = SoterVerifier::from_spki_pem(&public).unwrap();
        for (json, salt) in [
            (r#"{"raw":"控制台 👍","counter":7,"fid":"2"}"#, SaltLen::Bytes20),
            (r#"{"raw":"x","counter":8,"rsa_pss_saltlen":32}"#, SaltLen::Bytes32),
        ] {
            let signature = STANDARD.encode(their_signature(&private, json.as_bytes(), salt.bytes()));
            assert_eq!(soter::verify(json, &signature, &verifier).unwrap().salt, salt);
        }
    }

    #[test]
    fn keys_of_another_size_or_kind_are_refused() {
        let (_, public) = key("3072");
        assert_eq!(SoterVerifier::from_spki_pem(&public).unwrap_err(), PssError::KeySize { bits: 3072 });
        let ec = openssl(&["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"], b"").unwrap();
        let ec = String::from_utf8(openssl(&["pkey", "-pubout"], &ec).unwrap()).unwrap();
        assert_eq!(SoterVerifier::from_spki_pem(&ec).unwrap_err(), PssError::PublicKey);
    }
}
