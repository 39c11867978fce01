//! Published packages that need nothing but a `wx` global, unmodified over the mock, and the TypeScript compiler over `wx.d.ts`.
//!
//! `docs/npm.md` says what of each package runs.

#![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

use std::{
    cell::RefCell,
    fs,
    path::{Path, PathBuf},
    process::Command,
    rc::Rc,
    sync::Arc,
};

use wx_api::{Cx, Host, user::Lang};
use wx_host::{Consent, MemoryStore, Wx};
use wx_js::{Engine, Fault};
use wx_mock::{Touch, World};

/// The folder of the packages, once they are installed.
fn npm() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("npm");
    assert!(folder.join("node_modules").is_dir(), "the packages are not installed: run `npm ci --prefix tests/npm`");
    folder
}

/// Runs `tests/npm/scripts/<name>.js` to its end: how it ended, and what the console says.
fn run(name: &str) -> (Result<(), Fault>, Vec<String>) {
    let (world, cx) = (World::new(7), Cx::new("wx4f4bc4dec97d474b"));
    world.finger().touch(Touch::Match);
    let consent = Consent::new(world.user().clone(), Arc::new(MemoryStore::default()));
    let wx = Wx::builder(Host { authorization: Some(Arc::new(consent)), ..world.host() }).build();
    let (server, reader) = (world.server(cx.app()), world.reader().clone());
    let lines = Rc::new(RefCell::new(Vec::new()));
    let sink = lines.clone();
    let engine = Engine::builder(wx, cx)
        .clock(world.clock().clone())
        .root(npm())
        .console(move |_, line| sink.borrow_mut().push(line.to_owned()))
        .function("server.exchange", move |(code,): (String,)| Ok(server.exchange(&code).is_ok()))
        .async_function("reader.select", move |(aid,): (String,)| {
            let reader = reader.clone();
            async move {
                let aid = (0..aid.len() / 2).map(|i| u8::from_str_radix(&aid[2 * i..2 * i + 2], 16));
                let aid = aid.collect::<Result<Vec<u8>, _>>().map_err(|error| error.to_string())?;
                let length = u8::try_from(aid.len()).map_err(|error| error.to_string())?;
                let command = [&[0x00, 0xA4, 0x04, 0x00, length], &aid[..], &[0x00]].concat();
                Ok(reader.transceive(&command).await.map(|response| response.to_vec()))
            }
        });
    let mut engine = engine.build().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let script = format!("scripts/{name}.js");
    let ended = runtime.block_on(world.clock().run(engine.run_file(&script))).expect("the script waits for what nobody does");
    (ended, lines.take())
}

/// What a script that runs well says.
fn says(name: &str) -> Vec<String> {
    let (ended, lines) = run(name);
    assert_eq!(ended, Ok(()), "{lines:#?}");
    lines
}

#[test]
fn wx_promise_pro_signs_in_and_asks_for_consent() {
    let profile = World::new(7).user().profile(Lang::En);
    let (record, moon) = ("{ 'scope.record': true }", "authorize:fail invalid scope -12001");
    assert_eq!(says("wx-promise-pro"), ["login:ok true", "authorize:ok", record, &profile.nick_name, moon, "finally"]);
}

#[test]
fn miniprogram_api_promise_confirms_by_fingerprint() {
    let soter = ["[ 'fingerPrint' ]", "true", "fingerPrint 42", "90003"];
    assert_eq!(says("miniprogram-api-promise"), [&soter[..], &["true", "checkSession:ok"]].concat());
}

#[test]
fn minapp_api_promise_is_a_card() {
    let greeting = ["promise已经启用", "requestfix启用"];
    let started = "{ errMsg: 'startHCE:ok', errCode: 0, intercepted: true }";
    let card = ["0", "13006", started, "a4", "[ 144, 0 ]", "stopHCE:ok"];
    assert_eq!(says("minapp-api-promise"), [&greeting[..], &card].concat());
}

/// What follows a request: a `TypeError`, for there is no `wx.request`.
const NO_REQUEST: &str = "true undefined";

#[test]
fn flyio_comes_to_its_request() {
    let (ended, lines) = run("flyio");
    assert_eq!(lines.first().map(String::as_str), Some("POST https://example.com /orders { id: 42 }"));
    // It calls `wx.request` where no promise of its own sees what is thrown.
    let Err(Fault::Uncaught(uncaught)) = ended else { panic!("{ended:?}") };
    assert_eq!(uncaught.to_string(), "node_modules/flyio/dist/npm/wx.js:777:16: TypeError: not a function");
}

#[test]
fn axios_comes_to_its_request() {
    let expected = ["/a?b[]=1&b[]=2&c=d+e", "post https://example.com /orders", NO_REQUEST];
    assert_eq!(says("axios-miniprogram-adapter"), expected);
}

#[test]
fn wefetch_comes_to_its_request() {
    assert_eq!(says("wefetch"), ["get https://example.com/orders t", NO_REQUEST]);
}

#[test]
fn request_miniprogram_comes_to_its_request() {
    assert_eq!(says("request-miniprogram"), ["POST https://example.com/orders { id: 42 }", NO_REQUEST]);
}

#[test]
fn luch_request_comes_to_its_request() {
    assert_eq!(says("luch-request"), ["GET /orders t", NO_REQUEST]);
}

#[test]
fn weapp_cookie_keeps_cookies_for_as_long_as_the_script_runs() {
    let said = says("weapp-cookie");
    let [reading, saving, cookies, apis] = said.as_slice() else { panic!("{said:#?}") };
    assert!(reading.contains("TypeError: not a function\n    at getItem"), "{reading}");
    assert!(saving.contains("TypeError: not a function\n    at setItem"), "{saving}");
    assert_eq!([cookies, apis], ["100 false", "undefined"]);
}

#[test]
fn mqtt_comes_to_its_socket() {
    assert_eq!(says("mqtt"), ["function function function", "true undefined"]);
}

#[test]
fn socket_io_comes_to_its_socket() {
    assert_eq!(says("weapp.socket.io"), ["5 function", "true timeout undefined"]);
}

/// What the TypeScript compiler says of these files, in its strictest mode.
fn compiler(arguments: &[&str]) -> (bool, String) {
    let npm = npm();
    let compiler = npm.join("node_modules/typescript/bin/tsc");
    let ran = Command::new("node").arg(compiler).args(arguments).current_dir(&npm).output();
    let ran = ran.expect("node, which runs the TypeScript compiler, cannot be started");
    (ran.status.success(), String::from_utf8_lossy(&ran.stdout).into_owned())
}

#[test]
fn the_examples_agree_with_the_types() {
    let (ok, said) = compiler(&["--project", "tsconfig.json"]);
    assert!(ok, "{said}");
    let (_, files) = compiler(&["--project", "tsconfig.json", "--listFilesOnly"]);
    let examples = fs::read_dir(npm().join("../../crates/wx-cli/examples")).unwrap();
    for example in examples.map(|entry| entry.unwrap().file_name()).filter(|name| name.to_string_lossy().ends_with(".js")) {
        assert!(files.contains(example.to_str().unwrap()), "{example:?} was not looked at");
    }
}

#[test]
fn the_types_refuse_what_the_contract_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = [
        ("wx.login({ timeout: '5000' })", "TS2322"),
        ("wx.authorize({})", "TS2345"),
        ("wx.startSoterAuthentication({ requestAuthModes: ['toe'], challenge: '1' })", "TS2322"),
        ("wx.login().then(({ token }) => token)", "TS2339"),
        ("wx.onHCEMessage(({ data }) => data.byteLength)", "TS18048"),
        ("wx.sendHCEMessage({ data: 'kAA=' })", "TS2322"),
        ("wx.noSuchApi()", "TS2339"),
        ("wx.canIUse(1)", "TS2345"),
    ];
    let files: Vec<PathBuf> = (0..wrong.len()).map(|i| folder.path().join(format!("wrong-{i}.ts"))).collect();
    for (file, (script, _)) in files.iter().zip(wrong) {
        fs::write(file, script).unwrap();
    }
    let types = npm().join("../../crates/wx-api/wx.d.ts");
    let mut arguments = vec!["--strict", "--noEmit", "--target", "es2022", "--lib", "es2022", types.to_str().unwrap()];
    arguments.extend(files.iter().map(|file| file.to_str().unwrap()));
    let (ok, said) = compiler(&arguments);
    assert!(!ok);
    for (i, (script, error)) in wrong.into_iter().enumerate() {
        let found = said.lines().any(|line| line.contains(&format!("wrong-{i}.ts(1,")) && line.contains(error));
        assert!(found, "{script}: {said}");
    }
}
