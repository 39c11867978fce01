//! What passed between a reader and the mini-programs, and why.

mod replay;

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use wx_rules::apdu::selection;

pub use self::replay::Difference;
pub(super) use self::replay::outcome;

/// A record of every command and response, each with the decision about it: why a tap was silent.
///
/// Commands and responses may be personal, so nothing is kept unless a host asks for it. It reads as text
/// ([`Display`](fmt::Display)), goes to a file as [JSON lines](Trace::to_json_lines), and [replays](Trace::replay) as a test.
///
/// ```
/// use wx_desktop::hce::Trace;
///
/// let tap = r#"{"at":0,"what":"started","app":"wallet","aids":["F222222222"],"taken":true}
/// {"at":1200345,"what":"command","data":"00A4040005F333333333","routed":{"answer":"6A82"}}"#;
/// let trace = Trace::from_json_lines(tap)?;
/// assert_eq!(
///     trace.to_string().lines().nth(1),
///     Some("     1.200 345  reader  > 00A4040005F333333333  answered 6A82: nobody has registered F333333333")
/// );
/// assert_eq!(trace.replay(), Ok(()));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Trace(Arc<Mutex<Kept>>);

#[derive(Debug)]
struct Kept {
    since: Instant,
    most: usize,
    entries: VecDeque<Entry>,
    lost: u64,
}

/// One line of a [`Trace`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Microseconds since the trace began.
    pub at: u64,
    /// What happened.
    #[serde(flatten)]
    pub what: What,
}

/// What happened between a reader and the mini-programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "camelCase")]
#[non_exhaustive]
pub enum What {
    /// A mini-program asked for these AIDs.
    Started {
        /// Who.
        app: String,
        /// Which.
        aids: Vec<String>,
        /// Whether it has them now; else another holds one of them.
        taken: bool,
    },
    /// A mini-program gave its AIDs back.
    Stopped {
        /// Who.
        app: String,
        /// What a reader got that waited for this one.
        answer: Option<Hex>,
    },
    /// A card came into the reader.
    Inserted,
    /// The reader sent a command.
    Command {
        /// Its bytes.
        data: Hex,
        /// Where it went.
        routed: Routed,
    },
    /// A mini-program responded.
    Response {
        /// Who.
        app: String,
        /// Its bytes.
        data: Hex,
        /// What became of it.
        outcome: Outcome,
        /// Microseconds since the command, if it went to the reader.
        after: Option<u64>,
    },
    /// The field was lost.
    Lost {
        /// Why.
        why: Lost,
        /// The mini-program that was told so: the one that was selected.
        told: Option<String>,
    },
}

/// Where a command went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Routed {
    /// The system answered it by itself.
    Answer(Hex),
    /// To a mini-program; another one's selection may have ended with it.
    To {
        /// Who has it.
        app: String,
        /// Who was told of a departure.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deselected: Option<String>,
    },
    /// It waits: the command before it is not answered yet.
    Wait,
}

/// What became of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// The reader has it.
    Sent,
    /// It was illegal, and the mini-program told so.
    Illegal,
    /// It was dropped: its mini-program is not selected, or the reader is gone.
    NotSelected,
    /// It was dropped: the command was answered before.
    NothingOutstanding,
    /// It was refused: the mini-program has not started.
    NotStarted,
}

/// Why a field was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Lost {
    /// The reader took the card's power away, or reset it.
    PowerOff,
    /// The reader let the card go, or ended.
    ReaderGone,
    /// No mini-program plays a card any more.
    NobodyLeft,
    /// The mini-program had not answered for as long as a reader can be made to wait.
    Unanswered,
    /// The user switched it off.
    SwitchedOff,
}

impl Trace {
    /// A trace that keeps the last so many entries.
    pub fn keeping(most: usize) -> Self {
        Self(Arc::new(Mutex::new(Kept { since: Instant::now(), most, entries: VecDeque::new(), lost: 0 })))
    }

    /// What was kept, oldest first.
    pub fn entries(&self) -> Vec<Entry> {
        self.lock().entries.iter().cloned().collect()
    }

    /// How many entries had to go, because there were more than it keeps.
    pub fn lost(&self) -> u64 {
        self.lock().lost
    }

    /// One JSON object a line.
    ///
    /// # Errors
    ///
    /// None that is known: every entry can be written.
    pub fn to_json_lines(&self) -> serde_json::Result<String> {
        self.entries().iter().map(|entry| Ok(serde_json::to_string(entry)? + "\n")).collect()
    }

    /// Reads what [`to_json_lines`](Self::to_json_lines) wrote.
    ///
    /// # Errors
    ///
    /// A line that is no entry.
    pub fn from_json_lines(text: &str) -> serde_json::Result<Self> {
        let entries: VecDeque<_> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
        Ok(Self(Arc::new(Mutex::new(Kept { since: Instant::now(), most: entries.len(), entries, lost: 0 }))))
    }

    /// Plays everything that came from outside to the rules once more: they must decide as they did.
    ///
    /// # Errors
    ///
    /// The first entry that is decided otherwise now.
    pub fn replay(&self) -> Result<(), Difference> {
        replay::replay(&self.entries())
    }

    pub(super) fn add(&self, what: What) {
        let mut kept = self.lock();
        let at = micros(kept.since.elapsed());
        if kept.entries.len() >= kept.most {
            kept.entries.pop_front();
            kept.lost += 1;
        }
        kept.entries.push_back(Entry { at, what });
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner) // nothing panics under the lock
    }
}

pub(super) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = self.lock();
        if kept.lost > 0 {
            writeln!(f, "{} entries before these were not kept", kept.lost)?;
        }
        kept.entries.iter().try_for_each(|entry| writeln!(f, "{entry}"))
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>6}.{:03} {:03}  {}", self.at / 1_000_000, self.at / 1000 % 1000, self.at % 1000, self.what)
    }
}

/// What a terminal allows for the answer to a command unless it is asked for more time: a frame waiting time of FWI 7.
const TERMINAL: u64 = 38_700;

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started { app, aids, taken: true } => write!(f, "{app}  has registered {}", aids.join(" ")),
            Self::Started { app, aids, taken: false } => {
                write!(f, "{app}  may not register {}: another holds one of them", aids.join(" "))
            }
            Self::Stopped { app, answer: None } => write!(f, "{app}  has given its AIDs back"),
            Self::Stopped { app, answer: Some(answer) } => {
                write!(f, "{app}  has given its AIDs back; the reader waited for it and got {answer}")
            }
            Self::Inserted => write!(f, "the card is in the reader"),
            Self::Command { data, routed: Routed::Answer(answer) } => {
                write!(f, "reader  > {data}  answered {answer}: {}", why(&data.0, &answer.0))
            }
            Self::Command { data, routed: Routed::To { app, deselected } } => {
                write!(f, "reader  > {data}  to {app}")?;
                deselected.as_ref().map_or(Ok(()), |other| write!(f, ", which deselects {other}"))
            }
            Self::Command { data, routed: Routed::Wait } => write!(f, "reader  > {data}  waits for the answer before it"),
            Self::Response { app, data, outcome, after } => {
                write!(f, "{app}  < {data}  {}", outcome.told())?;
                match after {
                    Some(after) if *after > TERMINAL => {
                        write!(f, " after {} ms: a terminal may have gone, many wait 38.7 ms", after / 1000)
                    }
                    Some(after) => write!(f, " after {after} µs"),
                    None => Ok(()),
                }
            }
            Self::Lost { why, told } => {
                write!(f, "field lost: {}; ", why.told())?;
                match told {
                    Some(app) => write!(f, "{app} was told"),
                    None => write!(f, "nobody had been selected"),
                }
            }
        }
    }
}

/// Why the system answered this command by itself.
fn why(command: &[u8], answer: &[u8]) -> String {
    match (selection(command), answer) {
        (Ok(aid), wx_rules::hce::NOT_FOUND) => format!("nobody has registered {}", Hex(aid.to_vec())),
        (Ok(_), _) => "the ping of the system".to_owned(),
        (Err(no), _) => format!("nothing is selected, and this selects nothing ({no})"),
    }
}

impl Outcome {
    const fn told(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Illegal => "refused: no legal response, and the reader still waits",
            Self::NotSelected => "dropped: it is not selected",
            Self::NothingOutstanding => "dropped: the command was answered before",
            Self::NotStarted => "refused: it has not started",
        }
    }
}

impl Lost {
    const fn told(self) -> &'static str {
        match self {
            Self::PowerOff => "the reader took the power away",
            Self::ReaderGone => "the reader is gone",
            Self::NobodyLeft => "nobody plays a card any more",
            Self::Unanswered => "the command was not answered in time",
            Self::SwitchedOff => "switched off by the user",
        }
    }
}

/// Bytes that read and write as hex digits.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hex(pub Vec<u8>);

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

impl fmt::Debug for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl From<Hex> for String {
    fn from(bytes: Hex) -> Self {
        bytes.to_string()
    }
}

impl TryFrom<String> for Hex {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let digits: Option<Vec<u8>> = text.bytes().map(digit).collect();
        let digits = digits.ok_or("not hex digits only")?;
        let (pairs, rest) = digits.as_chunks::<2>();
        if rest.is_empty() {
            Ok(Self(pairs.iter().map(|[high, low]| (high << 4) | low).collect()))
        } else {
            Err("an odd number of hex digits")
        }
    }
}
