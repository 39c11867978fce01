use std::{
    collections::{BTreeMap, HashMap},
    fs::{self, File},
    io::{self, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use minicbor::{Decode, Encode};
use rustix::fs::{FlockOperation, flock};
use tokio::task::spawn_blocking;

use super::SessionKey;

/// How much an agent keeps for hosts that have not said they have it.
const MOST: usize = 16 << 20;
/// From this size on, a file that is mostly history is written anew.
const LONG: u64 = 1 << 20;

/// What the agent began for whom, and what came of it: on the disk, so that it is known after a crash.
///
/// A call is *begun* in the journal, durably, before it is run, and *done* before its answer leaves. After a crash a call that was begun
/// and not done may have had its effect or not; it is never run again.
///
/// The file is a list of records: four bytes of length, four of checksum, CBOR. A record that is torn ends the list: nothing after it was
/// ever relied on, since a record that could not be written whole is taken off again, and when even that fails nothing more is begun.
///
/// What nobody asks for any more stays in the file until that is written anew, at the next start or when it has grown.
#[derive(Debug)]
pub(super) struct Journal(Mutex<State>);

#[derive(Debug)]
struct State {
    path: PathBuf,
    file: Arc<File>,
    /// Why the file can no longer be relied on, until it was written anew.
    broken: Option<String>,
    /// One agent, one journal.
    lock: File,
    is_closed: bool,
    length: u64,
    /// What is still of use.
    sessions: HashMap<SessionKey, Calls>,
    held: usize,
}

/// The calls of a session by their numbers.
pub(super) type Calls = BTreeMap<u64, Entry>;

/// What the journal knows of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// It was begun; the name of its API.
    Begun(String),
    /// It has this answer, a message as it is sent.
    Done(Arc<[u8]>),
}

#[derive(Encode, Decode)]
enum Record<'a> {
    #[n(0)]
    Opened {
        #[n(0)]
        session: SessionKey,
    },
    #[n(1)]
    Begun {
        #[n(0)]
        session: SessionKey,
        #[n(1)]
        call: u64,
        #[b(2)]
        api: &'a str,
    },
    #[n(2)]
    Done {
        #[n(0)]
        session: SessionKey,
        #[n(1)]
        call: u64,
        #[cbor(b(2), with = "minicbor::bytes")]
        answer: &'a [u8],
    },
    #[n(3)]
    Settled {
        #[n(0)]
        session: SessionKey,
        #[n(1)]
        calls: Vec<u64>,
    },
    #[n(4)]
    Closed {
        #[n(0)]
        session: SessionKey,
    },
}

impl Journal {
    /// Opens the file, and makes it if it is not there.
    ///
    /// # Errors
    ///
    /// It cannot be read or written.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let lock_path = path.with_extension("lock");
        let lock = File::options().create(true).truncate(false).write(true).mode(0o600).open(lock_path)?;
        let taken = |_| io::Error::new(io::ErrorKind::ResourceBusy, "another agent has this journal");
        flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(taken)?;
        let mut bytes = Vec::new();
        match File::open(path) {
            Ok(mut file) => drop(file.read_to_end(&mut bytes)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let mut sessions = HashMap::new();
        let mut rest = &bytes[..];
        while let Some(record) = next_record(&mut rest)? {
            apply(&mut sessions, &record);
        }
        let held = held(&sessions);
        let (file, length) = write_anew(path, &sessions)?;
        let (path, file) = (path.to_owned(), Arc::new(file));
        Ok(Self(Mutex::new(State { path, file, broken: None, lock, is_closed: false, length, sessions, held })))
    }

    /// The sessions it knows.
    pub(super) fn sessions(&self) -> Vec<SessionKey> {
        self.lock().sessions.keys().copied().collect()
    }

    /// What it knows of a session, if it knows it.
    pub(super) fn recall(&self, session: SessionKey) -> Option<Calls> {
        self.lock().sessions.get(&session).cloned()
    }

    /// Whether it holds so much that nothing more may be begun.
    pub(super) fn is_full(&self) -> bool {
        self.lock().held > MOST
    }

    /// A session is there from now on.
    pub(super) fn opened(&self, session: SessionKey) -> io::Result<()> {
        self.lock().append(&Record::Opened { session })
    }

    /// These calls are about to be run. Once this is over it is on the disk.
    pub(super) async fn begun(&self, session: SessionKey, calls: &[(u64, &str)]) -> io::Result<()> {
        let file = {
            let mut state = self.lock();
            for &(call, api) in calls {
                state.append(&Record::Begun { session, call, api })?;
            }
            state.file.clone()
        };
        let synced = spawn_blocking(move || file.sync_data()).await.map_err(io::Error::other)?;
        if let Err(error) = &synced {
            // What the disk has of the file is not known any more.
            self.lock().broken = Some(error.to_string());
        }
        synced
    }

    /// A call has its answer. A process that is killed afterwards leaves it in the file.
    pub(super) fn done(&self, session: SessionKey, call: u64, answer: &[u8]) -> io::Result<()> {
        self.lock().append(&Record::Done { session, call, answer })
    }

    /// Nobody will ask for these calls again. Those it does not know cost nothing.
    pub(super) fn settled(&self, session: SessionKey, mut calls: Vec<u64>) -> io::Result<()> {
        let mut state = self.lock();
        let known = state.sessions.get(&session);
        calls.retain(|call| known.is_some_and(|known| known.contains_key(call)));
        if calls.is_empty() { Ok(()) } else { state.append(&Record::Settled { session, calls }) }
    }

    /// Lets another agent have the file. Nothing more is written.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        let _ = flock(&state.lock, FlockOperation::Unlock); // else it is free when this is dropped
    }

    /// How many calls it holds for all sessions.
    pub(super) fn len(&self) -> usize {
        self.lock().sessions.values().map(Calls::len).sum()
    }

    /// Nobody will ask for this session again.
    pub(super) fn closed(&self, session: SessionKey) -> io::Result<()> {
        self.lock().append(&Record::Closed { session })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner) // a record is appended whole or not at all
    }
}

impl State {
    fn append(&mut self, record: &Record<'_>) -> io::Result<()> {
        if self.is_closed {
            return Err(io::Error::other("the agent has ended"));
        }
        if self.broken.is_some() {
            self.write_anew()?;
        }
        let bytes = framed(record);
        if let Err(error) = (&*self.file).write_all(&bytes) {
            // Half a record would hide whatever comes after it.
            if let Err(error) = self.file.set_len(self.length) {
                self.broken = Some(error.to_string());
            }
            return Err(error);
        }
        self.length += bytes.len() as u64;
        let before = entry_size(&self.sessions, record);
        apply(&mut self.sessions, record);
        self.held = (self.held + entry_size(&self.sessions, record)).saturating_sub(before);
        if self.length > LONG && self.length / 4 > self.held as u64 {
            self.write_anew()?;
        }
        Ok(())
    }

    fn write_anew(&mut self) -> io::Result<()> {
        self.broken = Some("it is being written anew".to_owned());
        let (file, length) = write_anew(&self.path, &self.sessions)?;
        (self.file, self.length, self.broken) = (Arc::new(file), length, None);
        Ok(())
    }
}

fn apply(sessions: &mut HashMap<SessionKey, Calls>, record: &Record<'_>) {
    match record {
        Record::Opened { session } => drop(sessions.entry(*session).or_default()),
        Record::Begun { session, call, api } => {
            sessions.entry(*session).or_default().insert(*call, Entry::Begun((*api).to_owned()));
        }
        Record::Done { session, call, answer } => {
            sessions.entry(*session).or_default().insert(*call, Entry::Done((*answer).into()));
        }
        Record::Settled { session, calls } => {
            if let Some(known) = sessions.get_mut(session) {
                for call in calls {
                    known.remove(call);
                }
            }
        }
        Record::Closed { session } => drop(sessions.remove(session)),
    }
}

/// How much is held for what the record is about.
fn entry_size(sessions: &HashMap<SessionKey, Calls>, record: &Record<'_>) -> usize {
    let of = |session, call| sessions.get(session).and_then(|calls: &Calls| calls.get(call)).map_or(0, Entry::size);
    match record {
        Record::Opened { session } | Record::Closed { session } => {
            sessions.get(session).map_or(0, |calls| calls.values().map(Entry::size).sum())
        }
        Record::Begun { session, call, .. } | Record::Done { session, call, .. } => of(session, call),
        Record::Settled { session, calls } => calls.iter().map(|call| of(session, call)).sum(),
    }
}

fn held(sessions: &HashMap<SessionKey, Calls>) -> usize {
    sessions.values().flat_map(Calls::values).map(Entry::size).sum()
}

impl Entry {
    fn size(&self) -> usize {
        64 + match self {
            Self::Begun(api) => api.len(),
            Self::Done(answer) => answer.len(),
        }
    }
}

fn framed(record: &Record<'_>) -> Vec<u8> {
    let mut bytes = vec![0; 8];
    // Writing into memory cannot fail, and none of the types refuses to be written.
    let Ok(()) = minicbor::encode(record, &mut bytes).map_err(|error| unreachable!("{error}"));
    let length = u32::try_from(bytes.len() - 8).unwrap_or(u32::MAX); // answers are limited to far less
    let sum = crc32fast::hash(&bytes[8..]);
    bytes[..4].copy_from_slice(&length.to_le_bytes());
    bytes[4..8].copy_from_slice(&sum.to_le_bytes());
    bytes
}

/// The next record; none at the end, or where one is torn. What is whole and does not read was written by a newer version.
fn next_record<'a>(rest: &mut &'a [u8]) -> io::Result<Option<Record<'a>>> {
    let Some(record) = next_whole(rest) else { return Ok(None) };
    let newer =
        |error| io::Error::new(io::ErrorKind::InvalidData, format!("a record that this version does not know: {error}"));
    minicbor::decode(record).map(Some).map_err(newer)
}

fn next_whole<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, after) = rest.split_first_chunk::<4>()?;
    let (sum, after) = after.split_first_chunk::<4>()?;
    let (record, after) = after.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
    if crc32fast::hash(record) != u32::from_le_bytes(*sum) {
        return None;
    }
    *rest = after;
    Some(record)
}

/// The file with nothing in it but what is of use, in the place of the one before.
fn write_anew(path: &Path, sessions: &HashMap<SessionKey, Calls>) -> io::Result<(File, u64)> {
    let mut bytes = Vec::new();
    for (&session, calls) in sessions {
        bytes.extend(framed(&Record::Opened { session }));
        for (&call, entry) in calls {
            bytes.extend(framed(&match entry {
                Entry::Begun(api) => Record::Begun { session, call, api },
                Entry::Done(answer) => Record::Done { session, call, answer },
            }));
        }
    }
    let draft = path.with_extension("draft");
    let mut file = File::options().create(true).append(true).truncate(false).mode(0o600).open(&draft)?;
    file.set_len(0)?; // what a crash left
    file.write_all(&bytes)?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()?;
    Ok((file, bytes.len() as u64))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that unwraps wrongly fails, as it should")]
mod tests {
    use super::*;

    const ONE: SessionKey = SessionKey::test(1);
    const TWO: SessionKey = SessionKey::test(2);

    fn done(answer: &[u8]) -> Entry {
        Entry::Done(answer.into())
    }

    #[tokio::test]
    async fn what_was_begun_and_done_is_known_to_the_next_life() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let journal = Journal::open(&path).unwrap();
        journal.opened(ONE).unwrap();
        journal.opened(TWO).unwrap();
        journal.begun(ONE, &[(1, "login"), (2, "startHCE"), (3, "stopHCE")]).await.unwrap();
        journal.done(ONE, 2, b"ok").unwrap();
        journal.settled(ONE, vec![3]).unwrap();
        journal.closed(TWO).unwrap();
        drop(journal);
        let journal = Journal::open(&path).unwrap();
        assert_eq!(journal.recall(ONE).unwrap(), [(1, Entry::Begun("login".into())), (2, done(b"ok"))].into());
        assert_eq!(journal.recall(TWO), None);
        assert_eq!(journal.sessions(), [ONE]);
    }

    #[tokio::test]
    async fn a_torn_or_damaged_record_ends_the_list_and_harms_nothing_before_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let journal = Journal::open(&path).unwrap();
        journal.begun(ONE, &[(1, "login")]).await.unwrap();
        let first = fs::metadata(&path).unwrap().len();
        journal.done(ONE, 1, &[7; 100]).unwrap();
        drop(journal);
        let whole = fs::read(&path).unwrap();
        let begun: Calls = [(1, Entry::Begun("login".into()))].into();
        for length in usize::try_from(first).unwrap()..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            assert_eq!(Journal::open(&path).unwrap().recall(ONE).unwrap(), begun, "cut at {length}");
        }
        let mut damaged = whole.clone();
        *damaged.last_mut().unwrap() ^= 1;
        fs::write(&path, &damaged).unwrap();
        let journal = Journal::open(&path).unwrap();
        assert_eq!(journal.recall(ONE).unwrap(), begun);
        journal.done(ONE, 1, b"later").unwrap();
        drop(journal);
        assert_eq!(Journal::open(&path).unwrap().recall(ONE).unwrap(), [(1, done(b"later"))].into(), "after the damage");
    }

    #[tokio::test]
    async fn history_is_thrown_away() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let journal = Journal::open(&path).unwrap();
        for call in 0..500 {
            journal.begun(ONE, &[(call, "login")]).await.unwrap();
            journal.done(ONE, call, &[0; 5000]).unwrap();
            journal.settled(ONE, vec![call]).unwrap();
        }
        assert!(fs::metadata(&path).unwrap().len() < 2 * LONG);
        assert_eq!(journal.lock().held, 0);
        drop(journal);
        assert_eq!(Journal::open(&path).unwrap().recall(ONE).unwrap(), Calls::new());
    }

    #[tokio::test]
    async fn a_record_that_could_not_be_written_whole_hides_nothing_after_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let journal = Journal::open(&path).unwrap();
        journal.begun(ONE, &[(1, "login")]).await.unwrap();
        // A disk that takes nothing any more, and then does again.
        let whole = std::mem::replace(&mut journal.lock().file, Arc::new(File::open(&path).unwrap()));
        journal.begun(ONE, &[(2, "login")]).await.unwrap_err();
        assert_eq!(journal.recall(ONE).unwrap().len(), 1, "what is not in the file is not known");
        journal.lock().file = whole;
        journal.begun(ONE, &[(3, "login")]).await.unwrap();
        drop(journal);
        let known: Vec<u64> = Journal::open(&path).unwrap().recall(ONE).unwrap().into_keys().collect();
        assert_eq!(known, [1, 3]);
    }

    #[test]
    fn one_agent_has_one_journal_and_a_newer_ones_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let journal = Journal::open(&path).unwrap();
        assert!(Journal::open(&path).unwrap_err().to_string().contains("another agent"));
        drop(journal);
        let record = [0x82, 0x18, 0x63, 0x80];
        let mut bytes = u32::try_from(record.len()).unwrap().to_le_bytes().to_vec();
        bytes.extend(crc32fast::hash(&record).to_le_bytes());
        bytes.extend(record);
        fs::write(&path, &bytes).unwrap();
        assert!(Journal::open(&path).unwrap_err().to_string().contains("this version does not know"));
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }

    #[tokio::test]
    async fn more_than_it_may_hold_makes_it_full_until_some_is_settled() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("journal")).unwrap();
        journal.done(ONE, 1, &vec![0; MOST / 2]).unwrap();
        assert!(!journal.is_full());
        journal.done(ONE, 2, &vec![0; MOST / 2]).unwrap();
        assert!(journal.is_full());
        journal.settled(ONE, vec![1]).unwrap();
        assert!(!journal.is_full());
    }
}
