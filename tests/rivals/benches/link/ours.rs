//! Our own link.

use std::{sync::Arc, thread, time::Duration};

use async_trait::async_trait;
use tokio::{net::TcpListener, runtime};
use wx_api::{
    Api, ApiSet, Cx, Host, Invoke as _, Result,
    login::{Login, LoginRequest, LoginResult},
    soter::{
        AuthMode, CheckIsSupportSoterAuthenticationRequest, CheckIsSupportSoterAuthenticationResult, Soter,
    },
};
use wx_device::{Address, Device, Invitation, KeyRing, agent::Agent};
use wx_host::{TokioClock, Wx};

use crate::Call;

/// A backend that answers at once.
struct AtOnce;

#[async_trait]
impl Soter for AtOnce {
    fn supported(&self) -> ApiSet {
        Api::CheckIsSupportSoterAuthentication.into()
    }

    async fn check_is_support_soter_authentication(
        &self,
        _: &Cx,
        _: CheckIsSupportSoterAuthenticationRequest,
    ) -> Result<CheckIsSupportSoterAuthenticationResult> {
        Ok(CheckIsSupportSoterAuthenticationResult { support_mode: vec![AuthMode::FingerPrint] })
    }
}

#[async_trait]
impl Login for AtOnce {
    fn supported(&self) -> ApiSet {
        Api::Login.into()
    }

    async fn login(&self, _: &Cx, _: LoginRequest) -> Result<LoginResult> {
        Ok(LoginResult { code: "033aB2cD4eF6gH8iJ0kL2mN4oP6qR8sT".to_owned() })
    }
}

/// A call that may be repeated.
pub(crate) async fn link() -> Call {
    let (device, cx) = (Arc::new(connect().await), Cx::new("wx4f4bc4dec97d474b"));
    Arc::new(move || {
        let (device, cx) = (device.clone(), cx.clone());
        Box::pin(async move {
            let call = CheckIsSupportSoterAuthenticationRequest {}.into();
            device.invoke(&cx, call).await.expect("an answer");
        })
    })
}

/// A call that must not run twice: the agent writes down that it begins, waits for the disk, and writes down its answer.
pub(crate) async fn journaled() -> Call {
    let (device, cx) = (Arc::new(connect().await), Cx::new("wx4f4bc4dec97d474b"));
    Arc::new(move || {
        let (device, cx) = (device.clone(), cx.clone());
        Box::pin(async move {
            device.invoke(&cx, LoginRequest::default().into()).await.expect("an answer");
        })
    })
}

/// A device on a thread of its own, and a link to it.
async fn connect() -> Device {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder on the disk that holds the build");
    let keys = Arc::new(KeyRing::open(folder.path().join("agent")).expect("keys"));
    let secret = keys.offer(Duration::from_secs(60)).expect("a secret");
    let (bound, address) = std::sync::mpsc::channel();
    let journal = folder.path().join("journal");
    thread::spawn(move || {
        runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(async {
            let at_once = Arc::new(AtOnce);
            let wx = Wx::builder(Host { soter: Some(at_once.clone()), login: Some(at_once), ..Host::default() }).build();
            let agent = Agent::builder(wx, keys, Arc::new(TokioClock)).start(journal).expect("an agent");
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            bound.send(listener.local_addr().expect("an address")).expect("somebody waits");
            agent.serve_tcp(listener).await.expect("it serves");
        });
    });
    let address = Address::Tcp(address.recv().expect("it is bound").to_string());
    let keys = Arc::new(KeyRing::open(folder.path().join("host")).expect("keys"));
    Invitation::new(address.clone(), secret).accept(&keys, "the benchmark").await.expect("paired");
    let device = Device::builder(address, keys, Arc::new(TokioClock)).connect().await.expect("connected");
    drop(folder.keep()); // the agent goes on writing there until the process ends
    device
}
