//! Everything that is decoded after the handshake of a link, and the journal an agent finds when it starts. The first byte says what the
//! rest is:
//!
//! - `f`: how many bytes arrive at a time, the API that was called, and what arrives;
//! - `m`: the API that was called, and one message;
//! - `j`: a journal's file;
//! - `k`: records of a journal, each after two bytes of length, which become a file with the right checksums.

#![no_main]

use std::{
    fs,
    io::ErrorKind,
    path::PathBuf,
    sync::{Arc, LazyLock},
};

use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;
use wx_api::{Api, Host};
use wx_device::{KeyRing, agent::Agent, internals};
use wx_host::{TokioClock, Wx};

/// So little that inputs can be more.
const LONGEST: usize = 2048;

fuzz_target!(|input: &[u8]| {
    match input {
        [b'f', piece, called, bytes @ ..] => arrive(usize::from(*piece).max(1), api(*called), bytes),
        [b'm', called, message @ ..] => read(message, api(*called)),
        [b'j', file @ ..] => start_over(file),
        [b'k', records @ ..] => start_over(&framed(records)),
        _ => (),
    }
});

fn api(index: u8) -> Api {
    Api::ALL[usize::from(index) % Api::ALL.len()]
}

fn arrive(piece: usize, called: Api, bytes: &[u8]) {
    let messages = internals::messages([bytes], LONGEST).ok();
    let in_pieces = internals::messages(bytes.chunks(piece), LONGEST).ok();
    assert_eq!(messages, in_pieces, "it matters how they arrive");
    for message in messages.iter().flatten() {
        read(message, called);
    }
}

fn read(message: &[u8], called: Api) {
    match internals::rewrite(message, called) {
        Ok(once) => {
            let twice = internals::rewrite(&once, called).expect("what was written reads");
            assert_eq!(once, twice, "it reads as something else");
        }
        Err(error) => assert!(!error.to_string().is_empty(), "a refusal says why"),
    }
    let parts = internals::split(7, message);
    let whole = internals::messages(parts.iter().map(Vec::as_slice), message.len() + 1).expect("parts of a message");
    assert_eq!(whole, [message], "the parts make another message");
}

fn framed(mut records: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    while let Some((length, rest)) = records.split_first_chunk::<2>() {
        let (record, rest) = rest.split_at(usize::from(u16::from_be_bytes(*length)).min(rest.len()));
        file.extend(u32::try_from(record.len()).expect("less than 64 KiB").to_le_bytes());
        file.extend(crc32fast::hash(record).to_le_bytes());
        file.extend(record);
        records = rest;
    }
    file
}

struct Place {
    folder: TempDir,
    keys: Arc<KeyRing>,
    wx: Wx,
}

/// In memory, where there is such a folder: what is synced to a disk thousands of times a second wears it out.
static PLACE: LazyLock<Place> = LazyLock::new(|| {
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder");
    let keys = Arc::new(KeyRing::open(folder.path().join("keys")).expect("new keys"));
    Place { folder, keys, wx: Wx::builder(Host::default()).build() }
});

/// An agent starts with any journal, and one that starts after it finds the same; unless whole records are of a version to come: then it
/// says so and leaves them alone.
fn start_over(file: &[u8]) {
    let journal: PathBuf = PLACE.folder.path().join("journal");
    fs::write(&journal, file).expect("a file in memory");
    let start = || {
        // Nothing is run in it: sessions whose hosts do not come back end with it.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let _inside = runtime.enter();
        let agent = Agent::builder(PLACE.wx.clone(), PLACE.keys.clone(), Arc::new(TokioClock)).start(&journal);
        let found = agent.map(|agent| format!("{agent:?}")).map_err(|error| (error.kind(), error.to_string()));
        (found, fs::metadata(&journal).expect("a file in memory").len())
    };
    let (found, length) = start();
    if let Err((kind, why)) = &found {
        assert_eq!(*kind, ErrorKind::InvalidData, "{why}");
        assert_eq!(fs::read(&journal).expect("a file in memory"), file, "it was not left alone");
    }
    assert_eq!(start(), (found, length), "the journal was not kept");
}
