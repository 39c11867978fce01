//! `wx agent`: a device and a host, each in a home of its own.

mod link;
mod pairing;

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

use tempfile::TempDir;

use crate::{Run, Wx, wx};

/// The program, as a shell or an address names it.
const WX: &str = env!("CARGO_BIN_EXE_wx");

/// One end, by its home.
struct Home(TempDir);

/// An agent that runs.
struct Agent {
    child: Child,
    /// What it says on standard error, line by line.
    said: Receiver<String>,
    address: String,
}

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn wx(&self, args: &[&str]) -> Wx {
        wx(args).env("HOME", self.path().to_str().unwrap())
    }

    fn run(&self, args: &[&str]) -> Run {
        self.wx(args).run()
    }

    /// Runs one of the examples, with these words before its name and after it.
    fn example(&self, before: &[&str], name: &str, after: &[&str]) -> Run {
        let path = format!("{}/examples/{name}.js", env!("CARGO_MANIFEST_DIR"));
        self.run(&[&["run"], before, &[&path], after].concat())
    }

    /// Starts an agent that listens there, and waits until it does.
    fn serve(&self, listen: &str, args: &[&str]) -> Agent {
        let mut wx = self.wx(&[&["agent", "serve", "--name", "kiosk", "--listen", listen], args].concat());
        let mut child = wx.command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (say, said) = mpsc::channel();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| say.send(line)));
        let mut agent = Agent { child, said, address: String::new() };
        let line = agent.says("wx: listening on ");
        agent.address.push_str(line.trim_start_matches("wx: listening on "));
        agent
    }

    /// An invitation to the agent here, or to this address.
    fn invites(&self, address: &[&str]) -> String {
        let run = self.run(&[&["agent", "pair"], address].concat()).exits(0);
        assert!(run.stderr.contains("within 10 minutes"), "{}", run.stderr);
        run.stdout.trim_end().to_owned()
    }

    fn joins(&self, invitation: &str, args: &[&str]) -> Run {
        self.wx(&[&["agent", "join", "--name", "laptop", "@-"], args].concat()).input(&format!("{invitation}\n")).run()
    }
}

impl Agent {
    /// The next line with this in it.
    fn says(&self, text: &str) -> String {
        let mut passed = Vec::new();
        loop {
            match self.said.recv_timeout(Duration::from_secs(60)) {
                Ok(line) if line.contains(text) => return line,
                Ok(line) => passed.push(line),
                Err(error) => panic!("{error}: it did not say `{text}`, but {passed:?}"),
            }
        }
    }

    /// Ends it by this signal, and answers its exit code and what else it said.
    fn stop(mut self, signal: &str) -> (Option<i32>, String) {
        self::signal(&self.child, signal);
        let said = self.said.iter().map(|line| line + "\n").collect();
        (self.child.wait().unwrap().code(), said)
    }
}

fn signal(child: &Child, signal: &str) {
    let status = Command::new("sh").args(["-c", &format!("kill -{signal} {}", child.id())]).status().unwrap();
    assert!(status.success());
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended by itself
        let _ = self.child.wait();
    }
}

/// A device whose agent listens there, and a host that is paired with it.
fn paired(listen: &str, args: &[&str]) -> (Home, Agent, Home) {
    let (device, host) = (Home::new(), Home::new());
    let agent = device.serve(listen, args);
    let joined = host.joins(&device.invites(&[]), &[]).exits(0);
    assert!(joined.stderr.contains("paired with kiosk") && joined.stderr.contains(&agent.address), "{}", joined.stderr);
    (device, agent, host)
}
