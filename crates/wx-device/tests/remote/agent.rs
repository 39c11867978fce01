//! The other process: benches, each with an agent and a socket for its handles.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde::Serialize;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use wx_api::Profile;
use wx_conformance::{Bench, Failure, Harness, World};
use wx_device::{Address, Invitation, KeyRing, agent::Agent};
use wx_host::TokioClock;

use super::{
    handles::refused,
    ops::{Op, Opened},
};

static BENCHES: AtomicU64 = AtomicU64::new(0);

/// Serves benches until the process is killed.
pub(super) fn serve(folder: &Path, harness: &Arc<dyn Harness>) -> ! {
    let control = UnixListener::bind(folder.join("control")).unwrap();
    let mut out = std::io::stdout();
    writeln!(out, "ready").unwrap();
    out.flush().unwrap();
    loop {
        let (stream, _) = control.accept().unwrap();
        let number = BENCHES.fetch_add(1, Ordering::Relaxed);
        let (harness, folder) = (harness.clone(), folder.to_owned());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(bench(harness, stream, folder.join(number.to_string())));
        });
    }
}

/// One bench, for as long as its control connection is open.
async fn bench(harness: Arc<dyn Harness>, control: UnixStream, folder: PathBuf) {
    let mut line = String::new();
    BufReader::new(&control).read_line(&mut line).unwrap();
    let profile: Profile = serde_json::from_str(&line).unwrap();
    let opened = match harness.open(profile).await {
        Ok(bench) => Ok(serve_bench(bench, &folder).await),
        Err(why) => Err(why),
    };
    let is_open = opened.is_ok();
    let answer = opened.as_ref().map(|(opened, _)| opened);
    writeln!(&control, "{}", serde_json::to_string(&answer).unwrap()).unwrap();
    if is_open {
        control.set_nonblocking(true).unwrap();
        let mut control = tokio::net::UnixStream::from_std(control).unwrap();
        let _ = tokio::io::AsyncReadExt::read(&mut control, &mut [0]).await; // the end of it, however it comes
    }
    let _ = std::fs::remove_dir_all(&folder);
}

async fn serve_bench(bench: Bench, folder: &Path) -> (Opened, Agent) {
    let keys = Arc::new(KeyRing::open(folder.join("keys")).unwrap());
    let secret = keys.offer(Duration::from_secs(60)).unwrap();
    let agent = Agent::builder(bench.wx, keys, Arc::new(TokioClock)).start(folder.join("journal")).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = Address::Tcp(listener.local_addr().unwrap().to_string());
    let serving = agent.clone();
    tokio::spawn(async move { serving.serve_tcp(listener).await });
    let ops = folder.join("ops");
    let socket = tokio::net::UnixListener::bind(&ops).unwrap();
    let world = bench.world.clone();
    tokio::spawn(async move {
        loop {
            let (stream, _) = socket.accept().await.unwrap();
            tokio::spawn(operate(world.clone(), stream));
        }
    });
    let World { clock, user, server, network, finger, radio, reader } = &bench.world;
    let there = [
        ("clock", clock.is_some()),
        ("user", user.is_some()),
        ("server", server.is_some()),
        ("network", network.is_some()),
        ("finger", finger.is_some()),
        ("radio", radio.is_some()),
        ("reader", reader.is_some()),
    ];
    let handles = there.into_iter().filter(|(_, there)| *there).map(|(name, _)| name.to_owned()).collect();
    let invitation = Invitation::new(address, secret).expose().to_string();
    let (app, user) = (bench.cx.app().to_string(), bench.cx.user().to_string());
    (Opened { ops, invitation, app, user, handles }, agent)
}

async fn operate(world: World, mut stream: tokio::net::UnixStream) {
    let mut line = String::new();
    let (reader, mut writer) = stream.split();
    let mut reader = tokio::io::BufReader::new(reader);
    reader.read_line(&mut line).await.unwrap();
    let op = serde_json::from_str(&line).unwrap();
    // A handle that is no longer waited for is let go of, as it would be without a process in between.
    let gone = async {
        let _ = tokio::io::AsyncReadExt::read(&mut reader, &mut [0]).await;
    };
    tokio::select! {
        answer = perform(world, op) => {
            let _ = writer.write_all(format!("{answer}\n").as_bytes()).await; // who asked may just have gone
        }
        () = gone => {}
    }
}

fn json(value: impl Serialize) -> Value {
    serde_json::to_value(value).unwrap()
}

fn outcome(outcome: Result<(), Failure>) -> Value {
    json(outcome.map_err(|Failure(why)| why))
}

#[allow(clippy::unit_arg)] // what answers nothing answers null
async fn perform(world: World, op: Op) -> Value {
    let World { clock, user, server, network, finger, radio, reader } = world;
    let (clock, user, server) =
        (|| clock.clone().unwrap(), || user.clone().unwrap(), |app: &str| server.clone().unwrap().of(&app.into()));
    let (network, finger) = (|| network.clone().unwrap(), || finger.clone().unwrap());
    let (radio, reader) = (|| radio.clone().unwrap(), || reader.clone().unwrap());
    match op {
        Op::Now => json(clock().now()),
        Op::Advance(by) => json(clock().advance(by).await),
        Op::Answer(scope, choice) => json(user().answer(scope, choice)),
        Op::Prompts => json(user().prompts().into_iter().map(|shown| (shown.app.to_string(), shown.scope)).collect::<Vec<_>>()),
        Op::OpenPrompts => json(user().open_prompts()),
        Op::WaitForPrompts(count) => json(user().wait_for_prompts(count).await),
        Op::Turn(scope, on) => json(user().turn(scope, on)),
        Op::SettingsPages => json(user().settings_pages()),
        Op::UserProfile(lang) => json(user().profile(lang)),
        Op::Rename(name) => outcome(user().rename(&name).await),
        Op::RemoveApp(app) => outcome(user().remove_app(&app.into()).await),
        Op::Exchange(app, code) => {
            let done = server(&app).exchange(&code).await;
            json(done.map(|exchanged| (exchanged.openid, exchanged.session_key, exchanged.unionid)))
        }
        Op::Sign(app, openid, data) => json(server(&app).signature().sign(&openid, &data).await.map_err(refused)),
        Op::Verify(app, openid, data, signature) => {
            json(server(&app).signature().verify(&openid, &data, &signature).await.map_err(refused))
        }
        Op::Seal(app, openid, text) => json(server(&app).signature().seal(&openid, &text).await.map_err(refused)),
        Op::Open(app, openid, sealed) => {
            let done = server(&app).signature().open(&openid, &sealed).await.map_err(refused);
            json(done.map(|opened| (opened.json, opened.watermark)))
        }
        Op::Bind(app, bound) => outcome(server(&app).bind(bound).await),
        Op::Stall => json(network().stall()),
        Op::Hold => json(network().hold()),
        Op::Release => json(network().release()),
        Op::Cut => json(network().cut()),
        Op::Restore => json(network().restore()),
        Op::Touch(touch) => json(finger().touch(touch)),
        Op::Lift => json(finger().lift()),
        Op::Support(supported) => json(finger().support(supported)),
        Op::AuthorizeFinger(allowed) => json(finger().authorize(allowed)),
        Op::Enroll(enrolled) => json(finger().enroll(enrolled)),
        Op::Dialogs => json(finger().dialogs()),
        Op::WaitForDialogs(count) => json(finger().wait_for_dialogs(count).await),
        Op::PublicKey => json(finger().public_key()),
        Op::Nfc(nfc) => json(radio().nfc(nfc)),
        Op::Emulation(possible) => json(radio().emulation(possible)),
        Op::DefaultApp(default) => json(radio().default_app(default)),
        Op::RefuseRegistration(refuse) => json(radio().refuse_registration(refuse)),
        Op::Transceive(command) => json(reader().transceive(&command).await.map(|answer| answer.to_vec())),
        Op::Leave => json(reader().leave().await),
    }
}
