//! What the platform server gets done: `cargo xtask bench platform`.
//!
//! Every figure is a ratio of two sides measured in this one run, round by round in turn, so a slow machine changes both. Server and clients are
//! in one process, so the clients' own work is in both sides too. A figure out of bounds fails the command.
//!
//! Where both sides keep every core busy there are two figures: requests each second by the wall clock, in which waiting shows as well as work,
//! and requests for each second of processor time that this process got, in which the machine's other work shows less.

use std::{fs, net::SocketAddr, path::Path, process::ExitCode, sync::Arc, time::Instant};

use axum::{Router, routing::get};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use wx_host::TokioClock;
use wx_platform::{
    platform::{Platform, Rules},
    server::Server,
    store::{MemoryStore, RedbStore, Store},
    wire::{host, session},
};
use wx_tests::bench::{Bound, Figure, median, report};

const APP: &str = "wx4f4bc4dec97d474b";

#[tokio::main]
async fn main() -> ExitCode {
    // Not all arguments are ours: `cargo bench` adds `--bench`.
    let [clock, processor] = exchange_to_hello_world().await;
    report([clock, processor, many_clients_to_one().await])
}

/// Codes exchanged over the store in memory, each of a user of its own, against axum saying hello.
async fn exchange_to_hello_world() -> [Figure; 2] {
    const ROUNDS: usize = 41;
    const CLIENTS: usize = 32;
    const REQUESTS: usize = 200;
    let bench = Bench::over(Arc::new(MemoryStore::default())).await;
    let hello = hello_world().await;
    let (mut processor, mut clock, mut ours, mut theirs) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let exchanges = run(bench.address, bench.exchanges(CLIENTS, REQUESTS).await, "{\"openid\"").await;
        let hellos = vec![vec!["GET / HTTP/1.1\r\nhost: localhost\r\n\r\n".to_owned(); REQUESTS]; CLIENTS];
        let hellos = run(hello, hellos, "Hello, World!").await;
        processor.push(exchanges.each_processor_second / hellos.each_processor_second);
        clock.push(exchanges.each_second / hellos.each_second);
        ours.push(exchanges.each_second);
        theirs.push(hellos.each_second);
    }
    let (ours, theirs) = (undisturbed(&mut ours), undisturbed(&mut theirs));
    let figure = |name: &str, ratios: &mut [f64], detail: String| Figure {
        name: format!("jscode2session in memory / axum hello-world, {name}"),
        measured: median(ratios),
        bound: Bound::AtLeast(0.7),
        unit: "x",
        detail,
    };
    let speeds = format!("{ours:.0}/s against {theirs:.0}/s, {CLIENTS} connections, each code consumed");
    let same = "the same rounds, where other work on the machine shows less".to_owned();
    [figure("each second", &mut clock, speeds), figure("of a processor", &mut processor, same)]
}

/// Codes exchanged each second on disk, by many clients at once against by one alone.
async fn many_clients_to_one() -> Figure {
    const ROUNDS: usize = 11;
    const CLIENTS: usize = 64;
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder on the disk that holds the build");
    let bench = Bench::over(Arc::new(RedbStore::open(&folder.path().join("store")).expect("a new store"))).await;
    let (mut many, mut one) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        many.push(run(bench.address, bench.exchanges(CLIENTS, 50).await, "{\"openid\"").await.each_second);
        one.push(run(bench.address, bench.exchanges(1, 100).await, "{\"openid\"").await.each_second);
    }
    let (many, one) = (undisturbed(&mut many), undisturbed(&mut one));
    Figure {
        name: "jscode2session on disk, 64 clients / 1 client".to_owned(),
        measured: many / one,
        bound: Bound::AtLeast(10.0),
        unit: "x",
        detail: format!("{many:.0}/s against {one:.0}/s, each code durably consumed ({})", file_system(folder.path())),
    }
}

struct Bench {
    platform: Arc<Platform>,
    address: SocketAddr,
    secret: String,
}

impl Bench {
    async fn over(store: Arc<dyn Store>) -> Self {
        let platform = Platform::open(store, Arc::new(TokioClock), Rules::default()).await.expect("a store that works");
        let made = platform.set_app(&host::App { app: APP.to_owned(), ..host::App::default() }).await.expect("a new app");
        let platform = Arc::new(platform);
        let (listener, address) = listen().await;
        tokio::spawn(Server::new(platform.clone()).serve(listener, std::future::pending()));
        let secret = made.secret.expect("a new app has a secret").expose().to_owned();
        Self { platform, address, secret }
    }

    /// Requests for each client, every one with a code of its own, given out beforehand.
    async fn exchanges(&self, clients: usize, each: usize) -> Vec<Vec<String>> {
        let mut logins = JoinSet::new();
        for client in 0..clients {
            let (platform, secret) = (self.platform.clone(), self.secret.clone());
            logins.spawn(async move {
                let mut requests = Vec::with_capacity(each);
                for number in 0..each {
                    let login = host::LoginRequest { app: APP.to_owned(), user: format!("user-{client}-{number}") };
                    let code = platform.login(&login).await.expect("a login").code;
                    requests.push(format!(
                        "GET {}?appid={APP}&secret={secret}&js_code={}&grant_type=authorization_code HTTP/1.1\r\nhost: localhost\r\n\r\n",
                        session::CODE_TO_SESSION,
                        code.expose(),
                    ));
                }
                requests
            });
        }
        logins.join_all().await
    }
}

async fn hello_world() -> SocketAddr {
    let (listener, address) = listen().await;
    let router = Router::new().route("/", get(|| async { "Hello, World!" }));
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("a bound listener has an address");
    (listener, address)
}

/// How many requests were answered.
struct Throughput {
    each_second: f64,
    each_processor_second: f64,
}

/// Every client sends its requests on one connection, the next when the last is answered, and each answer's body must begin with `expected`.
async fn run(address: SocketAddr, clients: Vec<Vec<String>>, expected: &'static str) -> Throughput {
    let mut connected = Vec::new();
    for requests in clients {
        connected.push((TcpStream::connect(address).await.expect("the server accepts"), requests));
    }
    let (start, processor) = (Instant::now(), processor_seconds());
    let mut running = JoinSet::new();
    for (mut stream, requests) in connected {
        running.spawn(async move {
            let mut buffer = [0; 4096];
            for request in &requests {
                stream.write_all(request.as_bytes()).await.expect("the server reads");
                let body = read_body(&mut stream, &mut buffer).await;
                assert!(body.starts_with(expected), "{body}");
            }
            requests.len()
        });
    }
    let done: usize = running.join_all().await.into_iter().sum();
    let done = f64::from(u32::try_from(done).expect("not that many"));
    let (seconds, processor) = (start.elapsed().as_secs_f64(), processor_seconds() - processor);
    Throughput { each_second: done / seconds, each_processor_second: done / processor }
}

async fn read_body<'a>(stream: &mut TcpStream, buffer: &'a mut [u8]) -> &'a str {
    let mut filled = 0;
    loop {
        let more = stream.read(&mut buffer[filled..]).await.expect("the server answers");
        assert_ne!(more, 0, "the server keeps the connection open");
        filled += more;
        let text = str::from_utf8(&buffer[..filled]).expect("answers are text");
        let Some(end) = text.find("\r\n\r\n") else { continue };
        let length = text[..end].lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.and_then(|length| length.parse().ok()).expect("an answer says how long it is");
        if filled >= end + 4 + length {
            return str::from_utf8(&buffer[end + 4..filled]).expect("answers are text");
        }
    }
}

/// How long the threads of this process were on a processor, as Linux tells it.
fn processor_seconds() -> f64 {
    let threads = fs::read_dir("/proc/self/task").expect("this figure needs Linux's /proc");
    let nanoseconds = |thread: std::io::Result<fs::DirEntry>| {
        let text = fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?; // not of a thread that has just ended
        text.split(' ').next()?.parse::<f64>().ok()
    };
    threads.filter_map(nanoseconds).sum::<f64>() / 1e9
}

/// The value that a tenth of the rounds were above: what else runs on the machine only ever takes away.
fn undisturbed(values: &mut [f64]) -> f64 {
    values.sort_by(|a, b| b.total_cmp(a));
    values[values.len() / 10]
}

/// What the folder is on, as Linux tells it: where syncing costs nothing, the figure tells nothing.
fn file_system(folder: &Path) -> String {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let fields = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let below = fields.filter(|fields| fields.len() > 2 && folder.starts_with(fields[1]));
    below.max_by_key(|fields| fields[1].len()).map_or("unknown".to_owned(), |fields| fields[2].to_owned())
}
