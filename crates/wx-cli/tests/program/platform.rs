//! `wx platform`: a real server, and the commands that look after it.

use std::{
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, Command, Stdio},
    rc::Rc,
};

use tempfile::TempDir;

use crate::{Run, wx};

/// A server that runs.
struct Server {
    /// None once it was stopped.
    child: Option<Child>,
    url: String,
    data: Rc<TempDir>,
}

impl Server {
    fn start(data: Rc<TempDir>) -> Self {
        let mut wx = wx(&["platform", "serve", "--listen", "127.0.0.1:0", "--data", data.path().to_str().unwrap()]);
        let mut child = wx.command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        assert!(url.starts_with("http://127.0.0.1:"), "{url}");
        Self { child: Some(child), url: url.trim_end().to_owned(), data }
    }

    fn ask(&self, args: &[&str]) -> Run {
        let data = self.data.path().to_str().unwrap();
        wx(&[&["platform"], args, &["--url", &self.url, "--data", data]].concat()).run()
    }

    fn key(&self) -> String {
        std::fs::read_to_string(self.data.path().join("host-key")).unwrap().trim().to_owned()
    }

    /// Interrupts it as Ctrl-C does, and answers its exit code and what it said.
    fn stop(mut self) -> (Option<i32>, String, Rc<TempDir>) {
        let child = self.child.take().unwrap();
        let status = Command::new("sh").args(["-c", &format!("kill -INT {}", child.id())]).status().unwrap();
        assert!(status.success());
        let output = child.wait_with_output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap(), self.data.clone())
    }
}

fn serve() -> Server {
    Server::start(Rc::new(tempfile::tempdir().unwrap()))
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

#[test]
fn apps_are_made_changed_listed_and_removed_while_it_runs() {
    let server = serve();
    let added = server.ask(&["app", "add", "wx1", "--account", "acme", "--allow", "127.0.0.1"]).exits(0);
    let secret = added.stdout.trim_end().to_owned();
    assert!(secret.len() >= 32 && added.stderr.contains("shown this once"), "{}", added.stderr);
    let again = server.ask(&["app", "add", "wx1"]).exits(1);
    assert!(again.stdout.is_empty() && again.stderr.contains("is there already"), "{}", again.stderr);
    assert_eq!(server.ask(&["app", "list"]).exits(0).quiet().stdout, "wx1  active  acme  127.0.0.1\n");

    server.ask(&["app", "freeze", "wx1"]).exits(0).quiet();
    server.ask(&["app", "unbind", "wx1"]).exits(0).quiet();
    server.ask(&["app", "allow", "wx1"]).exits(0).quiet();
    server.ask(&["app", "withhold", "wx1", "/cgi-bin/token"]).exits(0).quiet();
    assert_eq!(server.ask(&["app", "list"]).stdout, "wx1  frozen  -  anywhere  /cgi-bin/token\n");
    server.ask(&["app", "thaw", "wx1"]).exits(0).quiet();
    server.ask(&["app", "bind", "wx1", "acme"]).exits(0).quiet();
    let list = server.ask(&["app", "list", "--json"]).exits(0).json();
    assert_eq!((&list[0]["frozen"], &list[0]["account"]), (&false.into(), &"acme".into()));

    let renewed = server.ask(&["app", "secret", "wx1"]).exits(0).stdout;
    assert_ne!(renewed.trim_end(), secret);
    server.ask(&["app", "remove", "wx1"]).exits(0).quiet();
    for args in [&["app", "remove", "wx1"][..], &["app", "freeze", "wx1"], &["app", "secret", "wx1"]] {
        let run = server.ask(args).exits(1);
        assert!(run.stderr.contains("has no app wx1"), "{}", run.stderr);
    }
    assert_eq!(server.stop().0, Some(0));
}

#[test]
fn users_are_made_blocked_and_listed() {
    let server = serve();
    server.ask(&["user", "add", "li", "--nick-name", "Li"]).exits(0).quiet();
    server.ask(&["user", "add", "li"]).exits(1);
    server.ask(&["user", "block", "li"]).exits(0).quiet();
    assert_eq!(server.ask(&["user", "list"]).exits(0).quiet().stdout, "li  blocked  Li\n");
    server.ask(&["user", "unblock", "li"]).exits(0).quiet();
    let list = server.ask(&["user", "list", "--json"]).exits(0).json();
    assert_eq!((&list[0]["blocked"], &list[0]["profile"]["nickName"]), (&false.into(), &"Li".into()));
}

#[test]
fn a_profile_is_changed_part_by_part_and_is_what_get_user_info_answers() {
    let server = serve();
    server.ask(&["app", "add", "wx1"]).exits(0);
    server.ask(&["user", "add", "li", "--gender", "1", "--city", "Guangzhou", "--country", "CN"]).exits(0).quiet();
    server.ask(&["user", "set", "li", "--city", "Shenzhen", "--avatar-url", "https://a.example/1.png"]).exits(0).quiet();
    server.ask(&["user", "set", "li", "--city", "深圳", "--lang", "zh_CN"]).exits(0).quiet();
    let nobody = server.ask(&["user", "set", "wu", "--gender", "2"]).exits(1);
    assert!(nobody.stderr.contains("there is no user wu"), "{}", nobody.stderr);
    server.ask(&["user", "set", "li", "--gender", "3"]).misused("0..=2");

    let key = format!("@{}", server.data.path().join("host-key").display());
    let profile = |lang: &str| {
        let asked = format!("{{\"lang\": \"{lang}\", \"withCredentials\": false}}");
        let host = ["--backend", "desktop", "--platform", &server.url, "--host-key", &key, "--app-id", "wx1", "--user", "li"];
        let run = wx(&[&["call", "getUserInfo", &asked, "--grant", "scope.userInfo"], &host[..]].concat()).run();
        run.exits(0).json()["userInfo"].take()
    };
    let english = profile("en");
    for (field, is) in [("nickName", "li"), ("city", "Shenzhen"), ("country", "CN"), ("avatarUrl", "https://a.example/1.png")] {
        assert_eq!(english[field], is, "{english}");
    }
    assert_eq!((&english["gender"], &profile("zh_CN")["city"]), (&1.into(), &"深圳".into()));
}

#[test]
fn the_host_key_is_its_owners_alone_stays_and_is_never_printed() {
    let server = serve();
    let (path, key) = (server.data.path().join("host-key"), server.key());
    assert_eq!(mode(&path), 0o600);
    let (code, said, data) = server.stop();
    assert_eq!(code, Some(0));
    assert!(said.contains("host-key") && said.contains("stopped") && !said.contains(&key), "{said}");

    let server = Server::start(data);
    assert_eq!(server.key(), key);
    std::fs::remove_file(&path).unwrap();
    let (_, _, data) = server.stop();
    let server = Server::start(data);
    assert_ne!(server.key(), key, "a lost key is replaced");
    let refused = wx(&["platform", "app", "list", "--url", &server.url]).env("WX_HOST_KEY", &key).run().exits(1);
    assert!(refused.stderr.contains("40001") && !refused.stderr.contains(&key), "{}", refused.stderr);
}

#[test]
fn the_desktop_signs_in_at_a_server_that_runs() {
    let server = serve();
    let call = |api: &str| {
        let key = server.data.path().join("host-key");
        let key = format!("@{}", key.display());
        wx(&["call", api, "--backend", "desktop", "--platform", &server.url, "--host-key", &key, "--app-id", "wx1"]).run()
    };
    let unknown = call("login").exits(1);
    assert!(unknown.json()["errMsg"].as_str().unwrap().contains("40013"), "{}", unknown.stdout);
    server.ask(&["app", "add", "wx1"]).exits(0);
    assert!(call("login").exits(0).json()["code"].is_string());
}

#[test]
fn two_servers_on_one_folder_and_a_server_that_is_not_there_are_told() {
    let server = serve();
    let data = server.data.path().to_str().unwrap();
    let second = wx(&["platform", "serve", "--listen", "127.0.0.1:0", "--data", data]).run().exits(1);
    assert!(second.stdout.is_empty() && second.stderr.contains("in use by another server"), "{}", second.stderr);
    let nobody = wx(&["platform", "app", "list", "--url", "http://127.0.0.1:9", "--data", data]).run().exits(1);
    assert!(nobody.stderr.contains("is `wx platform serve` running?"), "{}", nobody.stderr);
    wx(&["platform", "app", "list"]).run().misused("host-key cannot be read");
    wx(&["platform", "serve", "--listen", "here"]).run().misused("invalid");
    wx(&["platform", "serve", "--soter-device", "5f1"]).run().misused("a fingerprint has 64 hexadecimal digits");
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill(); // it may have ended by itself
            let _ = child.wait();
        }
    }
}
