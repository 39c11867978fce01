//! A server that is killed at any moment loses nothing that it answered, and lets no code work twice.
//!
//! `WX_SOAK_KILLS` says how often to kill; the default is short. What a test cannot do is cut the power: it shows that no moment leaves
//! the file torn or an answer behind, not that the disk keeps what it says it has.
#![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed
#![cfg(all(feature = "server", unix))] // a kill that cannot be caught

#[path = "server/chain.rs"]
mod chain;

use std::{
    env,
    hint::spin_loop,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::SocketAddr,
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{mpsc, oneshot},
    task::JoinSet,
};
use wx_crypto::{SessionKey, SoterSigner, pss};
use wx_host::TokioClock;
use wx_platform::{
    platform::{Platform, Rules},
    server::Server,
    store::RedbStore,
    wire::{host, session, soter, token},
};

const FOLDER: &str = "WX_KILL_FOLDER";
/// What the line of the child's output starts with that says where it listens; the test harness writes there, too.
const LISTENS: &str = "listens at ";
const APP: &str = "wx4f4bc4dec97d474b";
const USERS: usize = 12;
/// Codes older than this are not asked for again: an expired one is refused in another way than a used one.
const FRESH: Duration = Duration::from_secs(200);

/// The server over its store, with as many exchanges as one likes.
async fn platform(folder: &Path) -> Platform {
    let store = RedbStore::open(folder).expect("the lock of a killed process is free, and the file can be read");
    let rules = Rules { exchanges_per_minute_and_user: 0, ..Rules::default() };
    Platform::open(Arc::new(store), Arc::new(TokioClock), rules).await.unwrap()
}

/// The process that is killed: a server. It ends by itself once its input does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "runs as the process that the other test kills"]
async fn child() {
    let platform = platform(env::var(FOLDER).unwrap().as_ref()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let line = format!("{LISTENS}{}\n", listener.local_addr().unwrap());
    io::stdout().lock().write_all(line.as_bytes()).unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    std::thread::spawn(move || {
        io::stdin().read_to_end(&mut Vec::new()).unwrap();
        drop(stop);
    });
    Server::new(Arc::new(platform)).serve(listener, async { drop(stopped.await) }).await.unwrap();
}

/// The running child.
struct Running {
    process: Child,
    /// Kept, so that the child can write.
    _out: BufReader<ChildStdout>,
    address: SocketAddr,
}

fn start(folder: &Path) -> Running {
    let mut process = Command::new(env::current_exe().unwrap())
        .args(["--exact", "child", "--ignored", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(process.stdout.take().unwrap());
    let mut line = String::new();
    let address = loop {
        line.clear();
        assert_ne!(out.read_line(&mut line).unwrap(), 0, "the server does not start");
        if let Some((_, address)) = line.trim_end().split_once(LISTENS) {
            break address.parse().unwrap();
        }
    };
    Running { process, _out: out, address }
}

/// A connection that stays.
struct Connection(TcpStream);

impl Connection {
    /// Asks without a header of its own.
    async fn ask(&mut self, target: &str, body: &str) -> io::Result<Value> {
        self.ask_with(target, "", body).await
    }

    async fn ask_with(&mut self, target: &str, headers: &str, body: &str) -> io::Result<Value> {
        let length = body.len();
        let request = format!("{target} HTTP/1.1\r\nhost: x\r\n{headers}content-length: {length}\r\n\r\n{body}");
        self.0.write_all(request.as_bytes()).await?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.0.read_u8().await?);
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        let length = head.split_once("content-length: ").unwrap().1.split_once("\r\n").unwrap().0;
        let mut body = vec![0; length.parse().unwrap()];
        self.0.read_exact(&mut body).await?;
        Ok(serde_json::from_slice(&body).unwrap())
    }
}

/// What an answer that may not have come says about a thing that happens once.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Happened {
    No,
    /// Asked, and nobody answered.
    Maybe,
    Yes,
}

/// One user: what was asked in their name, one thing after another, and what the server answered.
struct User {
    name: String,
    openid: String,
    /// Each with when it was asked for, and whether it was exchanged.
    codes: Vec<(Instant, String, Happened)>,
    /// The current key, if no login or reset came after it whose answer is not known.
    key: Option<SessionKey>,
    /// The key before a reset that nobody answered.
    or_still: Option<SessionKey>,
    /// The last counter that was accepted.
    counter: u64,
    /// Whether the next one was sent, and nobody answered.
    next_counter: Happened,
    tokens: Vec<String>,
    random: u64,
}

/// What everybody knows.
struct Known {
    secret: String,
    host: String,
    signer: SoterSigner,
}

/// A user at work.
struct At<'a> {
    known: &'a Known,
    one: Connection,
    other: Connection,
}

impl<'a> At<'a> {
    async fn connect(known: &'a Known, address: SocketAddr) -> io::Result<Self> {
        let (one, other) = (TcpStream::connect(address).await?, TcpStream::connect(address).await?);
        Ok(Self { known, one: Connection(one), other: Connection(other) })
    }

    async fn token(&mut self) -> io::Result<String> {
        let secret = &self.known.secret;
        let target = format!("GET {}?appid={APP}&secret={secret}&grant_type=client_credential", token::TOKEN);
        let answer = self.one.ask(&target, "").await?;
        Ok(answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned())
    }

    async fn as_host(&mut self, path: &str, body: &Value) -> io::Result<Value> {
        let key = format!("authorization: Bearer {}\r\n", self.known.host);
        self.one.ask_with(&format!("POST {path}"), &key, &body.to_string()).await
    }

    /// Exchanges a code on two connections at once; answers what the one that got a session got. An answer that did not come is an error
    /// unless the other one got the session.
    async fn exchange(&mut self, code: &str) -> io::Result<Option<Value>> {
        let (path, secret) = (session::CODE_TO_SESSION, &self.known.secret);
        let target = format!("GET {path}?appid={APP}&secret={secret}&js_code={code}&grant_type=authorization_code");
        let (one, other) = tokio::join!(self.one.ask(&target, ""), self.other.ask(&target, ""));
        let got = |answer: &io::Result<Value>| answer.as_ref().is_ok_and(|answer| answer["session_key"].is_string());
        for answer in [&one, &other].into_iter().flatten() {
            assert!(answer["session_key"].is_string() || answer["errcode"] == 40163, "{answer}");
        }
        assert!(!(got(&one) && got(&other)), "a code works twice");
        if got(&one) {
            return one.map(Some);
        }
        if got(&other) {
            return other.map(Some);
        }
        one.and(other).map(|_| None)
    }

    async fn with_key(&mut self, path: &str, token: &str, openid: &str, key: &SessionKey) -> io::Result<Value> {
        let signature = session::sign(b"", key);
        let query = format!("access_token={token}&openid={openid}&signature={signature}&sig_method=hmac_sha256");
        self.one.ask(&format!("GET {path}?{query}"), "").await
    }

    async fn verify(&mut self, token: &str, openid: &str, counter: u64) -> io::Result<bool> {
        let result = json!({ "raw": "x", "fid": "1", "counter": counter, "cpu_id": "c", "uid": "1" }).to_string();
        let signature = STANDARD.encode(pss::sign(&self.known.signer, result.as_bytes(), wx_crypto::SaltLen::Bytes20).unwrap());
        let body = json!({ "openid": openid, "json_string": result, "json_signature": signature });
        let answer = self.one.ask(&format!("POST {}?access_token={token}", soter::VERIFY_SIGNATURE), &body.to_string()).await?;
        Ok(answer["is_ok"].as_bool().unwrap_or_else(|| panic!("{answer}")))
    }
}

impl User {
    /// Who has signed in once, has a device, and a token of the app.
    async fn new(n: usize, at: &mut At<'_>) -> io::Result<Self> {
        let name = format!("user {n}");
        let code = at.as_host(host::LOGIN, &json!({ "app": APP, "user": name })).await?["code"].as_str().unwrap().to_owned();
        let got = at.exchange(&code).await?.expect("a new code is good");
        let device = chain::enrolment(APP, &name, at.known.signer.public_pem());
        assert_eq!(at.as_host(host::ENROL_SOTER_KEY, &device).await?["attested"], false);
        Ok(Self {
            name,
            openid: got["openid"].as_str().unwrap().to_owned(),
            codes: vec![(Instant::now(), code, Happened::Yes)],
            key: Some(key_of(&got)),
            or_still: None,
            counter: 0,
            next_counter: Happened::No,
            tokens: vec![at.token().await?],
            random: 0x9E37_79B9_7F4A_7C15 ^ n as u64,
        })
    }

    fn random(&mut self, below: usize) -> usize {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.random >> 33).unwrap() % below
    }

    fn token(&mut self) -> String {
        let nth = self.random(self.tokens.len());
        self.tokens[nth].clone()
    }

    /// Does one thing. Before it asks, it notes what the server may do even if it does not come to answer.
    async fn step(&mut self, at: &mut At<'_>) -> io::Result<()> {
        match self.random(10) {
            0..3 => {
                (self.key, self.or_still) = (None, None);
                let answer = at.as_host(host::LOGIN, &json!({ "app": APP, "user": self.name })).await?;
                let code = answer["code"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
                self.codes.push((Instant::now(), code, Happened::No));
                Ok(())
            }
            3..6 => {
                let nth = self.codes.len() - 1 - self.random(self.codes.len().min(3));
                self.exchange(nth, at).await
            }
            6 => self.check(at).await,
            7 => {
                let Some(key) = self.key.take() else { return self.check(at).await };
                let token = self.token();
                self.or_still = Some(key.clone());
                let answer = at.with_key(session::RESET_SESSION_KEY, &token, &self.openid, &key).await?;
                (self.key, self.or_still) = (Some(key_of(&answer)), None);
                Ok(())
            }
            8 => self.verify(at).await,
            _ => {
                let token = at.token().await?;
                self.tokens.push(token);
                let old = self.tokens.len().saturating_sub(3);
                self.tokens.drain(..old);
                Ok(())
            }
        }
    }

    /// A code works once: if it was not used it works now, and if nobody knows it may.
    async fn exchange(&mut self, nth: usize, at: &mut At<'_>) -> io::Result<()> {
        let (asked, code, before) = self.codes[nth].clone();
        if asked.elapsed() > FRESH {
            return Ok(());
        }
        self.codes[nth].2 = before.max_maybe();
        let got = at.exchange(&code).await?;
        self.codes[nth].2 = Happened::Yes;
        match before {
            Happened::No => assert!(got.is_some(), "{}: a code that was answered is lost", self.name),
            Happened::Maybe => {}
            Happened::Yes => assert!(got.is_none(), "{}: a code works twice", self.name),
        }
        if let Some(got) = got {
            assert_eq!(got["openid"], *self.openid, "the identity of the server has changed");
            let now = key_of(&got);
            assert!(self.key.as_ref().is_none_or(|key| *key == now), "{}: a session that was answered is lost", self.name);
            (self.key, self.or_still) = (Some(now), None);
        }
        Ok(())
    }

    /// The session key is the one that was answered last; tokens that were answered are good.
    async fn check(&mut self, at: &mut At<'_>) -> io::Result<()> {
        let (token, sure) = (self.token(), self.key.is_some());
        let Some(key) = self.key.clone().or_else(|| self.or_still.clone()) else { return Ok(()) };
        let answer = at.with_key(session::CHECK_SESSION, &token, &self.openid, &key).await?;
        match answer["errcode"].as_i64().unwrap() {
            0 => (self.key, self.or_still) = (Some(key), None),
            87009 if !sure => self.or_still = None, // the reset happened, and its answer is lost
            _ => panic!("{}: a session or a token that was answered is lost: {answer}", self.name),
        }
        Ok(())
    }

    /// A counter is accepted once, and none below it ever again.
    async fn verify(&mut self, at: &mut At<'_>) -> io::Result<()> {
        let (token, counter, before) = (self.token(), self.counter + 1, self.next_counter);
        self.next_counter = Happened::Maybe;
        let accepted = at.verify(&token, &self.openid, counter).await?;
        assert!(accepted || before == Happened::Maybe, "{}: counter {counter} was there before", self.name);
        (self.counter, self.next_counter) = (counter, Happened::No);
        assert!(!at.verify(&token, &self.openid, counter).await?, "{}: counter {counter} went back", self.name);
        Ok(())
    }

    /// Looks at everything that was ever answered.
    async fn check_all(&mut self, at: &mut At<'_>) -> io::Result<Counts> {
        self.codes.retain(|(asked, ..)| asked.elapsed() < FRESH);
        self.check(at).await?;
        for token in self.tokens.clone() {
            // An openid that nobody has: the answer is about the token alone.
            let answer = at.with_key(session::CHECK_SESSION, &token, "o", &SessionKey::from_bytes([0; 16])).await?;
            assert_eq!(answer["errcode"], 40003, "{}: a token that was answered is lost: {answer}", self.name);
        }
        assert!(!at.verify(&self.tokens[0].clone(), &self.openid, self.counter).await? || self.counter == 0);
        self.verify(at).await?;
        let unanswered = self.codes.iter().filter(|(.., used)| *used == Happened::Maybe).count();
        for nth in 0..self.codes.len() {
            self.exchange(nth, at).await?; // and now that it is used:
            self.exchange(nth, at).await?;
        }
        let counts = Counts { answers: 0, codes: self.codes.len(), unanswered, sessions: 1, tokens: self.tokens.len() };
        // So that rounds stay short. The latest are asked for again in rounds to come.
        let old = self.codes.len().saturating_sub(20);
        self.codes.drain(..old);
        Ok(counts)
    }
}

impl Happened {
    /// After it was asked for, and before an answer.
    fn max_maybe(self) -> Self {
        if self == Self::Yes { Self::Yes } else { Self::Maybe }
    }
}

fn key_of(answer: &Value) -> SessionKey {
    SessionKey::from_base64(answer["session_key"].as_str().unwrap_or_else(|| panic!("{answer}"))).unwrap()
}

/// What was looked at, for whoever runs this for long.
#[derive(Debug, Default)]
struct Counts {
    answers: u64,
    codes: usize,
    unanswered: usize,
    sessions: usize,
    tokens: usize,
}

impl Counts {
    fn add(&mut self, more: &Self) {
        self.answers += more.answers;
        self.codes += more.codes;
        self.unanswered += more.unanswered;
        self.sessions += more.sessions;
        self.tokens += more.tokens;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_loses_nothing_it_answered_and_lets_no_code_work_twice() {
    let kills: u64 = env::var("WX_SOAK_KILLS").map_or(10, |kills| kills.parse().expect("WX_SOAK_KILLS is a number"));
    let folder = tempfile::tempdir().unwrap();
    let known = Arc::new(set_up(folder.path()).await);
    let (mut users, mut counts, mut random) = (Vec::new(), Counts::default(), 0x2545_F491_4F6C_DD1D_u64);
    let begin = Instant::now();
    let mut server = start(folder.path());
    for n in 0..USERS {
        users.push(User::new(n, &mut At::connect(&known, server.address).await.unwrap()).await.unwrap());
    }
    for _ in 0..kills {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (answers, moment) = (1 + (random >> 32) % 400, (random >> 40) % 400_000);
        users = work_until_killed(&known, server, users, answers, moment).await;
        counts.answers += answers;
        server = start(folder.path());
        let mut checks = JoinSet::new();
        for mut user in users {
            let (known, address) = (known.clone(), server.address);
            checks.spawn(async move {
                let mut at = At::connect(&known, address).await.unwrap();
                let counts = user.check_all(&mut at).await.expect("the new server answers");
                (user, counts)
            });
        }
        users = Vec::new();
        for (user, of_user) in checks.join_all().await {
            users.push(user);
            counts.add(&of_user);
        }
    }
    drop(server.process.stdin.take());
    assert!(server.process.wait().unwrap().success(), "it stops by itself once it is told to");
    assert!(counts.codes > 0 && counts.answers > 0);
    #[allow(clippy::print_stdout, reason = "shown with --nocapture, to whoever runs this for long")]
    {
        println!("{kills} kills in {:.0?}: {counts:?}", begin.elapsed());
    }
}

/// An app and a host, made before there is a server.
async fn set_up(folder: &Path) -> Known {
    let platform = platform(folder).await;
    let app = platform.set_app(&host::App { app: APP.to_owned(), ..host::App::default() }).await.unwrap();
    let host = platform.add_host_key("host", false).await.unwrap();
    Known {
        secret: app.secret.unwrap().expose().to_owned(),
        host: host.expose().to_owned(),
        signer: SoterSigner::from_pkcs8_pem(chain::PEM).unwrap(),
    }
}

/// Lets every user work until so many answers came and a moment longer, and kills the server.
async fn work_until_killed(known: &Arc<Known>, mut server: Running, users: Vec<User>, answers: u64, moment: u64) -> Vec<User> {
    let (answered, mut heard) = mpsc::unbounded_channel();
    let mut work = JoinSet::new();
    for mut user in users {
        let (known, address, answered) = (known.clone(), server.address, answered.clone());
        work.spawn(async move {
            let mut at = At::connect(&known, address).await.unwrap();
            while user.step(&mut at).await.is_ok() {
                let _ = answered.send(());
            }
            user
        });
    }
    drop(answered);
    for _ in 0..answers {
        heard.recv().await.expect("the server ended by itself");
    }
    for _ in 0..moment {
        spin_loop();
    }
    server.process.kill().unwrap();
    assert!(!server.process.wait().unwrap().success());
    let users = work.join_all().await; // panics with whoever found something wrong
    assert_eq!(users.len(), USERS);
    users
}
