//! Who is let in, and how an agent comes and goes.

use qrcode::{Color, QrCode};

use super::{Home, paired};
use crate::on_a_terminal;

const ANYWHERE: &str = "tcp://127.0.0.1:0";

#[test]
fn an_invitation_is_good_once_and_an_earlier_one_not_at_all() {
    let (device, host) = (Home::new(), Home::new());
    let agent = device.serve(ANYWHERE, &[]);
    let nobody = host.run(&["call", "login", "--backend", &agent.address]).exits(1);
    assert!(nobody.stderr.contains("no device is paired at") && nobody.stderr.contains("wx agent join"), "{}", nobody.stderr);

    let (first, second) = (device.invites(&[]), device.invites(&[]));
    assert_ne!(first, second);
    let late = host.joins(&first, &[]).exits(1);
    host.joins(&second, &[]).exits(0);
    let again = host.joins(&second, &[]).exits(1);
    assert!(again.stderr.contains("expects nobody: run `wx agent pair`"), "{}", again.stderr);
    for said in [late.stderr, again.stderr] {
        assert!(!said.contains(&first[first.len() - 43..]) && !said.contains(&second[second.len() - 43..]), "{said}");
    }
}

#[test]
fn no_secret_is_said_however_loud_the_log_is() {
    let (device, host) = (Home::new(), Home::new());
    let agent = device.serve(ANYWHERE, &["-vv"]);
    let invitation = device.invites(&[]);
    let secret = invitation.rsplit_once('#').unwrap().1.to_owned();
    let joined = host.joins(&invitation, &[]).exits(0);
    let answer = host.run(&["call", "login", "--backend", &agent.address]).exits(0).json();
    let (code, said) = agent.stop("TERM");
    assert!(code == Some(0) && said.contains("a host was paired") && said.contains("login"), "{said}");
    for secret in [secret.as_str(), answer["code"].as_str().unwrap()] {
        assert!(!said.contains(secret) && !joined.stderr.contains(secret), "{said}");
    }
}

#[test]
fn what_is_no_invitation_is_not_repeated() {
    let host = Home::new();
    for text in ["wx-pair:tcp://127.0.0.1:1#short", "hello", ""] {
        let run = host.joins(text, &[]).exits(2);
        assert!(run.stderr.contains("all of it") && !run.stderr.contains("short"), "{}", run.stderr);
    }
    host.run(&["agent", "join", "@none.txt"]).misused("none.txt cannot be read");
}

#[test]
fn a_command_in_an_invitation_is_run_only_by_who_wants_it() {
    let (host, traces) = (Home::new(), tempfile::tempdir().unwrap());
    let trace = traces.path().join("trace");
    let invitation = format!("wx-pair:exec://touch {}#{}", trace.display(), "A".repeat(43));
    let run = host.joins(&invitation, &[]).exits(2);
    assert!(run.stderr.contains("this host would run `touch") && run.stderr.contains("--exec"), "{}", run.stderr);
    assert!(!trace.exists());
    host.joins(&invitation, &["--exec"]).exits(1);
    assert!(trace.exists(), "with --exec it is run");
}

#[test]
fn on_a_terminal_the_invitation_is_a_qr_code_too() {
    let device = Home::new();
    let shown = on_a_terminal(device.path(), "agent pair --address tcp://192.168.1.7:7411", "").exits(0).stdout;
    let text = shown.lines().find(|line| line.starts_with("wx-pair:tcp://192.168.1.7:7411#")).unwrap();
    let rows = shown.lines().filter_map(|line| line.strip_prefix("\x1b[30;107m")?.strip_suffix("\x1b[0m"));
    // Each line is two rows of modules: the upper halves, and the lower ones.
    let dark = |glyph: char, upper: bool| match glyph {
        '█' => true,
        '▀' => upper,
        '▄' => !upper,
        ' ' => false,
        other => panic!("{other:?}"),
    };
    let rows: Vec<Vec<bool>> =
        rows.flat_map(|row| [true, false].map(|upper| row.chars().map(|glyph| dark(glyph, upper)).collect())).collect();

    let code = QrCode::new(text).unwrap();
    let (width, margin) = (code.width(), 4);
    assert!(rows.len() >= width + 2 * margin && rows.iter().all(|row| row.len() == width + 2 * margin), "no margin");
    for (y, row) in rows.iter().enumerate() {
        for (x, &is_dark) in row.iter().enumerate() {
            let place = y.checked_sub(margin).zip(x.checked_sub(margin)).filter(|&(y, x)| y < width && x < width);
            let expected = place.is_some_and(|(y, x)| code[(x, y)] == Color::Dark);
            assert_eq!(is_dark, expected, "row {y}, column {x}");
        }
    }
}

#[test]
fn the_address_is_what_the_agent_listens_on_or_has_to_be_given() {
    let device = Home::new();
    device.run(&["agent", "pair"]).misused("give --address");
    let agent = device.serve("tcp://0.0.0.0:0", &[]);
    device.run(&["agent", "pair"]).misused("one that the host can reach");
    assert!(device.invites(&["--address", "tcp://10.0.0.1:1"]).starts_with("wx-pair:tcp://10.0.0.1:1#"));
    assert_eq!(agent.stop("INT"), (Some(0), "wx: stopped\n".to_owned()));
    device.run(&["agent", "pair"]).misused("give --address");
}

#[test]
fn both_ends_list_each_other_until_that_is_taken_back() {
    let (device, agent, host) = paired(ANYWHERE, &[]);
    let known = host.run(&["agent", "devices", "--json"]).exits(0).json();
    let lets_in = device.run(&["agent", "devices", "--json"]).exits(0).json();
    for (list, kind, name) in [(&known, "device", "kiosk"), (&lets_in, "host", "laptop")] {
        assert_eq!((list.as_array().unwrap().len(), &list[0]["kind"], &list[0]["name"]), (1, &kind.into(), &name.into()));
        assert!(list[0]["since"].is_u64() && list[0]["key"].as_str().unwrap().len() == 43, "{list}");
    }
    assert_eq!(known[0]["address"], agent.address.as_str());
    let key = known[0]["key"].as_str().unwrap();
    assert_eq!(
        host.run(&["agent", "devices"]).exits(0).quiet().stdout,
        format!("device  kiosk  {key}  {}  today\n", agent.address)
    );
    let unknown = host.run(&["agent", "revoke", "laptop"]).exits(1);
    assert!(unknown.stderr.contains("nobody has the name or the key `laptop`"), "{}", unknown.stderr);
    host.run(&["agent", "revoke", "-a-key-may-begin-so"]).exits(1);
    assert!(host.run(&["agent", "revoke", key]).exits(0).stderr.contains("1 device forgotten"));
    assert_eq!(host.run(&["agent", "devices"]).exits(0).quiet().stdout, "");
    assert_eq!(Home::new().run(&["agent", "devices", "--json"]).exits(0).quiet().stdout, "[]\n");
}

#[test]
fn one_agent_runs_at_a_time_and_the_next_one_takes_over() {
    let device = Home::new();
    let socket = device.path().join("wx.sock");
    let listen = format!("unix://{}", socket.display());
    let agent = device.serve(&listen, &[]);
    let second = device.run(&["agent", "serve", "--listen", ANYWHERE]).exits(1);
    assert!(second.stderr.contains(&format!("an agent runs here already: {listen}")), "{}", second.stderr);
    assert_eq!(agent.stop("TERM"), (Some(0), "wx: stopped\n".to_owned()));
    assert!(!socket.exists());
    // One that was killed leaves its socket, and is in nobody's way.
    assert_eq!(device.serve(&listen, &[]).stop("KILL").0, None);
    assert!(socket.exists());
    let other = Home::new();
    let agent = device.serve(&listen, &[]);
    let taken = other.run(&["agent", "serve", "--listen", &listen]).exits(1);
    assert!(taken.stderr.contains("cannot be listened on"), "{}", taken.stderr);
    drop(agent);
}

#[test]
fn serving_what_cannot_be_served_misused() {
    let device = Home::new();
    device.run(&["agent", "serve"]).misused("--listen");
    device.run(&["agent", "serve", "--listen", "here"]).misused("no address of an agent");
    device.run(&["agent", "serve", "--listen", "exec://cat"]).misused("--stdio");
    device.run(&["agent", "serve", "--backend", "tcp://127.0.0.1:1", "--listen", ANYWHERE]).misused("its own agent serves it");
    let person = on_a_terminal(device.path(), "agent serve --stdio", "").exits(2);
    assert!(person.stdout.contains("not to a person"), "{}", person.stdout);
}
