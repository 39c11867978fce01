//! The only bytes that anybody sees unencrypted: which versions, and what for. Both greetings go into the handshake, so whoever changes
//! one on its way breaks the handshake.

/// The versions this crate speaks.
pub(super) const VERSIONS: (u8, u8) = (1, 1);

/// How long each greeting is.
pub(super) const LENGTH: usize = 12;

const MAGIC: &[u8; 8] = b"wx-link\n";

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Calls, by ends that know one another.
    Link,
    /// Getting to know one another.
    Pair,
}

/// What the agent says to a greeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Go on, with this version.
    Version(u8),
    /// No version in common; these are the agent's.
    NoVersion(u8, u8),
    /// Too many connections.
    Busy,
    /// Nobody is expected to pair.
    NotPairing,
}

pub(super) fn host(versions: (u8, u8), purpose: Purpose) -> [u8; LENGTH] {
    let purpose = u8::from(purpose == Purpose::Pair);
    with_magic([versions.0, versions.1, purpose, 0])
}

/// What a host greets with: its versions, and what for.
pub(super) fn read_host(greeting: &[u8; LENGTH]) -> Option<((u8, u8), Purpose)> {
    let [least, most, purpose, _] = without_magic(greeting)?;
    let purpose = match purpose {
        0 => Purpose::Link,
        1 => Purpose::Pair,
        _ => return None,
    };
    Some(((least, most), purpose))
}

pub(super) fn agent(answer: Answer) -> [u8; LENGTH] {
    with_magic(match answer {
        Answer::Version(version) => [version, 0, 0, 0],
        Answer::NoVersion(least, most) => [0, 1, least, most],
        Answer::Busy => [0, 2, 0, 0],
        Answer::NotPairing => [0, 3, 0, 0],
    })
}

pub(super) fn read_agent(greeting: &[u8; LENGTH]) -> Option<Answer> {
    match without_magic(greeting)? {
        [0, 1, least, most] => Some(Answer::NoVersion(least, most)),
        [0, 2, ..] => Some(Answer::Busy),
        [0, 3, ..] => Some(Answer::NotPairing),
        [version, 0, ..] if version > 0 => Some(Answer::Version(version)),
        _ => None,
    }
}

/// The newest version that both ends speak.
pub(super) fn common((least, most): (u8, u8)) -> Option<u8> {
    let newest = most.min(VERSIONS.1);
    (newest >= least.max(VERSIONS.0)).then_some(newest)
}

fn with_magic(rest: [u8; 4]) -> [u8; LENGTH] {
    let mut greeting = [0; LENGTH];
    greeting[..8].copy_from_slice(MAGIC);
    greeting[8..].copy_from_slice(&rest);
    greeting
}

fn without_magic(greeting: &[u8; LENGTH]) -> Option<[u8; 4]> {
    greeting.strip_prefix(MAGIC)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greetings_read_as_they_were_written() {
        for purpose in [Purpose::Link, Purpose::Pair] {
            assert_eq!(read_host(&host((1, 7), purpose)), Some(((1, 7), purpose)));
        }
        for answer in [Answer::Version(1), Answer::NoVersion(3, 4), Answer::Busy, Answer::NotPairing] {
            assert_eq!(read_agent(&agent(answer)), Some(answer));
        }
        assert_eq!(read_host(b"GET / HTTP/1"), None);
        assert_eq!(read_agent(b"SSH-2.0-Open"), None);
    }

    #[test]
    fn the_newest_common_version_is_taken() {
        assert_eq!(common((1, 1)), Some(1));
        assert_eq!(common((1, 200)), Some(1));
        assert_eq!(common((2, 200)), None);
        assert_eq!(common((0, 0)), None);
    }
}
