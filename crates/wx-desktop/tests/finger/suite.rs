//! The suite's cases of SOTER over one kind of key, with a real reader.

use std::{io, path::Path, sync::Arc};

use wx_api::BiometricPrompt;
use wx_conformance::{Verdict, cases, judge, profiles};
use wx_desktop::{conformance::DesktopHarness, soter::SoterDevice};

use crate::finger::RealFinger;

/// Fails unless every case passes with the devices that `device` makes.
pub(crate) async fn passes<F>(device: F)
where
    F: Fn(&Path, Arc<dyn BiometricPrompt>) -> io::Result<SoterDevice> + Clone + Send + Sync + 'static,
{
    let finger = Arc::new(move || RealFinger::reader(device.clone()));
    let harness = DesktopHarness { finger, ..DesktopHarness::default() };
    let mut passed = 0;
    for case in cases().filter(|case| case.name.starts_with("soter::")) {
        for profile in profiles() {
            let report = judge(&harness, case, profile).await;
            assert_eq!(report.verdict, Verdict::Passed, "{} [{}]", report.case, report.profile);
            passed += 1;
        }
    }
    assert!(passed > 80, "{passed} verdicts");
}
