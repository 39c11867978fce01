//! One end of a link is real, the other means harm. The first byte says which, and what for:
//!
//! - `h`: a host wants a link with a real agent; `p`: it wants to pair;
//! - `a`: a real host wants a link with an agent; `i`: it accepts an agent's invitation.
//!
//! The second byte is even for an end that has the right key and the right secret. Steps follow, of one byte, two of length and so many
//! of content; see [`Step`]. Nobody is let in, or listened to, whose handshake was not as it should be.

#![no_main]

use std::{
    fs,
    sync::{Arc, LazyLock},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use libfuzzer_sys::fuzz_target;
use snow::{Builder, HandshakeState, StatelessTransportState};
use tempfile::TempDir;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, duplex, split},
    net::UnixListener,
    runtime::Runtime,
    time::timeout,
};
use wx_api::{
    Answering, Api, ApiSet, Call, Cx, Error, EventSender, Invoke, Result, event_channel, hce::HceMessage, login::LoginRequest,
};
use wx_device::{Address, Device, Invitation, KeyRing, PairingSecret, PublicKey, agent::Agent, internals};
use wx_host::{TokioClock, Wx};

const LINK: &str = "Noise_IK_25519_ChaChaPoly_BLAKE2s";
const PAIR: &str = "Noise_XXpsk0_25519_ChaChaPoly_BLAKE2s";
const MAGIC: &[u8; 8] = b"wx-link\n";
const SECRET: [u8; 32] = [7; 32];

/// Of the virtual clock: more than all time-outs of both ends together.
const LONG: Duration = Duration::from_secs(3600);

fuzz_target!(|input: &[u8]| {
    let [what, key, steps @ ..] = input else { return };
    let (place, trusted) = (&*PLACE, key % 2 == 0);
    let steps = steps_of(steps);
    place.runtime.block_on(async {
        let done = async {
            match what {
                b'h' => place.links(trusted, &steps).await,
                b'p' => place.pairs(trusted, &steps).await,
                b'a' => place.is_linked_to(trusted, &steps).await,
                b'i' => place.invites(trusted, &steps).await,
                _ => (),
            }
        };
        timeout(LONG, done).await.expect("both ends come to an end");
    });
});

/// What the hostile end does next.
enum Step<'a> {
    /// `g`: sends these bytes as they are.
    Raw(&'a [u8]),
    /// `h`: greets, with these four bytes after the magic. A fifth changes what it takes for the greetings.
    Greet(&'a [u8]),
    /// `n`: sends its next message of the handshake, with this in it.
    Shake(&'a [u8]),
    /// `x`: the same, with one byte changed: which one, and how.
    Spoil(&'a [u8]),
    /// `m`: sends a message.
    Say(&'a [u8]),
    /// `r`: sends records with these bytes in them.
    Seal(&'a [u8]),
    /// `s`: the same, with the last byte changed.
    SealBadly(&'a [u8]),
    /// `c`: hangs up and connects anew.
    Again,
}

fn steps_of(mut bytes: &[u8]) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    while let [how, high, low, rest @ ..] = bytes {
        let (data, rest) = rest.split_at(usize::from(u16::from_be_bytes([*high, *low])).min(rest.len()));
        steps.push(match how {
            b'g' => Step::Raw(data),
            b'h' => Step::Greet(data),
            b'n' => Step::Shake(data),
            b'x' => Step::Spoil(data),
            b'm' => Step::Say(data),
            b'r' => Step::Seal(data),
            b's' => Step::SealBadly(data),
            b'c' => Step::Again,
            _ => return steps,
        });
        bytes = rest;
    }
    steps
}

/// The keys of both ends, the real and the hostile, and where they meet.
struct Place {
    runtime: Runtime,
    folder: TempDir,
    agent: Agent,
    agent_keys: Arc<KeyRing>,
    host_keys: Arc<KeyRing>,
    /// Of the hostile end: what the real one knows it by, in both halves, and another.
    known: [u8; 32],
    known_public: PublicKey,
    stranger: [u8; 32],
}

static PLACE: LazyLock<Place> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime");
    // In memory, where there is such a folder: what is synced to a disk many times a second wears it out.
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder");
    let pair = || Builder::new(LINK.parse().expect("a pattern")).generate_keypair().expect("randomness");
    let (known, stranger) = (pair(), pair());
    let public = PublicKey::from_text(&URL_SAFE_NO_PAD.encode(&known.public)).expect("a key");
    let keys = |name: &str| Arc::new(KeyRing::open(folder.path().join(name)).expect("new keys"));
    let (agent_keys, host_keys) = (keys("agent"), keys("host"));
    agent_keys.add("known", public, None).expect("a file");
    host_keys.add("known", public, Some(&address(&folder, "link").to_string())).expect("a file");
    let agent =
        Agent::builder(Wx::builder(Backend).build(), agent_keys.clone(), Arc::new(TokioClock)).linger(Duration::from_secs(5));
    let agent = runtime.block_on(async { agent.start(folder.path().join("journal")) }).expect("a new journal");
    let [known, stranger] = [known, stranger].map(|pair| pair.private.try_into().expect("32 bytes"));
    Place { runtime, folder, agent, agent_keys, host_keys, known, known_public: public, stranger }
});

fn address(folder: &TempDir, name: &str) -> Address {
    Address::Unix(folder.path().join(name))
}

/// Answers at once or never, and has three events for everybody.
struct Backend;

impl Invoke for Backend {
    fn invoke<'s, 'c, 'a>(&'s self, _: &'c Cx, call: Call) -> Answering<'a>
    where
        's: 'a,
        'c: 'a,
        Self: 'a,
    {
        match call.api() {
            Api::Login => Box::pin(std::future::pending()),
            api => Box::pin(std::future::ready(Err(Error::internal(api, "a fuzzer's")))),
        }
    }

    fn supported(&self) -> ApiSet {
        Api::ALL.iter().copied().collect()
    }

    fn subscribe(&self, _: &Cx, out: EventSender) -> Result<()> {
        for byte in 0..3 {
            out.send(HceMessage::command(vec![byte; 5]).into());
        }
        Ok(())
    }
}

impl Place {
    async fn links(&self, trusted: bool, steps: &[Step<'_>]) {
        for steps in steps.split(|step| matches!(step, Step::Again)) {
            let end = End::new(true, self.key(trusted), Some(self.public()));
            let end = self.meet(end, steps).await;
            assert!(!end.is_through() || end.is_right && trusted, "a stranger was let in");
            let heard = end.heard();
            assert!(heard.is_empty() || trusted, "a stranger was told something");
            for message in internals::messages([&heard[..]], 16 << 20).expect("frames of the agent") {
                // A reply is of an API that only the call says; here none goes well.
                internals::rewrite(&message, Api::Login).expect("a message of the agent");
            }
        }
        // Sessions end when their host stays away; the next input has a new agent, as far as that matters.
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert!(format!("{:?}", self.agent).contains("sessions: 0"), "{:?}", self.agent);
    }

    async fn pairs(&self, trusted: bool, steps: &[Step<'_>]) {
        for steps in steps.split(|step| matches!(step, Step::Again)) {
            let secret = self.agent_keys.offer(Duration::from_secs(600)).expect("a file");
            let right = URL_SAFE_NO_PAD.decode(secret.expose().as_bytes()).expect("a secret's text");
            let mut end = End::new(true, self.stranger, None);
            end.secret = if trusted { right.try_into().expect("32 bytes") } else { SECRET };
            let end = self.meet(end, steps).await;
            let peers = self.agent_keys.peers().expect("a file");
            for peer in peers.iter().filter(|peer| peer.key != self.known_public) {
                assert!(trusted && end.is_right, "{} was paired", peer.name);
                assert!(peer.name.len() <= 64 && !peer.name.contains(char::is_control), "{:?} is no name", peer.name);
                self.agent_keys.revoke(&peer.key.to_string()).expect("a file");
                assert_ne!(
                    self.agent_keys.offered().expect("a file").as_ref(),
                    Some(&secret),
                    "a secret worked and is still good"
                );
            }
        }
    }

    async fn meet(&self, mut end: End, steps: &[Step<'_>]) -> End {
        let (here, there) = duplex(1 << 16);
        let (reader, writer) = split(there);
        let serve = self.agent.serve_stream(reader, writer);
        let (served, ()) = tokio::join!(serve, end.act(here, steps));
        if let Err(error) = served {
            assert!(!error.to_string().is_empty(), "a refusal says why");
        }
        end
    }

    async fn is_linked_to(&self, trusted: bool, steps: &[Step<'_>]) {
        let address = address(&self.folder, "link");
        let listener = self.listen("link");
        let mut let_in = Vec::new();
        let hostile = async {
            for steps in steps.split(|step| matches!(step, Step::Again)) {
                let Ok(Ok((stream, _))) = timeout(Duration::from_secs(60), listener.accept()).await else { break };
                let mut end = End::new(false, self.key(trusted), None);
                end.act(stream, steps).await;
                let_in.push(end.is_right && end.is_through());
            }
            drop(listener);
        };
        let host = async {
            let device = Device::builder(address, self.host_keys.clone(), Arc::new(TokioClock));
            let (short, longer) = (Duration::from_secs(1), Duration::from_secs(2));
            let Ok(device) = device.patience(short).silence(longer).give_up(longer).connect().await else { return false };
            let (sender, mut stream) = event_channel(Api::OnHceMessage.into());
            let cx = Cx::new("wx4f4bc4dec97d474b");
            let subscribed = device.subscribe(&cx, sender);
            let _ = device.invoke(&cx, LoginRequest::default().into()).await; // whatever it says: it answers
            device.close().await;
            if subscribed.is_ok() {
                while stream.next().await.is_some() {}
            }
            true
        };
        let (connected, ()) = tokio::join!(host, hostile);
        assert!(!connected || trusted && let_in.contains(&true), "an impostor was believed");
    }

    async fn invites(&self, trusted: bool, steps: &[Step<'_>]) {
        let listener = self.listen("invitation");
        let mut end = End::new(false, self.stranger, None);
        end.secret = if trusted { SECRET } else { [8; 32] };
        let secret = PairingSecret::from_text(&URL_SAFE_NO_PAD.encode(SECRET)).expect("a secret's text");
        let invitation = Invitation::new(address(&self.folder, "invitation"), secret);
        let hostile = async {
            let Ok((stream, _)) = listener.accept().await else { return };
            end.act(stream, steps).await;
        };
        let (accepted, ()) = tokio::join!(invitation.accept(&self.host_keys, "a host"), hostile);
        let peers = self.host_keys.peers().expect("a file");
        assert_eq!(peers.len(), 1 + usize::from(accepted.is_ok()), "it says one thing and does another");
        if let Ok(name) = accepted {
            assert!(trusted && end.is_right, "{name} was paired");
            assert!(name.len() <= 64 && !name.contains(char::is_control), "{name:?} is no name");
            let new = peers.iter().find(|peer| peer.key != self.known_public).expect("the new one");
            self.host_keys.revoke(&new.key.to_string()).expect("a file");
        }
    }

    fn listen(&self, name: &str) -> UnixListener {
        let path = self.folder.path().join(name);
        let _ = fs::remove_file(&path); // of the input before
        UnixListener::bind(path).expect("a socket")
    }

    fn key(&self, trusted: bool) -> [u8; 32] {
        if trusted { self.known } else { self.stranger }
    }

    /// Of the real agent.
    fn public(&self) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(self.agent_keys.identity().public().to_string()).expect("a key's text")
    }
}

/// The hostile end of one connection.
struct End {
    is_host: bool,
    private: [u8; 32],
    /// Of the other end, where this one must know it.
    theirs: Option<Vec<u8>>,
    secret: [u8; 32],
    /// Whether everything up to the end of the handshake was as it should be.
    is_right: bool,
    shaking: Option<HandshakeState>,
    cipher: Option<StatelessTransportState>,
    nonce: u64,
    /// What came after the handshake, encrypted.
    sealed: Vec<u8>,
}

impl End {
    fn new(is_host: bool, private: [u8; 32], theirs: Option<Vec<u8>>) -> Self {
        let (shaking, cipher, sealed) = (None, None, Vec::new());
        Self { is_host, private, theirs, secret: SECRET, is_right: true, shaking, cipher, nonce: 0, sealed }
    }

    /// Does all of it, unless the other end hangs up, and then listens for what else that has to say.
    async fn act(&mut self, mut stream: impl AsyncRead + AsyncWrite + Unpin, steps: &[Step<'_>]) {
        for step in steps {
            if self.take(&mut stream, step).await.is_none() {
                break;
            }
            tokio::task::yield_now().await; // the other end takes it up alone, and not with all that follows
        }
        let _ = self.catch_up(&mut stream).await;
        let _ = stream.shutdown().await; // it may be gone, here and below
        let _ = stream.read_to_end(&mut self.sealed).await;
    }

    async fn take(&mut self, stream: &mut (impl AsyncRead + AsyncWrite + Unpin), step: &Step<'_>) -> Option<()> {
        if !matches!(step, Step::Greet(_)) {
            self.catch_up(stream).await?;
        }
        match step {
            Step::Raw(bytes) => {
                self.is_right &= self.is_through() || bytes.is_empty();
                stream.write_all(bytes).await.ok()
            }
            Step::Greet(rest) => self.greet(stream, rest).await,
            Step::Shake(payload) => self.shake(stream, payload, None).await,
            Step::Spoil(bytes) => match bytes {
                [place, change, payload @ ..] => self.shake(stream, payload, Some((*place, *change))).await,
                _ => None,
            },
            Step::Say(message) => {
                let length = u32::try_from(message.len()).ok()?;
                self.seal(stream, &[&length.to_be_bytes(), *message].concat(), false).await
            }
            Step::Seal(plain) => self.seal(stream, plain, false).await,
            Step::SealBadly(plain) => self.seal(stream, plain, true).await,
            Step::Again => None,
        }
    }

    async fn greet(&mut self, stream: &mut (impl AsyncRead + AsyncWrite + Unpin), rest: &[u8]) -> Option<()> {
        if self.shaking.is_some() || self.is_through() {
            return None;
        }
        let mut mine = [0; 12];
        mine[..8].copy_from_slice(MAGIC);
        mine[8..].copy_from_slice(rest.get(..4)?);
        let mut theirs = [0; 12];
        let mut both = if self.is_host {
            stream.write_all(&mine).await.ok()?;
            stream.read_exact(&mut theirs).await.ok()?;
            [mine, theirs].concat()
        } else {
            stream.read_exact(&mut theirs).await.ok()?;
            stream.write_all(&mine).await.ok()?;
            [theirs, mine].concat()
        };
        if let Some(&change) = rest.get(4).filter(|change| **change > 0) {
            self.is_right = false;
            both[usize::from(change) % 24] ^= change;
        }
        let is_pair = both[10] == 1;
        let pattern = if is_pair { PAIR } else { LINK };
        let mut builder = Builder::new(pattern.parse().ok()?).local_private_key(&self.private).ok()?.prologue(&both).ok()?;
        if is_pair {
            builder = builder.psk(0, &self.secret).ok()?;
        } else if let Some(theirs) = &self.theirs {
            builder = builder.remote_public_key(theirs).ok()?;
        }
        let shaking = if self.is_host { builder.build_initiator() } else { builder.build_responder() };
        self.shaking = Some(shaking.ok()?);
        Some(())
    }

    /// Reads messages of the handshake, while it is the other's turn.
    async fn catch_up(&mut self, stream: &mut (impl AsyncRead + Unpin)) -> Option<()> {
        while let Some(shaking) =
            self.shaking.as_mut().filter(|shaking| !shaking.is_my_turn() && !shaking.is_handshake_finished())
        {
            let mut message = vec![0; usize::from(stream.read_u16().await.ok()?)];
            stream.read_exact(&mut message).await.ok()?;
            shaking.read_message(&message, &mut [0; 1 << 16]).ok()?;
            self.settle()?;
        }
        Some(())
    }

    async fn shake(&mut self, stream: &mut (impl AsyncWrite + Unpin), payload: &[u8], spoil: Option<(u8, u8)>) -> Option<()> {
        let shaking = self.shaking.as_mut()?;
        let mut message = [0; 1 << 16];
        let length = shaking.write_message(&payload[..payload.len().min(60_000)], &mut message).ok()?;
        if let Some((place, change)) = spoil {
            self.is_right = false;
            message[usize::from(place) % length] ^= change.max(1);
        }
        stream.write_u16(u16::try_from(length).ok()?).await.ok()?;
        stream.write_all(&message[..length]).await.ok()?;
        self.settle()
    }

    /// Goes from the handshake to what follows it.
    fn settle(&mut self) -> Option<()> {
        if let Some(done) = self.shaking.take_if(|shaking| shaking.is_handshake_finished()) {
            self.cipher = Some(done.into_stateless_transport_mode().ok()?);
        }
        Some(())
    }

    async fn seal(&mut self, stream: &mut (impl AsyncWrite + Unpin), plain: &[u8], badly: bool) -> Option<()> {
        for plain in plain.chunks(65_000) {
            let mut record = [0; 1 << 16];
            let length = self.cipher.as_ref()?.write_message(self.nonce, plain, &mut record).ok()?;
            self.nonce += 1;
            record[length - 1] ^= u8::from(badly);
            stream.write_u16(u16::try_from(length).ok()?).await.ok()?;
            stream.write_all(&record[..length]).await.ok()?;
        }
        Some(())
    }

    /// What the other end said after the handshake: all of it opens.
    fn heard(&self) -> Vec<u8> {
        let Some(cipher) = &self.cipher else { return Vec::new() };
        let (mut plain, mut sealed, mut nonce) = (Vec::new(), &self.sealed[..], 0);
        while let Some((length, rest)) = sealed.split_first_chunk::<2>() {
            let (record, rest) = rest.split_at(usize::from(u16::from_be_bytes(*length)));
            let mut opened = vec![0; record.len()];
            let length = cipher.read_message(nonce, record, &mut opened).expect("a record of the agent");
            plain.extend_from_slice(&opened[..length]);
            (sealed, nonce) = (rest, nonce + 1);
        }
        plain
    }

    fn is_through(&self) -> bool {
        self.cipher.is_some()
    }
}
