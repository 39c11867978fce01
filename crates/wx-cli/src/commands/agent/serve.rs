//! `wx agent serve`.

use std::{
    fs,
    io::{self, ErrorKind, IsTerminal as _},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use clap::Args;
use tokio::net::{TcpListener, UnixListener};
use wx_device::{Address, KeyRing, LinkError, agent::Agent};

use super::{folder, machine_name, running::Running};
use crate::{
    backend::Backend,
    commands::{block_on, serving::log},
    device::{Device, DeviceOptions},
    failure::Failure,
    terminal,
};

/// Serves a backend of this machine to the hosts that were paired with it, until it is interrupted.
#[derive(Debug, Args)]
#[command(
    after_help = "What users are asked, they are asked here: --grant and --deny decide ahead, as does the world file of the mock. Time in \
    the mock's world passes as it does outside.\n\nExamples:\n  \
    wx agent serve --listen tcp://127.0.0.1:7411\n  \
    wx agent serve --backend desktop --listen unix:///run/user/1000/wx.sock -v\n  \
    ssh kiosk wx agent serve --backend desktop --stdio    # what a host starts by exec://ssh kiosk ..."
)]
pub(super) struct Options {
    #[command(flatten)]
    device: DeviceOptions,
    /// Where to listen: `tcp://HOST:PORT`, where port 0 takes any that is free, or `unix:///PATH`.
    #[arg(long, value_name = "ADDRESS", required_unless_present = "stdio")]
    listen: Option<Address>,
    /// Serves the one host that started it, on standard input and output, until that host ends.
    #[arg(long, conflicts_with = "listen")]
    stdio: bool,
    /// What hosts call this device; the machine's name unless given.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Logs who comes and goes on standard error; twice, every call.
    #[arg(short, long, action = clap::ArgAction::Count)]
    verbose: u8,
}

/// Serves.
pub(super) fn run(options: &Options) -> Result<ExitCode, Failure> {
    if let Backend::Remote(address) = &options.device.backend.backend {
        return Err(Failure::misuse(format!("{address} is elsewhere: its own agent serves it")));
    }
    if options.stdio && io::stdin().is_terminal() {
        return Err(Failure::misuse("--stdio speaks to a host that starts this program by exec://, not to a person"));
    }
    log(options.verbose);
    let folder = folder()?;
    block_on(async {
        let keys = Arc::new(KeyRing::open(&folder).map_err(Failure::failed)?);
        let mut running = Running::begin(&folder)?;
        let stop = terminal::interrupted()?;
        let Door { address, listener, _socket } = Door::open(options.listen.as_ref()).await?;
        let device = options.device.open().await?;
        let agent = Agent::builder(device.wx.clone(), keys, device.clock.clone());
        let agent = agent.name(options.name.clone().unwrap_or_else(machine_name)).start(folder.join("journal"));
        let agent = agent.map_err(|error| Failure::failed(format!("{}: {error}", folder.join("journal").display())))?;
        if let Some(address) = &address {
            running.listens_at(address)?;
            terminal::say(&format!("wx: listening on {address}"));
        }
        let served = serve(&agent, &device, listener, stop).await;
        device.close().await?;
        served?;
        if address.is_some() {
            terminal::say("wx: stopped");
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// Serves until it is told to stop, or the one host there is has ended.
async fn serve(agent: &Agent, device: &Device, listener: Listener, stop: impl Future<Output = ()>) -> Result<(), Failure> {
    let served = tokio::select! {
        served = tokio::spawn(listener.serve(agent.clone())) => served.map_err(Failure::failed)?,
        () = stop => Ok(()),
        () = device.keep_pace() => Ok(()),
    };
    agent.shutdown().await; // whoever is connected hears a goodbye
    served.map_err(Failure::failed)
}

/// Where hosts come in.
struct Door {
    /// What they call it, if they call.
    address: Option<Address>,
    listener: Listener,
    _socket: Option<Socket>,
}

enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
    Stdio,
}

/// A socket's file, removed with this.
struct Socket(PathBuf);

impl Door {
    async fn open(address: Option<&Address>) -> Result<Self, Failure> {
        let Some(address) = address else { return Ok(Self { address: None, listener: Listener::Stdio, _socket: None }) };
        let failed = |error: io::Error| Failure::failed(format!("{address} cannot be listened on: {error}"));
        match address {
            Address::Tcp(at) => {
                let listener = TcpListener::bind(at).await.map_err(failed)?;
                let address = Address::Tcp(listener.local_addr().map_err(failed)?.to_string());
                Ok(Self { address: Some(address), listener: Listener::Tcp(listener), _socket: None })
            }
            Address::Unix(path) => {
                let listener = Listener::Unix(bind(path).map_err(failed)?);
                Ok(Self { address: Some(address.clone()), listener, _socket: Some(Socket(path.clone())) })
            }
            Address::Exec(_) => {
                Err(Failure::misuse(format!("{address} is no place to listen, but what a host starts: that is --stdio here")))
            }
        }
    }
}

impl Listener {
    async fn serve(self, agent: Agent) -> Result<(), LinkError> {
        match self {
            Self::Tcp(listener) => Ok(agent.serve_tcp(listener).await?),
            Self::Unix(listener) => Ok(agent.serve_unix(listener).await?),
            Self::Stdio => agent.serve_stream(tokio::io::stdin(), tokio::io::stdout()).await,
        }
    }
}

/// Listens there, also where an agent that was killed left its socket.
fn bind(path: &Path) -> io::Result<UnixListener> {
    match UnixListener::bind(path) {
        Err(error) if error.kind() == ErrorKind::AddrInUse && nobody_listens(path) => {
            fs::remove_file(path)?;
            UnixListener::bind(path)
        }
        bound => bound,
    }
}

fn nobody_listens(path: &Path) -> bool {
    std::os::unix::net::UnixStream::connect(path).is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0); // the next one to listen there does it else
    }
}
