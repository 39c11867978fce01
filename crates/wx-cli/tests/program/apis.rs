//! `wx apis`.

use serde_json::Value;

use crate::wx;

fn list(args: &[&str]) -> Vec<Value> {
    let run = wx(&[&["apis", "--json"], args].concat()).run().exits(0).quiet();
    run.json().as_array().unwrap().clone()
}

fn named(list: &[Value], name: &str) -> Value {
    list.iter().find(|api| api["name"] == name).unwrap().clone()
}

#[test]
fn every_api_of_the_contract_is_listed_with_its_facts() {
    let list = list(&[]);
    assert!(list.iter().all(|api| api["supported"] == true), "the mock does everything");
    let info = named(&list, "getUserInfo");
    assert_eq!((&info["domain"], &info["scope"], &info["kind"]), (&"user".into(), &"scope.userInfo".into(), &"call".into()));
    assert_eq!(named(&list, "onHCEMessage")["kind"], "event");
}

#[test]
fn what_is_not_supported_says_why() {
    let hce = named(&list(&["--sdk", "1.6.0"]), "startHCE");
    assert_eq!((&hce["supported"], &hce["reason"]), (&false.into(), &"newer than base library 1.6.0".into()));
}

#[test]
fn the_table_has_a_line_for_each_api_and_no_colour_in_a_pipe() {
    let run = wx(&["apis", "--sdk", "1.6.0"]).run().exits(0).quiet();
    assert_eq!(run.stdout.lines().count(), 1 + list(&[]).len());
    let line = run.stdout.lines().find(|line| line.starts_with("startHCE ")).unwrap();
    assert!(line.contains("1.7.0") && line.ends_with("no: newer than base library 1.6.0"), "{line}");
    assert!(!run.stdout.contains('\u{1b}'));
}
