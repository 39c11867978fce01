//! A number for each signature, which never comes back.

use std::{fmt, path::Path};

use super::{
    StoreError,
    folder::{Folder, Locked},
};

/// Counts a key's signatures. Its method may block: it is called where that is fine.
pub trait MonotonicCounter: Send + Sync + fmt::Debug {
    /// The next number: above every one before, whoever got it and whatever became of it. It is durable when this returns.
    ///
    /// # Errors
    ///
    /// There is none to be had; nothing may be signed then.
    fn next(&self) -> Result<u64, StoreError>;
}

/// A counter in a file, for any number of processes of one user.
///
/// A process that is killed loses a number at most. What a file cannot tell is that somebody put back an older copy of the whole folder:
/// that takes a counter in hardware, or the server, which refuses a number that does not rise.
///
/// ```
/// use wx_desktop::soter::{FileCounter, MonotonicCounter};
///
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path();
/// let (one, other) = (FileCounter::open(folder)?, FileCounter::open(folder)?);
/// assert_eq!([one.next()?, other.next()?, one.next()?], [1, 2, 3]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct FileCounter(Folder);

const NAME: &str = "counter";

impl FileCounter {
    /// The counter in this folder. In an empty one it begins; in one with a key but without a counter the counter was lost, and to begin
    /// it anew would be to repeat it.
    ///
    /// # Errors
    ///
    /// [`StoreError::Damaged`] if it was lost or is no number; [`StoreError::Io`].
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, StoreError> {
        let folder = Folder::open(folder.as_ref())?;
        let locked = folder.lock()?;
        if locked.is_empty()? {
            locked.write(NAME, "0\n")?;
        } else {
            read(&locked)?;
        }
        drop(locked);
        Ok(Self(folder))
    }
}

impl MonotonicCounter for FileCounter {
    fn next(&self) -> Result<u64, StoreError> {
        let locked = self.0.lock()?;
        let next = read(&locked)?.checked_add(1).ok_or_else(|| damaged(&locked, "it has come to its end"))?;
        locked.write(NAME, &format!("{next}\n"))?;
        Ok(next)
    }
}

fn read(locked: &Locked<'_>) -> Result<u64, StoreError> {
    let text = locked.read(NAME)?.ok_or_else(|| damaged(locked, "it is gone, although there is a key: remove that too"))?;
    text.strip_suffix('\n').and_then(|number| number.parse().ok()).ok_or_else(|| damaged(locked, "it is no number"))
}

fn damaged(locked: &Locked<'_>, problem: &'static str) -> StoreError {
    StoreError::Damaged { path: locked.path(NAME), problem }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

    use std::{collections::BTreeSet, fs, thread};

    use super::*;

    #[test]
    fn no_two_processes_get_one_number() {
        let folder = tempfile::tempdir().unwrap();
        let count = || {
            let counter = FileCounter::open(&folder).unwrap();
            (0..50).map(|_| counter.next().unwrap()).collect::<Vec<_>>()
        };
        let counts = thread::scope(|scope| [0; 4].map(|_| scope.spawn(count)).map(|thread| thread.join().unwrap()));
        assert!(counts.iter().all(|counts| counts.is_sorted()));
        assert_eq!(counts.concat().into_iter().collect::<BTreeSet<_>>(), (1..=200).collect());
    }

    #[test]
    fn a_counter_that_is_gone_or_no_number_does_not_begin_anew() {
        let folder = tempfile::tempdir().unwrap();
        let counter = FileCounter::open(&folder).unwrap();
        fs::write(folder.path().join("key.pem"), "").unwrap();
        for damage in ["", "7", "-1\n", "7\n\n", "one\n", "18446744073709551616\n"] {
            fs::write(folder.path().join(NAME), damage).unwrap();
            assert!(matches!(counter.next(), Err(StoreError::Damaged { .. })), "{damage:?}");
            assert!(matches!(FileCounter::open(&folder), Err(StoreError::Damaged { .. })), "{damage:?}");
        }
        fs::remove_file(folder.path().join(NAME)).unwrap();
        let lost = FileCounter::open(&folder).unwrap_err().to_string();
        assert!(lost.contains("it is gone, although there is a key"), "{lost}");
        assert!(counter.next().is_err());
    }

    #[test]
    fn the_last_number_is_the_last() {
        let folder = tempfile::tempdir().unwrap();
        let counter = FileCounter::open(&folder).unwrap();
        fs::write(folder.path().join(NAME), format!("{}\n", u64::MAX - 1)).unwrap();
        assert_eq!(counter.next().unwrap(), u64::MAX);
        assert!(counter.next().unwrap_err().to_string().contains("come to its end"));
    }
}
