//! The mock passes the whole suite: nothing is ignored, unsupported or excused.

use wx_conformance::{Harness as _, Verdict, cases, judge, profiles};
use wx_mock::conformance::MockHarness;

#[tokio::test]
async fn every_case_passes_under_every_profile() {
    assert!(MockHarness.known_failures().is_empty());
    let mut others = Vec::new();
    for profile in profiles() {
        for case in cases() {
            let report = judge(&MockHarness, case, profile.clone()).await;
            if report.verdict != Verdict::Passed {
                others.push((report.case, report.profile, report.verdict));
            }
        }
    }
    assert!(others.is_empty(), "{others:#?}");
}
