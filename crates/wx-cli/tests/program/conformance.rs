//! `wx conformance`.

use crate::wx;

#[test]
fn the_suite_judges_the_mock_and_sums_up() {
    let run = wx(&["conformance", "--backend", "mock", "--filter", "login::"]).run().exits(0).quiet();
    let summary = run.stdout.trim_end();
    assert!(summary.starts_with("mock: ") && summary.ends_with(" passed") && !summary.contains('\n'), "{summary}");
}

#[test]
fn the_report_is_that_of_the_suite_itself() {
    let run = wx(&["conformance", "--json", "--filter", "login::codes_differ"]).run().exits(0).quiet();
    let report = run.json();
    assert_eq!(report["backends"][0]["backend"], "mock");
    let cases = report["backends"][0]["cases"].as_array().unwrap();
    assert!(cases.len() == 2 && cases.iter().all(|case| case["verdict"] == "passed"), "{cases:?}");
}

#[test]
fn a_filter_that_matches_nothing_misused() {
    wx(&["conformance", "--filter", "logon::"]).run().misused("no case matches `logon::`");
    wx(&["conformance", "--backend", "wx://phone"]).run().misused("no address of an agent");
}
