//! What a host does with a device elsewhere.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    path::Path,
    process::{Child, Stdio},
};

use super::{Home, WX, paired, signal};

const ANYWHERE: &str = "tcp://127.0.0.1:0";

/// What every way to a device must do.
fn calls_and_runs(host: &Home, address: &str) {
    let via = ["--backend", address];
    let login = host.run(&[&["call", "login"], &via[..]].concat()).exits(0).quiet().json();
    assert!(login["code"].is_string(), "{login}");
    let signed_in = host.example(&via, "sign-in", &[]).exits(0).quiet();
    assert_eq!(signed_in.stdout, "a code to sign in with\nsigned: true\n");
    let order = host.example(&via, "order", &["42"]).exits(0).quiet();
    assert!(order.stdout.starts_with("supported: fingerPrint\nconfirmed: order 42, counter 1, "), "{}", order.stdout);
    let apis = host.run(&[&["apis", "--json"], &via[..]].concat()).exits(0).quiet().json();
    assert!(apis.as_array().unwrap().iter().all(|api| api["supported"] == true), "{apis}");
}

/// A file in which the finger confirms once, in this folder.
fn finger(folder: &Path) -> String {
    let path = folder.join("world.toml");
    std::fs::write(&path, "[fingerprint]\nnext = ['match']").unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_host_calls_and_runs_over_tcp_and_over_a_socket() {
    let folder = tempfile::tempdir().unwrap();
    let world = finger(folder.path());
    for listen in [ANYWHERE, &format!("unix://{}", folder.path().join("wx.sock").display())] {
        let (_device, agent, host) = paired(listen, &["--world", &world]);
        calls_and_runs(&host, &agent.address);
        assert_eq!(agent.stop("INT"), (Some(0), "wx: stopped\n".to_owned()));
        let away = host.run(&["call", "login", "--backend", &known(&host)]).exits(1);
        assert!(
            away.stderr.contains("is away") && away.stderr.contains("is `wx agent serve` running there?"),
            "{}",
            away.stderr
        );
    }
}

/// The address of the one device that a host knows.
fn known(host: &Home) -> String {
    host.run(&["agent", "devices", "--json"]).exits(0).json()[0]["address"].as_str().unwrap().to_owned()
}

#[test]
fn the_real_parts_of_a_machine_are_served_too() {
    let (_device, agent, host) = paired(ANYWHERE, &["--backend", "desktop", "--grant", "scope.userInfo"]);
    let via = ["--backend", agent.address.as_str()];
    assert_eq!(host.example(&via, "sign-in", &[]).exits(0).quiet().stdout, "a code to sign in with\nsigned: true\n");
    let asked = host.run(&[&["call", "authorize", r#"{"scope": "scope.record"}"#], &via[..]].concat()).exits(1).quiet();
    assert_eq!(asked.json()["errMsg"], "authorize:fail cancel");
    let (code, said) = agent.stop("INT");
    assert_eq!(code, Some(0));
    assert!(said.contains("asks for scope.record and nobody can answer") && said.ends_with("wx: stopped\n"), "{said}");
}

#[test]
fn a_host_starts_the_agent_itself_by_a_command() {
    let (device, host) = (Home::new(), Home::new());
    let (world, script, ends) = (finger(device.path()), device.path().join("agent.sh"), device.path().join("ends"));
    let serve = format!("HOME={} {WX} agent serve --stdio --name kiosk --world {world}", device.path().display());
    std::fs::write(&script, format!("{serve}; echo ended with $? >> {}", ends.display())).unwrap();
    let address = format!("exec:///bin/sh {}", script.display());
    host.joins(&device.invites(&["--address", &address]), &["--exec"]).exits(0);
    assert_eq!(known(&host), address);
    calls_and_runs(&host, &address);
    let ends = std::fs::read_to_string(ends).unwrap();
    assert_eq!(
        ends,
        "ended with 0\n".repeat(5),
        "an agent that is killed leaves its session behind, of which there may be so many"
    );

    let wrong = address.replace("agent.sh", "other.sh");
    let unpaired = host.run(&["call", "login", "--backend", &wrong]).exits(1);
    assert!(unpaired.stderr.contains("no device is paired at"), "{}", unpaired.stderr);
    device.run(&["agent", "revoke", "laptop"]).exits(0);
    let refused = host.run(&["call", "login", "--backend", &address]).exits(1);
    assert!(refused.stderr.contains("pair the two again"), "{}", refused.stderr);
}

/// A script that goes on until it is ended: a card that waits for its reader.
struct Card(Child);

impl Drop for Card {
    fn drop(&mut self) {
        let _ = self.0.kill(); // it may have ended by itself
        let _ = self.0.wait();
    }
}

fn card(host: &Home, address: &str) -> Card {
    let path = format!("{}/examples/transit-card.js", env!("CARGO_MANIFEST_DIR"));
    let mut wx = host.wx(&["run", "--backend", address, &path]);
    let mut card = Card(wx.command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap());
    let mut line = String::new();
    BufReader::new(card.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "the card is ready\n");
    card
}

#[test]
fn a_host_that_is_interrupted_says_goodbye() {
    let (_device, agent, host) = paired(ANYWHERE, &["-v"]);
    let mut card = card(&host, &agent.address);
    signal(&card.0, "INT");
    agent.says("a host left");
    assert_eq!(card.0.wait().unwrap().code(), Some(130));
}

#[test]
fn hosts_that_are_killed_do_not_keep_the_next_one_out() {
    let (_device, agent, host) = paired(ANYWHERE, &[]);
    for _ in 0..65 {
        drop(card(&host, &agent.address)); // 64 are kept for five minutes, lest they come back
    }
    host.run(&["call", "login", "--backend", &agent.address]).exits(0).quiet();
}

#[test]
fn who_is_revoked_is_cut_off_and_not_let_in_again() {
    let (device, agent, host) = paired(ANYWHERE, &["-v"]);
    let _card = card(&host, &agent.address);
    let revoked = device.run(&["agent", "revoke", "laptop"]).exits(0);
    assert!(revoked.stderr.contains("1 host forgotten"), "{}", revoked.stderr);
    agent.says("a connection ended"); // the one that was open
    let refused = host.run(&["call", "login", "--backend", &agent.address]).exits(1);
    assert!(refused.stderr.contains("pair the two again"), "{}", refused.stderr);
    assert_eq!(refused.stdout, "");
    host.joins(&device.invites(&[]), &[]).exits(0);
    host.run(&["call", "login", "--backend", &agent.address]).exits(0);
}

#[test]
fn consent_is_given_at_the_device() {
    let (_device, agent, host) = paired(ANYWHERE, &["--deny", "scope.record", "--grant", "scope.camera"]);
    let via = ["--backend", agent.address.as_str()];
    let asked = |scope: &str| host.run(&[&["call", "authorize", &format!("{{\"scope\": \"{scope}\"}}")], &via[..]].concat());
    assert_eq!(asked("scope.record").exits(1).json()["errMsg"], "authorize:fail auth deny");
    asked("scope.camera").exits(0);
    host.run(&[&["call", "login", "--grant", "scope.record"], &via[..]].concat()).misused("are for `wx agent serve` there");
    host.run(&[&["call", "login", "--seed", "7"], &via[..]].concat()).misused("other backends have no world");
}

#[test]
fn the_suite_judges_what_needs_no_hand_on_the_world() {
    let (_device, agent, host) = paired(ANYWHERE, &[]);
    let run = host.run(&["conformance", "--backend", &agent.address]).exits(0).quiet();
    let (summary, reasons) = run.stdout.split_once('\n').unwrap();
    assert!(summary.starts_with(&agent.address) && summary.contains(" passed, ") && summary.ends_with(" ignored"), "{summary}");
    assert!(reasons.contains("ignored where the world has no clock\n"), "{reasons}");
}

#[test]
fn another_version_and_what_is_no_agent_say_what_to_do() {
    let host = Home::new();
    for (answer, advice) in [
        (
            &b"wx-link\n\x00\x01\x07\x09"[..],
            "speaks versions 7 to 9 of the protocol, this one 1 to 1: update the older of the two",
        ),
        (b"wx-link\n\x00\x02\x00\x00", "too many connections: try again later"),
        (b"SSH-2.0-OpenSSH_9.2p1", "is no agent: is the address right?"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("tcp://{}", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            let mut stream = listener.accept().unwrap().0;
            stream.write_all(answer).unwrap();
            stream.read_to_end(&mut Vec::new()).unwrap(); // until the host has gone
        });
        let run = host.joins(&format!("wx-pair:{address}#{}", "A".repeat(43)), &[]).exits(1);
        assert!(run.stderr.contains(&address) && run.stderr.contains(advice), "{}", run.stderr);
        server.join().unwrap();
    }
}

#[test]
fn the_doctor_tells_how_a_link_is() {
    let (device, agent, host) = paired(ANYWHERE, &[]);
    let look = |address: &str| host.run(&["doctor", "--backend", address]);
    let well = look(&agent.address).exits(0).quiet().stdout;
    let lines: Vec<&str> = well.lines().collect();
    assert!(lines.len() == 3 && lines.iter().all(|line| line.contains("  found  ")), "{well}");
    for (line, (name, text)) in lines.iter().zip([("pairing", "kiosk"), ("agent", "APIs"), ("round trip", "median of 21")]) {
        assert!(line.starts_with(name) && line.contains(text), "{well}");
    }
    let stranger = look("tcp://127.0.0.1:9").exits(1).stdout;
    assert!(stranger.starts_with("pairing  missing") && stranger.contains("wx agent join"), "{stranger}");
    device.run(&["agent", "revoke", "laptop"]).exits(0);
    let refused = look(&agent.address).exits(1).stdout;
    assert!(refused.contains("agent    missing") && refused.contains("wx agent pair"), "{refused}");
    let address = agent.address.clone();
    agent.stop("KILL");
    let away = host.run(&["doctor", "--backend", &address, "--json"]).exits(1).json();
    assert_eq!((&away[0]["found"], &away[1]["found"]), (&true.into(), &false.into()));
    assert!(away[1]["get"].as_str().unwrap().contains("wx agent serve"), "{away}");
}
