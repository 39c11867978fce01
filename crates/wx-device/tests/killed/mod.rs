//! An agent in a process of its own, over a backend that writes down what it runs.

use std::{
    collections::HashMap,
    env,
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    net::TcpListener,
    process::{Child, Command},
};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{Layer, layer::Context, prelude::*};
use wx_api::{
    Api, ApiSet, Cx, Host, Result,
    login::{Login, LoginRequest, LoginResult},
};
use wx_device::{Address, Invitation, KeyRing, agent};
use wx_host::{TokioClock, Wx};

/// Where the other process keeps everything, where it listens, and at which step it kills itself.
const FOLDER: &str = "WX_TEST_FOLDER";
const ADDRESS: &str = "WX_TEST_ADDRESS";
const STEP: &str = "WX_TEST_STEP";

/// How often each call ran, by its number.
pub(crate) type Ran = HashMap<u32, usize>;

/// Where an agent runs: under what command, at which address.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) under: Vec<String>,
    pub(crate) address: String,
}

impl Place {
    pub(crate) fn here() -> Self {
        Self { under: Vec::new(), address: "127.0.0.1".to_owned() }
    }
}

pub(crate) struct Agent {
    folder: TempDir,
    keys: Arc<KeyRing>,
    place: Place,
    port: u16,
    child: Child,
    said: BufReader<tokio::process::ChildStdout>,
}

impl Agent {
    /// A first life, paired with a host.
    pub(crate) async fn start(step: Option<&str>) -> Self {
        let (agent, invitation) = Self::start_at(Place::here(), step).await;
        invitation.accept(&agent.keys, "a test").await.unwrap();
        agent
    }

    /// A first life, and an invitation to pair with it.
    pub(crate) async fn start_at(place: Place, step: Option<&str>) -> (Self, Invitation) {
        let folder = tempfile::tempdir().unwrap();
        let agents = KeyRing::open(folder.path().join("agent")).unwrap();
        let secret = agents.offer(Duration::from_secs(60)).unwrap();
        let (child, said, port) = live(folder.path(), &place, 0, step).await;
        let keys = Arc::new(KeyRing::open(folder.path().join("host")).unwrap());
        let agent = Self { folder, keys, place, port, child, said };
        let invitation = Invitation::new(agent.address(), secret);
        (agent, invitation)
    }

    pub(crate) fn address(&self) -> Address {
        Address::Tcp(format!("{}:{}", self.place.address, self.port))
    }

    pub(crate) fn host_keys(&self) -> Arc<KeyRing> {
        self.keys.clone()
    }

    pub(crate) async fn wait_until_dead(&mut self) {
        let status = self.child.wait().await.unwrap();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9), "{status}");
    }

    pub(crate) async fn kill(&mut self) {
        self.child.start_kill().unwrap();
        self.wait_until_dead().await;
    }

    /// The next life.
    pub(crate) async fn restart(&mut self, step: Option<&str>) {
        let (child, said, _) = live(self.folder.path(), &self.place, self.port, step).await;
        (self.child, self.said) = (child, said);
    }

    /// Waits until this life has run so many calls.
    pub(crate) async fn wait_for_runs(&mut self, count: usize) {
        let mut line = String::new();
        for _ in 0..count {
            line.clear();
            self.said.read_line(&mut line).await.unwrap();
        }
    }

    /// What all lives ran.
    pub(crate) fn ran(&self) -> Ran {
        let mut ran = Ran::new();
        for line in fs::read_to_string(self.folder.path().join("ran")).unwrap_or_default().lines() {
            *ran.entry(line.parse().unwrap()).or_default() += 1;
        }
        ran
    }
}

async fn live(
    folder: &Path,
    place: &Place,
    port: u16,
    step: Option<&str>,
) -> (Child, BufReader<tokio::process::ChildStdout>, u16) {
    let this = env::current_exe().unwrap();
    let mut words = place.under.iter().map(std::ffi::OsStr::new).chain([this.as_os_str()]);
    let mut command = Command::new(words.next().unwrap());
    command.args(words).env(FOLDER, folder).env(STEP, step.unwrap_or_default());
    command.env(ADDRESS, format!("{}:{port}", place.address));
    let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).await.unwrap();
    (child, said, line.trim().parse().unwrap())
}

/// In the process of the agent, serves until it is killed.
pub(crate) fn serve_if_asked() {
    let Some(folder) = env::var_os(FOLDER).map(PathBuf::from) else { return };
    let step = env::var(STEP).unwrap();
    if !step.is_empty() {
        tracing_subscriber::registry().with(DieAt(step)).init();
    }
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let ran = File::options().create(true).append(true).open(folder.join("ran")).unwrap();
        let host = Host { login: Some(Arc::new(Writes(ran))), ..Host::default() };
        let keys = Arc::new(KeyRing::open(folder.join("agent")).unwrap());
        let agent = agent::Agent::builder(Wx::builder(host).build(), keys, Arc::new(TokioClock));
        let agent = agent.start(folder.join("journal")).unwrap();
        let listener = TcpListener::bind(env::var(ADDRESS).unwrap()).await.unwrap();
        println!("{}", listener.local_addr().unwrap().port());
        agent.serve_tcp(listener).await.unwrap();
    });
}

/// Writes down each call it runs, by the number that came as its time-out.
struct Writes(File);

#[async_trait]
impl Login for Writes {
    fn supported(&self) -> ApiSet {
        Api::Login.into()
    }

    async fn login(&self, _: &Cx, req: LoginRequest) -> Result<LoginResult> {
        let number = req.timeout.unwrap_or_default();
        (&self.0).write_all(format!("{number}\n").as_bytes()).unwrap(); // at once: a kill must not leave half a line
        let _ = writeln!(std::io::stdout(), "ran {number}"); // the parent counts; it may not listen
        Ok(LoginResult { code: format!("code {number}") })
    }
}

/// Kills the process when a call has come to this step.
struct DieAt(String);

impl<S: Subscriber> Layer<S> for DieAt {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        struct Is<'a>(&'a str, bool);
        impl Visit for Is<'_> {
            fn record_str(&mut self, field: &Field, value: &str) {
                self.1 |= field.name() == "step" && value == self.0;
            }
            fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
        }
        let mut is = Is(&self.0, false);
        if event.metadata().target() == "wx_device::journal" {
            event.record(&mut is);
        }
        if is.1 {
            std::process::Command::new("kill").args(["-9", &std::process::id().to_string()]).status().unwrap();
            loop {
                std::thread::park(); // the signal is on its way
            }
        }
    }
}
