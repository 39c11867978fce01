use std::{
    collections::VecDeque,
    fmt::Write as _,
    io::{self, BufRead, BufReader, Read, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use tokio::sync::oneshot;

pub(crate) const PYTHON: &str = "/usr/bin/python3";
const PROGRAM: &str = include_str!("terminal.py");

/// A program with a card reader, as shops have: pyscard on the stack it was started on. It does one thing after the other.
///
/// What it does answers `None` once the program or its stack has ended.
#[derive(Debug)]
pub struct Terminal {
    program: Mutex<Child>,
    requests: Mutex<Requests>,
}

/// What the program was asked and has not answered yet.
#[derive(Debug)]
struct Requests {
    to: ChildStdin,
    waiting: Arc<Mutex<Option<VecDeque<oneshot::Sender<String>>>>>,
}

impl Terminal {
    pub(crate) fn start(mut program: Command, reader: &str) -> io::Result<Self> {
        program.args(["-c", PROGRAM, reader]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut program = program.spawn()?;
        let (Some(to), Some(from), Some(mut errors)) = (program.stdin.take(), program.stdout.take(), program.stderr.take())
        else {
            return Err(io::Error::other("the terminal has no pipes"));
        };
        let (mut from, mut first) = (BufReader::new(from), String::new());
        from.read_line(&mut first)?;
        if first.trim() != "ready" {
            let mut why = String::new();
            errors.read_to_string(&mut why)?;
            let _ = program.wait();
            return Err(io::Error::other(format!("the terminal did not start: {}", why.trim())));
        }
        let waiting = Arc::new(Mutex::new(Some(VecDeque::new())));
        let answers = waiting.clone();
        thread::spawn(move || hand_out(from, &answers));
        Ok(Self { program: Mutex::new(program), requests: Mutex::new(Requests { to, waiting }) })
    }

    /// Sends a command, at once, and waits for its response, as long as it takes. `None` too, when there is no card or it went away.
    ///
    /// Dropping the future gives the response up, not the command.
    pub fn transmit(&self, command: &[u8]) -> impl Future<Output = Option<Vec<u8>>> + Send + use<> {
        let mut line = "send ".to_owned();
        for byte in command {
            let _ = write!(line, "{byte:02x}");
        }
        let answer = self.ask(&line);
        async { bytes(&answer.await?) }
    }

    /// Waits until there is a card.
    pub async fn present(&self) -> Option<()> {
        self.ask("present").await.map(drop)
    }

    /// Waits until there is none.
    pub async fn absent(&self) -> Option<()> {
        self.ask("absent").await.map(drop)
    }

    /// Takes the card's power away.
    pub async fn unpower(&self) -> Option<()> {
        self.ask("unpower").await.map(drop)
    }

    /// Resets the card.
    pub async fn reset(&self) -> Option<()> {
        self.ask("reset").await.map(drop)
    }

    /// How long a round trip of a command takes in the middle of so many, in nanoseconds, by the program's own watch: through the C
    /// library as any program has it, and through pyscard. It must have the card: send something before.
    pub async fn time(&self, rounds: u32, command: &[u8]) -> Option<(u64, u64)> {
        let hex: String = command.iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        let taken = bytes(&self.ask(&format!("time {rounds} {hex}")).await?)?;
        let number = |at: usize| Some(u64::from_be_bytes(taken.get(at..at + 8)?.try_into().ok()?));
        Some((number(0)?, number(8)?))
    }

    /// Asks at once, so that requests are in the order of the calls, and answers when the program does.
    fn ask(&self, line: &str) -> impl Future<Output = Option<String>> + Send + use<> {
        let (answer, waiting) = oneshot::channel();
        let mut requests = lock(&self.requests);
        if let Some(queue) = &mut *lock(&requests.waiting) {
            queue.push_back(answer);
        }
        let _ = writeln!(requests.to, "{line}"); // a program that has ended answers nothing either
        async { waiting.await.ok() }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let mut program = lock(&self.program);
        let _ = program.kill(); // it may have ended by itself
        let _ = program.wait();
    }
}

/// Gives each line to whoever asked for it, and nothing to everybody once there are no more.
fn hand_out(from: BufReader<ChildStdout>, waiting: &Mutex<Option<VecDeque<oneshot::Sender<String>>>>) {
    for line in from.lines().map_while(Result::ok) {
        if let Some(answer) = lock(waiting).as_mut().and_then(VecDeque::pop_front) {
            let _ = answer.send(line); // or nobody wants to know any more
        }
    }
    lock(waiting).take();
}

fn bytes(line: &str) -> Option<Vec<u8>> {
    let hex = line.strip_prefix("got ")?;
    let byte = |at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
    (0..hex.len()).step_by(2).map(byte).collect()
}

fn lock<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner) // nothing panics under these locks
}
