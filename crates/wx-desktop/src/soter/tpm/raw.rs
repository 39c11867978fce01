//! Commands that the TPM's library does not offer, byte by byte: the attestation of a counter.

use std::{
    fs::File,
    io::{self, Read, Write},
    net::TcpStream,
};

use wx_crypto::attestation::Certified;

use super::{super::StoreError, session::padded};

type Result<T> = std::result::Result<T, StoreError>;

/// Tags of commands, without and with passwords.
const BARE: u16 = 0x8001;
const WITH_PASSWORDS: u16 = 0x8002;
/// Tag, size and code of a command or an answer.
const HEAD: usize = 10;
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
        let mut body: Vec<u8> = handles.iter().flat_map(|handle| handle.to_be_bytes()).collect();
        if !passwords.is_empty() {
            let session = |password: &&[u8]| [&PASSWORD.to_be_bytes()[..], &[0, 0, 0], &sized(password)].concat();
            let sessions: Vec<u8> = passwords.iter().flat_map(session).collect();
            body.extend(length(sessions.len()).to_be_bytes());
            body.extend(sessions);
        }
        body.extend(parameters);
        let tag = if passwords.is_empty() { BARE } else { WITH_PASSWORDS };
        let size = length(HEAD + body.len());
        let command = [&tag.to_be_bytes()[..], &size.to_be_bytes(), &code.to_be_bytes(), &body].concat();
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
            if read == 0 || size.is_some_and(|size| length(len) >= size) {
                answer.truncate(len);
                return Ok(answer);
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
    let len = u16::try_from(bytes.len()).unwrap_or(u16::MAX); // nothing here is that long, and a TPM would refuse it
    [&len.to_be_bytes(), bytes].concat()
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
