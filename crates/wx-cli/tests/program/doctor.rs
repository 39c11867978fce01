//! `wx doctor`.

use crate::wx;

#[test]
fn every_part_has_one_line() {
    let run = wx(&["doctor"]).run().exits(0).quiet();
    let parts = ["TPM", "fingerprint", "card reader", "Bluetooth", "system bus", "display", "terminal"];
    assert_eq!(run.stdout.lines().count(), parts.len());
    for (line, part) in run.stdout.lines().zip(parts) {
        assert!(line.starts_with(part) && (line.contains(" found ") || line.contains(" missing ")), "{line}");
    }
    assert!(run.stdout.contains("startSoterAuthentication"));
}

#[test]
fn a_missing_part_says_how_to_get_it() {
    let list = wx(&["doctor", "--json"]).run().exits(0).json();
    let terminal = list.as_array().unwrap().iter().find(|part| part["name"] == "terminal").unwrap().clone();
    assert_eq!((&terminal["found"], &terminal["used"]), (&false.into(), &true.into()));
    assert!(terminal["get"].as_str().unwrap().contains("--grant"));
    let display = wx(&["doctor", "--json"]).env("WAYLAND_DISPLAY", "wayland-7").run().json()[5].clone();
    assert_eq!((&display["found"], &display["detail"]), (&true.into(), &"wayland-7".into()));
}
