//! The world as the conformance suite drives it.

use std::{collections::BTreeMap, io, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use wx_api::{
    AppId, Cx, Host, Invoke, Profile, Scope, Timestamp,
    signature::Signature,
    user::{Lang, UserInfo},
};
use wx_conformance::{
    AppServer, Bench, ClockHandle, Exchanged, Failure, FingerHandle, Harness, NetworkHandle, Outcome, RadioHandle,
    ReaderHandle, ServerError, ServerHandle, UserHandle,
};
use wx_host::{Consent, Fault, MemoryStore, Record, Timeout, Wx};

use crate::{Choice, Finger, Network, Nfc, Radio, Reader, Server, Touch, VirtualClock, World};

/// Opens a world of its own for every case, behind every layer a product has.
#[derive(Clone, Copy, Debug, Default)]
pub struct MockHarness;

/// Any number does: no case may depend on it.
const SEED: u64 = 1;
const APP: &str = "wx4f4bc4dec97d474b";

impl MockHarness {
    /// A bench over what `around` makes of the host: as it is, or with something between, such as a link.
    pub fn bench<I: Invoke + 'static>(profile: Profile, around: impl FnOnce(Host) -> I) -> Bench {
        let world = World::new(SEED);
        let consent = Arc::new(Consent::new(world.user().clone(), Arc::new(MemoryStore::default())));
        let wx = Wx::builder(around(Host { authorization: Some(consent.clone()), ..world.host() }))
            .trace()
            .record(Record::new(io::sink()))
            .timeout(Timeout::new(world.clock().clone()))
            .fault(Fault::new(world.clock().clone(), SEED)) // without a rule it breaks nothing
            .build();
        let handles = wx_conformance::World {
            clock: Some(world.clock().clone()),
            user: Some(Arc::new(Resident { world: world.clone(), consent })),
            server: Some(Arc::new(world.clone())),
            network: Some(world.network().clone()),
            finger: Some(world.finger().clone()),
            radio: Some(world.radio().clone()),
            reader: Some(world.reader().clone()),
        };
        Bench { wx, cx: Cx::new(APP).with_profile(profile), world: handles }
    }
}

#[async_trait]
impl Harness for MockHarness {
    fn name(&self) -> &'static str {
        "mock"
    }

    async fn open(&self, profile: Profile) -> Result<Bench, String> {
        Ok(Self::bench(profile, |host| host))
    }
}

#[async_trait]
impl ClockHandle for VirtualClock {
    fn now(&self) -> Timestamp {
        wx_api::Clock::now(self)
    }

    async fn advance(&self, by: Duration) {
        self.pass(by).await;
    }
}

/// The person, and the device they keep their apps on.
struct Resident {
    world: World,
    consent: Arc<Consent>,
}

#[async_trait]
impl UserHandle for Resident {
    fn answer(&self, scope: Scope, choice: wx_conformance::Choice) {
        let choice = match choice {
            wx_conformance::Choice::Allow => Choice::Allow,
            wx_conformance::Choice::Deny => Choice::Deny,
            wx_conformance::Choice::Dismiss => Choice::Dismiss,
            wx_conformance::Choice::Ignore => Choice::Ignore,
        };
        self.world.user().answer(scope, choice);
    }

    fn prompts(&self) -> Vec<wx_conformance::Shown> {
        let prompts = self.world.user().prompts().into_iter();
        prompts.map(|shown| wx_conformance::Shown { app: shown.app, scope: shown.scope }).collect()
    }

    fn open_prompts(&self) -> Vec<Scope> {
        self.world.user().open_prompts()
    }

    async fn wait_for_prompts(&self, count: usize) {
        self.world.user().wait_for_prompts(count).await;
    }

    fn turn(&self, scope: Scope, on: bool) {
        self.world.user().turn(scope, on);
    }

    fn settings_pages(&self) -> Vec<BTreeMap<Scope, bool>> {
        self.world.user().settings_pages()
    }

    fn profile(&self, lang: Lang) -> UserInfo {
        self.world.user().profile(lang)
    }

    async fn rename(&self, nick_name: &str) -> Outcome {
        self.world.user().rename(nick_name);
        Ok(())
    }

    async fn remove_app(&self, app: &AppId) -> Outcome {
        self.world.remove_app(app);
        self.consent.forget_app(app).await.map_err(|error| Failure(error.to_string()))
    }
}

impl ServerHandle for World {
    fn of(&self, app: &AppId) -> Arc<dyn AppServer> {
        self.server(app)
    }
}

#[async_trait]
impl AppServer for Server {
    async fn exchange(&self, code: &str) -> Result<Exchanged, ServerError> {
        match Self::exchange(self, code) {
            Ok(session) => Ok(Exchanged {
                openid: session.openid,
                session_key: session.session_key.expose_base64().to_string(),
                unionid: session.unionid,
            }),
            Err(error) => Err(ServerError { errcode: error.errcode(), errmsg: error.to_string() }),
        }
    }

    fn signature(&self) -> &dyn Signature {
        self
    }

    async fn bind(&self, bound: bool) -> Outcome {
        Self::bind(self, bound);
        Ok(())
    }
}

impl NetworkHandle for Network {
    fn stall(&self) {
        Self::stall(self);
    }

    fn cut(&self) {
        Self::cut(self);
    }

    fn hold(&self) {
        Self::hold(self);
    }

    fn release(&self) {
        Self::release(self);
    }

    fn restore(&self) {
        Self::restore(self);
    }
}

#[async_trait]
impl FingerHandle for Finger {
    fn touch(&self, touch: wx_conformance::Touch) {
        let touch = match touch {
            wx_conformance::Touch::Match => Touch::Match,
            wx_conformance::Touch::NoMatch => Touch::NoMatch,
            wx_conformance::Touch::Cancel => Touch::Cancel,
            wx_conformance::Touch::Fault => Touch::Fault,
        };
        Self::touch(self, touch);
    }

    fn lift(&self) {
        Self::lift(self);
    }

    fn support(&self, supported: bool) {
        Self::support(self, supported);
    }

    fn authorize(&self, allowed: bool) {
        Self::authorize(self, allowed);
    }

    fn enroll(&self, enrolled: bool) {
        Self::enroll(self, enrolled);
    }

    fn dialogs(&self) -> Vec<String> {
        Self::dialogs(self)
    }

    async fn wait_for_dialogs(&self, count: usize) {
        Self::wait_for_dialogs(self, count).await;
    }

    fn public_key(&self) -> String {
        Self::public_key(self).to_owned()
    }
}

impl RadioHandle for Radio {
    fn nfc(&self, nfc: wx_conformance::Nfc) {
        let nfc = match nfc {
            wx_conformance::Nfc::Absent => Nfc::Absent,
            wx_conformance::Nfc::Off => Nfc::Off,
            wx_conformance::Nfc::On => Nfc::On,
        };
        Self::nfc(self, nfc);
    }

    fn emulation(&self, possible: bool) {
        Self::emulation(self, possible);
    }

    fn default_app(&self, default: bool) {
        Self::default_app(self, default);
    }

    fn refuse_registration(&self, refuse: bool) {
        Self::refuse_registration(self, refuse);
    }
}

#[async_trait]
impl ReaderHandle for Reader {
    async fn transceive(&self, command: &[u8]) -> Option<Bytes> {
        Self::transceive(self, command).await
    }

    async fn leave(&self) {
        Self::leave(self);
    }
}
