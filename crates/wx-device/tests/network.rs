//! A link over a network of the test's own, two namespaces with a cable between them, which is pulled out and put back: every call is
//! answered, and none ran twice.
//!
//! `cargo xtask soak link` leaves the cable out for half a minute.

#![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed
#![allow(clippy::print_stdout)] // says what a long run showed; and one process tells another
#![allow(dead_code)] // of what tests share, no one uses all

mod killed;

use std::{
    env,
    io::{BufRead as _, BufReader},
    process::{Child, Command, ExitCode, Stdio},
    sync::Arc,
    time::Duration,
};

use killed::{Agent, Place};
use wx_api::{Cx, Invoke as _, login::LoginRequest};
use wx_device::{Device, Invitation, KeyRing};
use wx_host::TokioClock;
use wx_rig::NETWORKS;

/// In the process of the host: the invitation to the agent.
const INVITATION: &str = "WX_TEST_INVITATION";
const AGENTS: &str = "10.231.7.1";
const HOSTS: &str = "10.231.7.2";

fn main() -> ExitCode {
    killed::serve_if_asked();
    if let Ok(invitation) = env::var(INVITATION) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(host(&invitation.parse().unwrap()));
        return ExitCode::SUCCESS;
    }
    wx_rig::main(&[&NETWORKS], wx_rig::tests! { network { survives_a_cable_that_is_pulled_out } })
}

mod network {
    use super::{NETWORKS, Network, pull_the_cable};

    pub(super) async fn survives_a_cable_that_is_pulled_out() {
        match Network::lay() {
            Ok(network) => pull_the_cable(&network).await,
            Err(why) if NETWORKS.is_required() => panic!("{why}"),
            Err(why) => println!("skipped: a network of one's own takes root: {why}"),
        }
    }
}

async fn pull_the_cable(network: &Network) {
    let seconds = env::var("WX_SOAK_CUT").map_or(3, |seconds| seconds.parse().expect("a number of seconds"));
    let place = Place { under: Network::inside(&network.agents), address: AGENTS.to_owned() };
    let (agent, invitation) = Agent::start_at(place, None).await;
    let mut host = network.start_host(&invitation);
    let mut said = BufReader::new(host.stdout.take().expect("it is piped")).lines().map_while(Result::ok);
    let mut wait = |wanted: usize| {
        let answered = said.by_ref().filter(|line| line == "answered").take(wanted).count();
        assert_eq!(answered, wanted, "the host ended");
    };
    wait(200);
    network.cable("down");
    std::thread::sleep(Duration::from_secs(seconds)); // this is what the test is about
    network.cable("up");
    wait(200);
    host.kill().and_then(|()| host.wait()).expect("the host runs until it is told not to");
    let ran = agent.ran();
    assert!(ran.values().all(|times| *times == 1), "a call ran twice");
    println!("the cable was out for {seconds} s: {} calls ran, none of them twice, and none failed", ran.len());
}

/// Calls without end; says when one was answered.
async fn host(invitation: &Invitation) {
    let folder = tempfile::tempdir().expect("a folder");
    let keys = Arc::new(KeyRing::open(folder.path()).expect("keys"));
    invitation.accept(&keys, "a test").await.expect("paired");
    let device = Device::builder(invitation.address().clone(), keys, Arc::new(TokioClock));
    let device = device.silence(Duration::from_secs(1)).patience(Duration::from_secs(120)).connect().await.expect("connected");
    let cx = Cx::new("wx4f4bc4dec97d474b");
    let callers: Vec<_> = (0..8)
        .map(|caller| {
            let (device, cx) = (device.clone(), cx.clone());
            tokio::spawn(async move {
                for call in (caller..).step_by(8) {
                    device.invoke(&cx, LoginRequest { timeout: Some(call) }.into()).await.expect("an answer, if late");
                    println!("answered");
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.expect("it goes on until the process is killed");
    }
}

/// Two namespaces and the cable between them; gone when dropped.
struct Network {
    agents: String,
    hosts: String,
}

impl Network {
    fn lay() -> Result<Self, String> {
        let id = std::process::id();
        let network = Self { agents: format!("wxa{id}"), hosts: format!("wxh{id}") };
        let (a, h) = (&network.agents, &network.hosts);
        for command in [
            format!("netns add {a}"),
            format!("netns add {h}"),
            format!("-n {a} link add wx0 type veth peer name wx0 netns {h}"),
            format!("-n {a} addr add {AGENTS}/30 dev wx0"),
            format!("-n {h} addr add {HOSTS}/30 dev wx0"),
            format!("-n {a} link set wx0 up"),
            format!("-n {h} link set wx0 up"),
        ] {
            ip(&command)?;
        }
        Ok(network)
    }

    fn inside(namespace: &str) -> Vec<String> {
        ["ip", "netns", "exec", namespace].map(str::to_owned).to_vec()
    }

    fn start_host(&self, invitation: &Invitation) -> Child {
        let under = Self::inside(&self.hosts);
        let mut command = Command::new(&under[0]);
        command.args(&under[1..]).arg(env::current_exe().expect("this program")).env(INVITATION, &*invitation.expose());
        command.stdout(Stdio::piped()).spawn().expect("a host")
    }

    fn cable(&self, state: &str) {
        ip(&format!("-n {} link set wx0 {state}", self.agents)).expect("the namespace is there");
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for namespace in [&self.agents, &self.hosts] {
            let _ = ip(&format!("netns del {namespace}")); // it may not have come into being
        }
    }
}

fn ip(command: &str) -> Result<(), String> {
    let output = Command::new("ip").args(command.split(' ')).output().map_err(|error| format!("ip: {error}"))?;
    let why = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(format!("ip {command}: {}", why.trim())) }
}
