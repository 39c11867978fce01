//! Consent outside the mock: a person at a terminal, and what is kept of what they said.

use std::path::Path;

use crate::{Run, on_a_terminal, wx};

/// Runs `wx` where nobody is there to ask.
fn alone(home: &Path, args: &[&str]) -> Run {
    wx(args).env("HOME", home.to_str().unwrap()).run()
}

const ASK: [&str; 5] = ["call", "authorize", r#"{"scope": "scope.record"}"#, "--backend", "desktop"];
const ASK_LINE: &str = r#"call authorize '{"scope": "scope.record"}' --backend desktop"#;
const QUESTION: &str = "wx4f4bc4dec97d474b asks for scope.record. Allow it?";

#[test]
fn what_the_person_at_the_terminal_decides_is_kept() {
    for (typed, questions, code, kept) in
        [("n\n", 1, 1, "denied"), ("perhaps\ny\n", 2, 0, "granted"), ("yes\n", 1, 0, "granted")]
    {
        let home = tempfile::tempdir().unwrap();
        let asked = on_a_terminal(home.path(), ASK_LINE, typed).exits(code);
        assert_eq!(asked.stdout.matches(QUESTION).count(), questions, "{}", asked.stdout);
        let list = alone(home.path(), &["settings", "list"]).exits(0).quiet().stdout;
        assert_eq!(list, format!("wx4f4bc4dec97d474b  default  scope.record  {kept}\n"));
        alone(home.path(), &ASK).exits(code).quiet(); // without a question
        alone(home.path(), &["settings", "forget", "--all"]).exits(0);
        assert!(alone(home.path(), &ASK).exits(1).stderr.contains("nobody can answer"));
    }
}

#[test]
fn who_decides_later_is_asked_again() {
    let home = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let asked = on_a_terminal(home.path(), ASK_LINE, "\n").exits(1);
        assert!(asked.stdout.contains(QUESTION) && asked.stdout.contains("authorize:fail cancel"), "{}", asked.stdout);
    }
    assert_eq!(alone(home.path(), &["settings", "list"]).exits(0).quiet().stdout, "");
}

#[test]
fn a_switch_is_turned_on_the_settings_page() {
    let home = tempfile::tempdir().unwrap();
    on_a_terminal(home.path(), ASK_LINE, "n\n").exits(1);
    let page = on_a_terminal(home.path(), "call openSetting --backend desktop", "1\n7\n\n").exits(0);
    for line in ["  1 [ ] scope.record", "  1 [x] scope.record", r#""authSetting":{"scope.record":true}"#] {
        assert!(page.stdout.contains(line), "{line}: {}", page.stdout);
    }
    alone(home.path(), &ASK).exits(0).quiet();
}
