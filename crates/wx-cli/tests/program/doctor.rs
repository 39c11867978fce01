//! `wx doctor`.

use crate::wx;

#[test]
fn every_part_has_one_line() {
    let run = wx(&["doctor"]).run().exits(0).quiet();
    let parts = ["TPM", "fingerprint", "card reader", "Bluetooth", "system bus", "display", "terminal", "SOTER key"];
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

#[test]
fn the_place_of_the_key_is_told_and_why() {
    let home = tempfile::tempdir().unwrap();
    let key = |args: &[&str]| {
        let args = [&["doctor", "--json"][..], args].concat();
        let list = wx(&args).env("XDG_DATA_HOME", home.path().to_str().unwrap()).run().exits(0).json();
        let part = list.as_array().unwrap().last().unwrap().clone();
        (part["found"] == true, part["detail"].as_str().unwrap().to_owned())
    };
    let (found, asked) = key(&["--soter-key", "file"]);
    assert!(found && asked.starts_with("a file: it was asked for (") && asked.contains("wx/soter"), "{asked}");
    let (found, unnamed) = key(&["--soter-key", "pkcs11"]);
    assert!(!found && unnamed.contains("--pkcs11-module"), "{unnamed}");

    std::fs::create_dir_all(home.path().join("wx/soter")).unwrap();
    std::fs::write(home.path().join("wx/soter/key.pem"), "").unwrap();
    let (found, kept) = key(&[]);
    assert!(found && kept.starts_with("a file: the key was made there"), "{kept}");
}
