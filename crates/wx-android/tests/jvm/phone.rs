//! A Java program with an agent in it, and a host that was paired with it.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    process::{Child, ChildStdin, Command},
    sync::mpsc::{Receiver, channel},
    task::JoinHandle,
};
use wx_device::{Device, Invitation, KeyRing};
use wx_host::TokioClock;

pub(crate) const ALL: &str = "login checkSession startHCE onHCEMessage";

pub(crate) struct Phone {
    child: Child,
    input: ChildStdin,
    replies: Receiver<String>,
    events: Receiver<String>,
    /// What the virtual machine itself says.
    noise: JoinHandle<String>,
    pub(crate) folder: TempDir,
}

impl Phone {
    /// A Java program that checks every call between Java and Rust. No agent runs in it yet.
    pub(crate) async fn switch_on() -> Self {
        let folder = tempfile::tempdir().unwrap();
        compile(folder.path()).await;
        let library = env::current_exe().unwrap().parent().unwrap().display().to_string();
        let mut java = Command::new("java");
        java.args(["-Xcheck:jni", &format!("-Djava.library.path={library}"), "-cp"]).arg(folder.path()).arg("Phone");
        let mut child =
            java.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let input = child.stdin.take().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut err = child.stderr.take().unwrap();
        let (to_replies, replies) = channel(64);
        let (to_events, events) = channel(64);
        let noise = tokio::spawn(async move {
            let mut noise = String::new();
            while let Some(line) = out.next_line().await.unwrap() {
                if let Some(reply) = line.strip_prefix("= ") {
                    to_replies.send(reply.to_owned()).await.unwrap();
                } else if let Some(event) = line.strip_prefix("! ") {
                    to_events.send(event.to_owned()).await.unwrap();
                } else {
                    noise.push_str(&line);
                    noise.push('\n');
                }
            }
            err.read_to_string(&mut noise).await.unwrap();
            noise
        });
        Self { child, input, replies, events, noise, folder }
    }

    /// The same, with an agent.
    pub(crate) async fn start() -> Self {
        let mut phone = Self::switch_on().await;
        let link = phone.link();
        let address = phone.tell(&["start", ALL, &link, "tcp://127.0.0.1:0"]).await;
        assert!(address.starts_with("tcp://127.0.0.1:"), "{address}");
        phone
    }

    /// The agent's folder.
    pub(crate) fn link(&self) -> String {
        self.folder.path().join("link").display().to_string()
    }

    /// Tells the program something; what it says to that.
    pub(crate) async fn tell(&mut self, words: &[&str]) -> String {
        self.input.write_all(format!("{}\n", words.join("\t")).as_bytes()).await.unwrap();
        self.replies.recv().await.expect("the program ended")
    }

    /// What next happens in a call.
    pub(crate) async fn event(&mut self) -> String {
        self.events.recv().await.expect("the program ended")
    }

    /// A host that was paired just now.
    pub(crate) async fn paired(&mut self) -> Arc<KeyRing> {
        let address = self.tell(&["address"]).await;
        let invitation: Invitation = self.tell(&["pair", &address, "60"]).await.parse().unwrap();
        let keys = Arc::new(KeyRing::open(self.folder.path().join("host")).unwrap());
        assert_eq!(invitation.accept(&keys, "a host").await.unwrap(), "phone");
        keys
    }

    pub(crate) async fn connect(&mut self, keys: &Arc<KeyRing>) -> Result<Device, wx_device::LinkError> {
        let address = self.tell(&["address"]).await.parse().unwrap();
        let soon = Duration::from_secs(1);
        Device::builder(address, keys.clone(), Arc::new(TokioClock)).patience(soon).give_up(soon).connect().await
    }

    /// A host that was paired, with a link.
    pub(crate) async fn device(&mut self) -> Device {
        let keys = self.paired().await;
        self.connect(&keys).await.unwrap()
    }

    /// How many references from Rust the virtual machine counts.
    pub(crate) async fn references(&self) -> u32 {
        let pid = self.child.id().unwrap().to_string();
        let dump = Command::new("jcmd").args([&pid, "Thread.print"]).output().await.unwrap();
        let dump = String::from_utf8(dump.stdout).unwrap();
        let count = dump.split("JNI global refs: ").nth(1).and_then(|rest| rest.split(',').next());
        count.unwrap_or_else(|| panic!("no count in {dump}")).trim().parse().unwrap()
    }

    /// The program ends by itself, whatever threads an agent has, and the checks found nothing.
    pub(crate) async fn end(mut self) {
        drop(self.input);
        let status = self.child.wait().await.unwrap();
        let noise = self.noise.await.unwrap();
        assert!(status.success() && noise.is_empty(), "{status}: {noise}");
    }
}

async fn compile(into: &Path) {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = vec![own.join("tests/jvm/java/Phone.java")];
    sources.extend(fs::read_dir(own.join("java/wx/device")).unwrap().map(|entry| entry.unwrap().path()));
    let sources: Vec<PathBuf> = sources.into_iter().filter(|path| path.extension().is_some_and(|of| of == "java")).collect();
    // The language that Android's tools take everywhere.
    let mut javac = Command::new("javac");
    javac.args(["-Xlint:all,-options", "-Werror", "--release", "8", "-d"]).arg(into).args(&sources);
    let compiled = javac.output().await.unwrap();
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
}
