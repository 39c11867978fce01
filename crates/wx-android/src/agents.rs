use std::{
    collections::HashMap,
    io,
    path::Path,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    net::{TcpListener, UnixListener},
    runtime::{Builder, Handle, Runtime},
};
use wx_api::{Api, ApiSet, AppId, Event};
use wx_device::{Address, Invitation, KeyRing, LinkError, agent::Agent};
use wx_host::{TokioClock, Wx};

use crate::{
    backend::{Java, read},
    call::Target,
};

/// How long calls that were interrupted have to come back when an agent is stopped.
const FAREWELL: Duration = Duration::from_secs(5);

/// How long a thread without a call stays: an idle one must not keep the virtual machine from ending for long.
const IDLE: Duration = Duration::from_secs(1);

/// Why Java gets an exception instead of an answer.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// `IllegalArgumentException`.
    Argument(String),
    /// `IllegalStateException`.
    State(String),
}

type Result<T> = std::result::Result<T, Refusal>;

/// An agent that runs, and what Java needs it for.
pub(crate) struct Running {
    agent: Agent,
    keys: Arc<KeyRing>,
    java: Java,
    address: Address,
    handle: Handle,
    /// Taken by whoever stops it.
    runtime: Mutex<Option<Runtime>>,
}

/// All agents of the process, by what Java knows them by: numbers that are used once, so that none is ever taken for another.
#[derive(Default)]
struct Agents {
    last: i64,
    running: HashMap<i64, Arc<Running>>,
}

static AGENTS: LazyLock<Mutex<Agents>> = LazyLock::new(Mutex::default);

fn agents() -> MutexGuard<'static, Agents> {
    AGENTS.lock().unwrap_or_else(PoisonError::into_inner) // whole entries only
}

/// The agent of this handle.
pub(crate) fn running(handle: i64) -> Result<Arc<Running>> {
    agents().running.get(&handle).cloned().ok_or_else(stopped)
}

fn stopped() -> Refusal {
    Refusal::State("the agent was stopped".to_owned())
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::State(error.to_string())
    }
}

impl From<LinkError> for Refusal {
    fn from(error: LinkError) -> Self {
        Self::State(error.to_string())
    }
}

/// Starts one; its handle.
pub(crate) fn start(target: Target, supported: &[Option<String>], folder: &Path, name: String, listen: &str) -> Result<i64> {
    let supported = supported.iter().map(|name| api(name.as_deref().unwrap_or("null"))).collect::<Result<ApiSet>>()?;
    let listen: Address = listen.parse().map_err(|error| Refusal::Argument(format!("{error}")))?;
    let runtime =
        Builder::new_multi_thread().worker_threads(2).thread_name("wx-agent").thread_keep_alive(IDLE).enable_all().build();
    let runtime = runtime?;
    let handle = runtime.handle().clone();
    let java = Java::new(target, supported, handle.clone());
    let keys = Arc::new(KeyRing::open(folder)?);
    let (agent, address) = runtime.block_on(async {
        let wx = Wx::builder(java.clone()).build();
        let agent = Agent::builder(wx, keys.clone(), Arc::new(TokioClock)).name(name).start(folder.join("journal"))?;
        let address = serve(&agent, listen).await?;
        Ok::<_, Refusal>((agent, address))
    })?;
    let running = Running { agent, keys, java, address, handle, runtime: Mutex::new(Some(runtime)) };
    let mut agents = agents();
    agents.last += 1;
    let number = agents.last;
    agents.running.insert(number, Arc::new(running));
    Ok(number)
}

/// Waits for hosts there; where that is, exactly.
async fn serve(agent: &Agent, listen: Address) -> Result<Address> {
    let there = |error: io::Error| Refusal::State(format!("{listen}: {error}"));
    let agent = agent.clone();
    match &listen {
        Address::Tcp(address) => {
            let listener = TcpListener::bind(address).await.map_err(there)?;
            let address = Address::Tcp(listener.local_addr().map_err(there)?.to_string());
            tokio::spawn(async move { report(agent.serve_tcp(listener).await) });
            Ok(address)
        }
        Address::Unix(path) => {
            let listener = UnixListener::bind(path).map_err(there)?;
            tokio::spawn(async move { report(agent.serve_unix(listener).await) });
            Ok(listen)
        }
        Address::Exec(_) => Err(Refusal::Argument("an agent listens at tcp:// or unix://".to_owned())),
    }
}

fn report(served: io::Result<()>) {
    if let Err(error) = served {
        tracing::error!(%error, "nobody can connect any more");
    }
}

fn api(name: &str) -> Result<Api> {
    Api::from_name(name).ok_or_else(|| Refusal::Argument(format!("`{name}` is no API and no event")))
}

impl Running {
    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// An invitation to that address, as text, with its secret.
    pub(crate) fn pair(&self, address: &str, seconds: i32) -> Result<String> {
        let address: Address = address.parse().map_err(|error| Refusal::Argument(format!("{error}")))?;
        let seconds = u64::try_from(seconds).ok().filter(|&seconds| seconds > 0);
        let seconds = seconds.ok_or_else(|| Refusal::Argument("an invitation is good for a second at least".to_owned()))?;
        let secret = self.keys.offer(Duration::from_secs(seconds))?;
        Ok(Invitation::new(address, secret).expose().to_string())
    }

    pub(crate) fn revoke(&self, name_or_key: &str) -> Result<i32> {
        let gone = self.keys.revoke(name_or_key)?;
        Ok(i32::try_from(gone).unwrap_or(i32::MAX))
    }

    pub(crate) fn emit(&self, app: &str, event: &str, payload: &str) -> Result<()> {
        let api = api(event)?;
        let event = read(payload, |json| Event::deserialize(api, json));
        let event = event.map_err(|error| Refusal::Argument(format!("the payload of {}: {error}", api.name())))?;
        self.java.emit(&AppId::from(app), &event);
        Ok(())
    }
}

/// Ends the agent of this handle, which is no longer good then.
pub(crate) fn stop(handle: i64) -> Result<()> {
    let running = agents().running.remove(&handle).ok_or_else(stopped)?;
    running.handle.block_on(running.agent.shutdown());
    let runtime = running.runtime.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(runtime) = runtime {
        runtime.shutdown_timeout(FAREWELL);
    }
    Ok(())
}
