//! Commands that the TPM's library does not offer, byte by byte: the attestation of a counter.

use std::{
    fs::File,
    io::{self, Read, Write},
    net::TcpStream,
};

use wx_crypto::attestation::Certified;
use zeroize::Zeroizing;

use super::{super::StoreError, session::padded};

type Result<T> = std::result::Result<T, StoreError>;

/// Tags of commands, without and with passwords.
const BARE: u16 = 0x8001;
const WITH_PASSWORDS: u16 = 0x8002;
/// Tag, size and code of a command or an answer.
const HEAD: usize = 10;
/// A password's session but for the password: what it is, no nonce, no attributes, and a length.
const SESSION: usize = 9;
/// The longest answer that there is.
const LONGEST: usize = 4096;

const CREATE_PRIMARY: u32 = 0x131;
const FLUSH_CONTEXT: u32 = 0x165;
const NV_READ_PUBLIC: u32 = 0x169;
const NV_CERTIFY: u32 = 0x184;
/// The hierarchy of the owner, and the session that is a password.
const OWNER: u32 = 0x4000_0001;
const PASSWORD: u32 = 0x4000_0009;
const ALG_NULL: u16 = 0x0010;
/// Bytes of a counter.
const COUNTER: u16 = 8;

/// What takes and gives bytes.
trait Line: Read + Write {}

impl<L: Read + Write> Line for L {}

/// The TPM itself. Nobody else of this process may be connected: one without a resource manager can be opened once.
pub(super) struct Raw(Box<dyn Line>);

impl Raw {
    /// The TPM of this address; `None` for a way to it that takes more than bytes, such as through a daemon.
    pub(super) fn connect(tcti: &str) -> Result<Option<Self>> {
        let (kind, rest) = tcti.split_once(':').unwrap_or((tcti, ""));
        let option = |name: &str| rest.split(',').find_map(|option| option.strip_prefix(name)?.strip_prefix('='));
        let line: Box<dyn Line> = match kind {
            "device" => {
                let path = if rest.is_empty() { "/dev/tpm0" } else { rest };
                Box::new(File::options().read(true).write(true).open(path).map_err(failed)?)
            }
            "swtpm" if option("path").is_none() => {
                let address = format!("{}:{}", option("host").unwrap_or("localhost"), option("port").unwrap_or("2321"));
                Box::new(TcpStream::connect(address).map_err(failed)?)
            }
            _ => return Ok(None),
        };
        Ok(Some(Self(line)))
    }

    /// Has the key of this template, which is made for it, attest the counter at this index, whose password this is.
    pub(super) fn certify_counter(&mut self, template: &[u8], index: u32, password: &[u8], nonce: &[u8]) -> Result<Certified> {
        let answer = self.ask(NV_READ_PUBLIC, &[index], &[], &[])?;
        let public = Answer(&answer).sized()?.to_vec();

        let nothing = sized(&[]);
        let made_from = [&sized(&[&nothing[..], &nothing].concat())[..], &sized(template), &nothing, &[0; 4]].concat();
        let answer = self.ask(CREATE_PRIMARY, &[OWNER], &[&[]], &made_from)?;
        let key = Answer(&answer).u32()?;
        let what = [&sized(nonce)[..], &ALG_NULL.to_be_bytes(), &COUNTER.to_be_bytes(), &[0; 2]].concat();
        let certified = self.ask(NV_CERTIFY, &[key, index, index], &[&[], password], &what);
        self.ask(FLUSH_CONTEXT, &[key], &[], &[])?;

        let certified = certified?;
        let mut certified = Answer(&certified);
        certified.u32()?; // the size of all that follows but the sessions
        let attest = certified.sized()?.to_vec();
        certified.u32()?; // the scheme and its hash, which are the template's
        Ok(Certified { public, attest, signature: padded(certified.sized()?) })
    }

    /// What the TPM answers to a command, after the head.
    fn ask(&mut self, code: u32, handles: &[u32], passwords: &[&[u8]], parameters: &[u8]) -> Result<Vec<u8>> {
        let sessions: usize = passwords.iter().map(|password| SESSION + password.len()).sum();
        let (tag, sessions_head) = if passwords.is_empty() { (BARE, 0) } else { (WITH_PASSWORDS, 4) };
        let size = HEAD + 4 * handles.len() + sessions_head + sessions + parameters.len();
        let mut command = Zeroizing::new(Vec::with_capacity(size)); // growing would leave passwords behind
        command.extend(tag.to_be_bytes());
        command.extend(length(size).to_be_bytes());
        command.extend(code.to_be_bytes());
        command.extend(handles.iter().flat_map(|handle| handle.to_be_bytes()));
        if !passwords.is_empty() {
            command.extend(length(sessions).to_be_bytes());
        }
        for password in passwords {
            command.extend(PASSWORD.to_be_bytes());
            command.extend([0, 0, 0]);
            command.extend(short(password.len()).to_be_bytes());
            command.extend(*password);
        }
        command.extend(parameters);
        // In one piece: a device takes no other.
        self.0.write_all(&command).and_then(|()| self.0.flush()).map_err(failed)?;
        let answer = self.answer().map_err(failed)?;
        match answer.split_at_checked(HEAD) {
            Some((head, rest)) if head[6..] == [0; 4] => Ok(rest.to_vec()),
            Some((head, _)) => Err(broken(format!("it refused with {:02x?}", &head[6..]))),
            None => Err(broken("its answer has no head")),
        }
    }

    fn answer(&mut self) -> io::Result<Vec<u8>> {
        let (mut answer, mut len) = (vec![0; LONGEST], 0);
        loop {
            let read = self.0.read(&mut answer[len..])?;
            len += read;
            let size = answer[..len].get(2..6).and_then(|size| size.try_into().ok()).map(u32::from_be_bytes);
            if let Some(size) = size.and_then(|size| usize::try_from(size).ok()).filter(|size| len >= *size) {
                answer.truncate(size);
                return Ok(answer);
            }
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

/// The rest of an answer.
struct Answer<'a>(&'a [u8]);

impl<'a> Answer<'a> {
    fn take(&mut self, bytes: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(bytes).ok_or_else(|| broken("its answer is cut"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn u32(&mut self) -> Result<u32> {
        Ok(self.take(4)?.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
    }

    fn sized(&mut self) -> Result<&'a [u8]> {
        let size = self.take(2)?.iter().fold(0, |number, byte| number << 8 | usize::from(*byte));
        self.take(size)
    }
}

/// The bytes after their number in two bytes.
fn sized(bytes: &[u8]) -> Vec<u8> {
    [&short(bytes.len()).to_be_bytes(), bytes].concat()
}

fn short(bytes: usize) -> u16 {
    u16::try_from(bytes).unwrap_or(u16::MAX) // nothing here is that long, and a TPM would refuse it
}

fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

fn failed(error: io::Error) -> StoreError {
    broken(error)
}

fn broken(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::Hardware { part: "TPM", source: source.into() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

    use std::{
        collections::VecDeque,
        sync::{Arc, Mutex},
    };

    use super::*;

    /// A TPM that says what it was told to, a few bytes at a time, and keeps what it was asked.
    #[derive(Clone, Default)]
    struct Fake {
        asked: Arc<Mutex<Vec<Vec<u8>>>>,
        answers: Arc<Mutex<VecDeque<Vec<u8>>>>,
    }

    impl Write for Fake {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.asked.lock().unwrap().push(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Read for Fake {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let mut answers = self.answers.lock().unwrap();
            let Some(answer) = answers.front_mut() else { return Ok(0) };
            let len = answer.len().min(7).min(into.len());
            into[..len].copy_from_slice(&answer[..len]);
            answer.drain(..len);
            if answer.is_empty() {
                answers.pop_front();
            }
            Ok(len)
        }
    }

    fn answer(code: u32, body: &[u8]) -> Vec<u8> {
        [&BARE.to_be_bytes()[..], &length(HEAD + body.len()).to_be_bytes(), &code.to_be_bytes(), body].concat()
    }

    /// What a TPM answers to the four commands: the counter's area, a key, what it certifies, and that the key is gone.
    fn answers() -> [Vec<u8>; 4] {
        let certified = [&[0, 0, 0, 17][..], &sized(b"attest"), &[0, 0x16, 0, 0x0B], &sized(b"signature")].concat();
        [
            answer(0, &[&sized(b"public area")[..], &sized(b"name")].concat()),
            answer(0, &[&0x8000_0001_u32.to_be_bytes()[..], b"and more"].concat()),
            answer(0, &certified),
            answer(0, &[]),
        ]
    }

    fn certify(answers: impl IntoIterator<Item = Vec<u8>>) -> (Result<Certified>, Vec<Vec<u8>>) {
        let fake = Fake { answers: Arc::new(Mutex::new(answers.into_iter().collect())), ..Fake::default() };
        let certified = Raw(Box::new(fake.clone())).certify_counter(b"template", 0x0180_0001, b"the password", b"nonce");
        let asked = fake.asked.lock().unwrap().clone();
        (certified, asked)
    }

    #[test]
    fn a_counter_is_certified_by_four_whole_commands() {
        let (certified, asked) = certify(answers());
        let Certified { public, attest, signature } = certified.unwrap();
        assert_eq!((public.as_slice(), attest.as_slice()), (&b"public area"[..], &b"attest"[..]));
        assert!(signature.ends_with(b"signature"));
        let codes = [NV_READ_PUBLIC, CREATE_PRIMARY, NV_CERTIFY, FLUSH_CONTEXT];
        assert_eq!(asked.len(), codes.len());
        for (command, code) in asked.iter().zip(codes) {
            assert_eq!(command[2..6], length(command.len()).to_be_bytes(), "{command:02x?}");
            assert_eq!(command[6..10], code.to_be_bytes(), "{command:02x?}");
        }
        // Two sessions: one without a password, and one with it.
        let sessions =
            [&PASSWORD.to_be_bytes()[..], &[0; 5], &PASSWORD.to_be_bytes(), &[0; 3], &sized(b"the password")].concat();
        let certify = &asked[2];
        assert_eq!(certify[..2], WITH_PASSWORDS.to_be_bytes());
        assert_eq!(certify[22..26], length(sessions.len()).to_be_bytes());
        assert_eq!(certify[26..26 + sessions.len()], sessions);
    }

    #[test]
    fn an_answer_that_is_cut_anywhere_is_an_error() {
        for (n, whole) in answers().iter().enumerate() {
            for len in 0..whole.len() {
                let cut =
                    answers().into_iter().enumerate().map(|(m, whole)| if m == n { whole[..len].to_vec() } else { whole });
                // The TPM says no more after it.
                let (certified, asked) = certify(cut.take(n + 1));
                assert!(certified.is_err(), "answer {n} cut at {len}: {asked:02x?}");
            }
            // And one whose head says that this is all.
            for len in HEAD..whole.len() {
                let said = answers().into_iter().enumerate().map(|(m, mut answer)| {
                    if m == n {
                        answer.truncate(len);
                        answer[2..6].copy_from_slice(&length(len).to_be_bytes());
                    }
                    answer
                });
                let needed = [23, 14, whole.len(), whole.len()][n];
                assert_eq!(certify(said).0.is_ok(), len >= needed, "answer {n} of {len} bytes");
            }
        }
    }

    #[test]
    fn a_refusal_is_told_and_the_key_is_given_back() {
        let [public, key, _, gone] = answers();
        let (certified, asked) = certify([public, key, answer(0x98E, &[]), gone]);
        let error = certified.unwrap_err().to_string();
        assert_eq!(error, "the TPM cannot be used: it refused with [00, 00, 09, 8e]");
        assert_eq!(asked[3][6..10], FLUSH_CONTEXT.to_be_bytes());
        assert_eq!(asked[3][10..], 0x8000_0001_u32.to_be_bytes());
    }

    #[test]
    fn what_takes_more_than_bytes_is_not_connected_to() {
        assert!(Raw::connect("tabrmd:bus_name=com.intel.tss2.Tabrmd").unwrap().is_none());
        assert!(Raw::connect("swtpm:path=/tmp/socket").unwrap().is_none());
        assert!(Raw::connect("device:/nowhere/tpm0").is_err());
    }
}
