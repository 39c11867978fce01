//! A process that is killed at any moment loses no decision that it answered.
//!
//! `WX_SOAK_KILLS` says how often to kill; the default is short. What a test cannot do is cut the power: it shows that no moment
//! leaves a file torn or a decision behind, not that the disk keeps what it says it has.
#![allow(clippy::unwrap_used, reason = "a test that unwraps wrongly fails, as it should")]
#![cfg(unix)] // a kill that cannot be caught

use std::{
    collections::BTreeMap,
    env, fs,
    hint::spin_loop,
    io::{BufRead, BufReader, Read, Write},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
};

use async_trait::async_trait;
use wx_api::{
    Answer, AppId, Cx, Profile, Prompt, Scope,
    authorization::{Authorization, AuthorizeRequest, GetSettingRequest, OpenSettingRequest},
};
use wx_host::{Consent, ConsentStore, FileStore};

const DIR: &str = "WX_KILL_DIR";
const APP: &str = "WX_KILL_APP";
/// What a line of the child's output starts with; the test harness writes there, too.
const ANSWERED: &str = "answered ";

type Decisions = BTreeMap<Scope, bool>;

/// Decides by the scope and the user; on the settings page turns every switch.
struct Whim;

fn whim(user: &str, scope: Scope) -> bool {
    (user.len() + usize::from(user.as_bytes()[user.len() - 1]) + scope as usize).is_multiple_of(3)
}

#[async_trait]
impl Prompt for Whim {
    async fn ask(&self, cx: &Cx, scope: Scope) -> Answer {
        if whim(cx.user().as_str(), scope) { Answer::Allow } else { Answer::Deny }
    }

    async fn settings(&self, _: &Cx, switches: Decisions) -> Decisions {
        switches.into_iter().map(|(scope, granted)| (scope, !granted)).collect()
    }
}

/// The process that is killed: makes decisions without end, and says each once it was answered.
#[tokio::test]
#[ignore = "runs as the process that the other test kills"]
async fn child() {
    let (dir, app) = (env::var(DIR).unwrap(), env::var(APP).unwrap());
    let consent = Consent::new(Arc::new(Whim), Arc::new(FileStore::open(dir).unwrap()));
    for n in 0.. {
        // Base library 1.9.94 asks for every scope.
        let cx = Cx::new(&app).with_user(n.to_string()).with_profile(Profile::seed());
        for &scope in Scope::ALL {
            let granted = match consent.authorize(&cx, AuthorizeRequest::new(scope)).await {
                Ok(_) => true,
                Err(error) => {
                    assert!(error.code().is_some(), "{error:?}");
                    false
                }
            };
            say(&cx, &[(scope, granted)].into());
        }
        say(&cx, &consent.open_setting(&cx, OpenSettingRequest {}).await.unwrap().auth_setting);
    }
}

fn say(cx: &Cx, decisions: &Decisions) {
    let line = format!("{ANSWERED}{} {}\n", cx.user(), serde_json::to_string(decisions).unwrap());
    let mut out = std::io::stdout().lock();
    out.write_all(line.as_bytes()).and_then(|()| out.flush()).unwrap();
}

fn start(dir: &Path, app: &str) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "child", "--ignored", "--nocapture", "--test-threads=1"])
        .env(DIR, dir)
        .env(APP, app)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Lets a child answer `lines` times and a moment longer, kills it, and says what it answered for each user.
fn run_and_kill(dir: &Path, app: &str, lines: u64, moment: u64) -> BTreeMap<String, Decisions> {
    let mut child = start(dir, app);
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut answered = BTreeMap::<String, Decisions>::new();
    let mut take = |line: &str| {
        // A torn last line was not said.
        let Some(said) = line.strip_suffix('\n').and_then(|line| line.split_once(ANSWERED)) else { return false };
        let (user, decisions) = said.1.split_once(' ').unwrap();
        answered.entry(user.to_owned()).or_default().extend(serde_json::from_str::<Decisions>(decisions).unwrap());
        true
    };
    let (mut heard, mut line) = (0, String::new());
    while heard < lines {
        line.clear();
        assert_ne!(out.read_line(&mut line).unwrap(), 0, "the child ended by itself");
        heard += u64::from(take(&line));
    }
    for _ in 0..moment {
        spin_loop();
    }
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success());
    // What it said between the last line and the kill was answered as well.
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    for line in rest.split_inclusive('\n') {
        take(line);
    }
    answered
}

#[tokio::test]
async fn a_killed_process_loses_nothing_it_answered() {
    let kills: u64 = env::var("WX_SOAK_KILLS").map_or(25, |kills| kills.parse().expect("WX_SOAK_KILLS is a number"));
    let dir = tempfile::tempdir().unwrap();
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    let mut all = Vec::new();
    for kill in 0..kills {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let app = format!("wx{kill}");
        let answered = run_and_kill(dir.path(), &app, 1 + (random >> 32) % 60, (random >> 40) % 400_000);
        let store = FileStore::open(dir.path()).expect("the lock of a killed process is free");
        check(&store, &app, &answered).await;
        all.push((app, answered));
    }
    // Later processes have not harmed the decisions of earlier ones.
    let store = FileStore::open(dir.path()).unwrap();
    for (app, answered) in &all {
        check(&store, app, answered).await;
    }
    let consent = Consent::new(Arc::new(Whim), Arc::new(store));
    for (app, answered) in all {
        let cx = Cx::new(&app).with_user(answered.keys().next().unwrap());
        assert!(!consent.get_setting(&cx, GetSettingRequest {}).await.unwrap().auth_setting.is_empty());
        consent.forget_app(&app.into()).await.unwrap();
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "only the lock is left");
}

/// Everything answered is there. What is there beyond was decided, and not answered before the kill.
async fn check(store: &FileStore, app: &str, answered: &BTreeMap<String, Decisions>) {
    let app = AppId::from(app);
    // One user more: the one whose first decision was under way.
    for n in 0..=answered.len() {
        let user = n.to_string();
        let kept = store.load(&app, &user.as_str().into()).await.unwrap_or_else(|error| panic!("{error}"));
        let answered = answered.get(&user).cloned().unwrap_or_default();
        assert!(kept.len() <= answered.len() + 1, "{app} {user}: {kept:?} is more than {answered:?} and one under way");
        // The last thing a user does is to turn every switch; that may be kept without having been answered.
        let turned = kept.len() == Scope::ALL.len() && kept.iter().all(|(scope, granted)| *granted != whim(&user, *scope));
        for (scope, granted) in answered {
            assert!(kept.get(&scope) == Some(&granted) || turned, "{app} {user}: {scope} was {granted}, kept is {kept:?}");
        }
    }
}
