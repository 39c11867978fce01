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

use wx_api::{Cx, Host};
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
                let command = [&[0x00, 0xA4, 0x04, 0x00, aid.len() as u8], &aid[..], &[0x00]].concat();
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
    assert_eq!(says("wx-promise-pro"), [""]);
}

#[test]
fn miniprogram_api_promise_confirms_by_fingerprint() {
    assert_eq!(says("miniprogram-api-promise"), [""]);
}

#[test]
fn minapp_api_promise_is_a_card() {
    assert_eq!(says("minapp-api-promise"), [""]);
}

#[test]
fn flyio_comes_to_its_request() {
    assert_eq!(says("flyio"), [""]);
}

#[test]
fn axios_comes_to_its_request() {
    assert_eq!(says("axios-miniprogram-adapter"), [""]);
}

#[test]
fn wefetch_comes_to_its_request() {
    assert_eq!(says("wefetch"), [""]);
}

#[test]
fn request_miniprogram_comes_to_its_request() {
    assert_eq!(says("request-miniprogram"), [""]);
}

#[test]
fn luch_request_comes_to_its_request() {
    assert_eq!(says("luch-request"), [""]);
}

#[test]
fn weapp_cookie_says_what_it_misses() {
    assert_eq!(says("weapp-cookie"), [""]);
}

#[test]
fn mqtt_comes_to_its_socket() {
    assert_eq!(says("mqtt"), [""]);
}

#[test]
fn socket_io_comes_to_its_socket() {
    assert_eq!(says("weapp.socket.io"), [""]);
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
    let types = npm().join("../../crates/wx-api/wx.d.ts");
    for (script, error) in [
        ("wx.login({ timeout: '5000' })", "TS2322"),
        ("wx.authorize({})", "TS2345"),
        ("wx.startSoterAuthentication({ requestAuthModes: ['toe'], challenge: '1' })", "TS2322"),
        ("wx.login().then(({ token }) => token)", "TS2339"),
        ("wx.onHCEMessage(({ data }) => data.byteLength)", "TS18048"),
        ("wx.sendHCEMessage({ data: 'kAA=' })", "TS2322"),
        ("wx.noSuchApi()", "TS2339"),
        ("wx.canIUse(1)", "TS2345"),
    ] {
        let file = folder.path().join("wrong.ts");
        fs::write(&file, script).unwrap();
        let options = ["--strict", "--noEmit", "--target", "es2022", "--lib", "es2022", "--types", ""];
        let (ok, said) = compiler(&[&options[..], &[file.to_str().unwrap(), types.to_str().unwrap()]].concat());
        assert!(!ok && said.contains(error), "{script}: {said}");
    }
}
