use std::{sync::Arc, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    process::Child,
    sync::{oneshot, watch},
    time::{Instant, Interval, interval_at, sleep_until, timeout},
};

use super::{Builder, state::Shared};
use crate::{
    LinkError, PublicKey, address,
    incoming::{Incoming, garbage, read},
    outgoing::Outgoing,
    secure::{Purpose, Sealer, greet, link_as_host},
    terms::{BUILD, GOODBYE, HANDSHAKE, LONGEST_MESSAGE},
    waits::is_set,
    wire::{self, Message, Welcome},
};

/// How long to wait before the next try, at first and at most.
const SOONEST: Duration = Duration::from_millis(100);
const LATEST: Duration = Duration::from_secs(5);

type First = oneshot::Sender<Result<(), LinkError>>;

/// Keeps the link, until nobody has the device any more.
pub(super) async fn run(shared: Arc<Shared>, how: Builder, agent: PublicKey, ended: watch::Receiver<bool>, first: First) {
    let link = Link { shared: shared.clone(), how, agent };
    link.keep(first, ended).await;
    shared.end();
}

struct Link {
    shared: Arc<Shared>,
    how: Builder,
    agent: PublicKey,
}

struct Open {
    sealer: Sealer,
    incoming: Incoming<Box<dyn AsyncRead + Send + Unpin>>,
    writer: Box<dyn AsyncWrite + Send + Unpin>,
    child: Option<Child>,
}

impl Link {
    async fn keep(&self, first: First, mut ended: watch::Receiver<bool>) {
        let mut first = Some(first);
        let mut pause = SOONEST;
        let mut away = Away::since_now();
        loop {
            let open = tokio::select! {
                open = self.open() => open,
                () = is_set(&mut ended) => return,
            };
            let why = match open {
                Ok(open) => {
                    let first = &mut first;
                    let on_welcome = || {
                        if let Some(first) = first.take() {
                            let _ = first.send(Ok(())); // who connects may just have gone
                        }
                    };
                    let why = self.talk(open, on_welcome, ended.clone()).await;
                    if *ended.borrow() {
                        return; // it has said goodbye
                    }
                    self.shared.detach();
                    if self.shared.is_proven() {
                        (pause, away) = (SOONEST, Away::since_now());
                    } else {
                        away.goes_on(); // an agent that only says welcome is of no use to anybody
                    }
                    why
                }
                Err(why) => why,
            };
            if let Some(first) = first.take() {
                let _ = first.send(Err(why)); // as above
                return;
            }
            tracing::info!(address = %self.how.address, error = %why, "the link is down");
            let again = Instant::now() + jittered(pause);
            pause = (pause * 2).min(LATEST);
            let why = why.to_string();
            tokio::select! {
                () = away.pass_until(again, &self.how, &self.shared, &why) => {}
                () = is_set(&mut ended) => return,
            }
        }
    }

    /// A connection to the agent that was paired, and no other.
    async fn open(&self) -> Result<Open, LinkError> {
        let open = async {
            let mut stream = self.how.address.connect().await?;
            let (bare, greetings) = greet(&mut stream.reader, &mut stream.writer, Purpose::Link).await?;
            let (sealer, opener) = link_as_host(bare, &greetings, self.how.keys.identity(), self.agent).await?;
            let incoming = Incoming::new(stream.reader, opener, LONGEST_MESSAGE);
            Ok(Open { sealer, incoming, writer: stream.writer, child: stream.child })
        };
        timeout(HANDSHAKE, open).await.map_err(|_| LinkError::Silent(HANDSHAKE.as_secs()))?
    }

    /// Everything that is said over one connection; why it ended.
    async fn talk(&self, open: Open, on_welcome: impl FnOnce(), mut ended: watch::Receiver<bool>) -> LinkError {
        let Open { sealer, mut incoming, mut writer, child } = open;
        let out = Arc::new(Outgoing::default());
        out.say(wire::Hello { session: self.shared.session, build: BUILD });
        {
            let listen = async {
                let why = self.listen(&mut incoming, &out, on_welcome).await;
                why.err().unwrap_or_else(|| LinkError::Io(std::io::ErrorKind::UnexpectedEof.into()))
            };
            let write = out.write(&mut writer, sealer);
            tokio::pin!(write);
            tokio::select! {
                why = listen => return why,
                written = &mut write => return written.err().unwrap_or_else(|| LinkError::Io(std::io::ErrorKind::BrokenPipe.into())),
                () = is_set(&mut ended) => {}
            }
            out.say(wire::Goodbye { reason: "the host ends" });
            out.close();
            let _ = timeout(GOODBYE, write).await; // whether it was heard changes nothing
        }
        drop((incoming, writer));
        address::ended(child).await;
        LinkError::Goodbye("this end said it".to_owned())
    }

    async fn listen(
        &self,
        incoming: &mut Incoming<Box<dyn AsyncRead + Send + Unpin>>,
        out: &Arc<Outgoing>,
        on_welcome: impl FnOnce(),
    ) -> Result<(), LinkError> {
        let first = timeout(HANDSHAKE, incoming.wait()).await.map_err(|_| LinkError::Silent(HANDSHAKE.as_secs()))??;
        // An agent that has just taken this host off its list hangs up without a word.
        let first = first.ok_or(LinkError::Refused)?;
        match read(&first)? {
            Message::Welcome(welcome) => {
                self.welcomed(&welcome, out);
                on_welcome();
            }
            Message::Goodbye(wire::Goodbye { reason }) => return Err(LinkError::Goodbye(reason.to_owned())),
            _ => return Err(garbage("something before its welcome")),
        }
        let mut arrived = Vec::new();
        let mut silent = Silence::new(self.how.silence);
        loop {
            while let Some(message) = incoming.next()? {
                self.shared.hear(&read(&message)?, &mut arrived)?;
            }
            if !arrived.is_empty() {
                self.shared.arrived(std::mem::take(&mut arrived));
            }
            tokio::select! {
                more = incoming.more() => {
                    if !more? {
                        return Ok(());
                    }
                    silent.is_over();
                }
                asked = silent.ask() => match asked {
                    Some(number) => out.say(wire::Ping { number }),
                    None => return Err(LinkError::Silent(self.how.silence.as_secs())),
                },
            }
        }
    }

    fn welcomed(&self, welcome: &Welcome<'_>, out: &Arc<Outgoing>) {
        tracing::info!(address = %self.how.address, build = welcome.build, resumed = welcome.resumed, "the link is up");
        self.shared.attach(out.clone(), welcome);
    }
}

/// When to ask an agent that says nothing whether it is still there, and when to stop asking.
struct Silence {
    thirds: Interval,
    /// How many thirds have passed since something came.
    passed: u32,
}

impl Silence {
    fn new(most: Duration) -> Self {
        let third = (most / 3).max(Duration::from_millis(1));
        Self { thirds: interval_at(Instant::now() + third, third), passed: 0 }
    }

    /// Something came.
    fn is_over(&mut self) {
        self.passed = 0;
    }

    /// Waits until it is time to ask; `None` once it was asked often enough.
    async fn ask(&mut self) -> Option<u64> {
        self.thirds.tick().await;
        self.passed += 1;
        // Pings with number 0 are nobody's.
        (self.passed < 3).then_some(0)
    }
}

/// How long the device has been away, and what that means for those who wait.
struct Away {
    since: Instant,
    stopped_waiting: bool,
    gave_up: bool,
}

impl Away {
    fn since_now() -> Self {
        Self { since: Instant::now(), stopped_waiting: false, gave_up: false }
    }

    /// It was only as if it were back: those who have begun to wait again are told, too.
    fn goes_on(&mut self) {
        (self.stopped_waiting, self.gave_up) = (false, false);
    }

    /// Waits until then, and tells those who wait when they have waited long enough.
    async fn pass_until(&mut self, then: Instant, how: &Builder, shared: &Shared, why: &str) {
        loop {
            let (stop, give_up) = (self.since + how.patience, self.since + how.give_up);
            if !self.stopped_waiting && stop <= Instant::now() {
                self.stopped_waiting = true;
                shared.stop_waiting(why);
            }
            if !self.gave_up && give_up <= Instant::now() {
                self.gave_up = true;
                shared.give_up(why);
            }
            let next = [(!self.stopped_waiting).then_some(stop), (!self.gave_up).then_some(give_up)];
            let next = next.into_iter().flatten().fold(then, Instant::min);
            sleep_until(next).await;
            if next == then {
                return;
            }
        }
    }
}

/// About that long: hosts that lost their agent at the same moment do not come back at the same moment.
fn jittered(pause: Duration) -> Duration {
    let mut byte = [128];
    // Without randomness all take the middle.
    let _ = getrandom::fill(&mut byte);
    pause.mul_f64(0.75 + f64::from(byte[0]) / 512.0)
}
