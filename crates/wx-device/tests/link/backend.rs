//! A backend that a test holds in its hands.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use tokio::sync::{Semaphore, watch};
use wx_api::{
    Api, ApiSet, Cx, Event, EventHub, EventSender, Host, Result,
    hce::{Hce, HceMessage},
    login::{CheckSessionRequest, CheckSessionResult, Login, LoginRequest, LoginResult},
    soter::{AuthMode, CheckIsSupportSoterAuthenticationRequest, CheckIsSupportSoterAuthenticationResult, Soter},
};

/// Signs in when it is let, and counts how often it was asked to.
pub(crate) struct Held {
    begun: watch::Sender<usize>,
    dropped: AtomicUsize,
    answers: Semaphore,
    reads: AtomicUsize,
    long_reads: AtomicUsize,
    messages: EventHub,
    deadlines: std::sync::Mutex<Vec<Option<wx_api::Timestamp>>>,
}

impl Held {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            begun: watch::Sender::new(0),
            dropped: AtomicUsize::new(0),
            answers: Semaphore::new(0),
            reads: AtomicUsize::new(0),
            long_reads: AtomicUsize::new(0),
            messages: EventHub::default(),
            deadlines: std::sync::Mutex::default(),
        })
    }

    pub(crate) fn host(self: &Arc<Self>) -> Host {
        Host { login: Some(self.clone()), hce: Some(self.clone()), soter: Some(self.clone()), ..Host::default() }
    }

    /// Lets so many sign-ins answer.
    pub(crate) fn answer(&self, count: usize) {
        self.answers.add_permits(count);
    }

    /// How often a sign-in was begun.
    pub(crate) fn begun(&self) -> usize {
        *self.begun.borrow()
    }

    /// How many of them nobody waited for to the end.
    pub(crate) fn dropped(&self) -> usize {
        self.dropped.load(Ordering::SeqCst)
    }

    pub(crate) fn long_reads(&self) -> usize {
        self.long_reads.load(Ordering::SeqCst)
    }

    pub(crate) fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }

    pub(crate) fn deadlines(&self) -> Vec<Option<wx_api::Timestamp>> {
        self.deadlines.lock().unwrap().clone()
    }

    pub(crate) async fn wait_for_begun(&self, count: usize) {
        self.begun.subscribe().wait_for(|begun| *begun >= count).await.unwrap();
    }

    /// Tells every listener of a command with this number.
    pub(crate) fn send(&self, number: u16) {
        self.messages.send(&HceMessage::command(number.to_be_bytes().to_vec()).into());
    }

    pub(crate) fn has_listener(&self) -> bool {
        self.messages.has_listener(Api::OnHceMessage)
    }
}

/// The number that [`Held::send`] put into an event.
pub(crate) fn number(event: &Event) -> u16 {
    let Event::HceMessage(message) = event else { panic!("{event:?} is no command") };
    u16::from_be_bytes(message.data.as_ref().unwrap()[..].try_into().unwrap())
}

struct Begun<'a>(&'a Held, bool);

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        if !self.1 {
            self.0.dropped.fetch_add(1, Ordering::SeqCst);
        }
    }
}

#[async_trait]
impl Login for Held {
    fn supported(&self) -> ApiSet {
        ApiSet::of(&[Api::Login, Api::CheckSession])
    }

    async fn login(&self, cx: &Cx, _: LoginRequest) -> Result<LoginResult> {
        self.deadlines.lock().unwrap().push(cx.deadline());
        let mut number = 0;
        self.begun.send_modify(|begun| {
            *begun += 1;
            number = *begun;
        });
        let mut begun = Begun(self, false);
        self.answers.acquire().await.unwrap().forget();
        begun.1 = true;
        Ok(LoginResult { code: format!("code {number}") })
    }

    async fn check_session(&self, _: &Cx, _: CheckSessionRequest) -> Result<CheckSessionResult> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        Ok(CheckSessionResult {})
    }
}

/// How many bytes an answer of [`Soter`] has here, about.
pub(crate) const LONG_ANSWER: usize = 12 * MODES;
const MODES: usize = 40_000;

#[async_trait]
impl Soter for Held {
    fn supported(&self) -> ApiSet {
        Api::CheckIsSupportSoterAuthentication.into()
    }

    async fn check_is_support_soter_authentication(
        &self,
        _: &Cx,
        _: CheckIsSupportSoterAuthenticationRequest,
    ) -> Result<CheckIsSupportSoterAuthenticationResult> {
        self.long_reads.fetch_add(1, Ordering::SeqCst);
        Ok(CheckIsSupportSoterAuthenticationResult { support_mode: vec![AuthMode::FingerPrint; MODES] })
    }
}

#[async_trait]
impl Hce for Held {
    fn supported(&self) -> ApiSet {
        Api::OnHceMessage.into()
    }

    fn on_hce_message(&self, _: &Cx, out: EventSender) -> Result<()> {
        self.messages.add(out);
        Ok(())
    }
}
