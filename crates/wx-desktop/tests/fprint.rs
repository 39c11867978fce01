//! A real fprintd with a virtual reader: what a finger does on it, and what becomes of a dialog when a part goes away.
#![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

use std::{process::ExitCode, sync::Arc};

use async_trait::async_trait;
use wx_api::{BiometricPrompt, Cx, FingerScreen, Sensor, Touch};
use wx_desktop::soter::Fprint;
use wx_rig::{FINGERPRINTS, Fingerprints};

fn main() -> ExitCode {
    wx_rig::main(
        &[&FINGERPRINTS],
        wx_rig::tests! {
            fingers {
                a_match_names_the_finger,
                another_finger_may_try_again,
                a_finger_that_moved_too_fast_is_waited_for,
            }
            sensor {
                the_reader_says_what_it_is,
                without_a_finger_enrolled_it_says_so,
                a_user_whom_polkit_refuses_is_not_allowed,
                without_a_bus_there_is_no_reader,
            }
            faults {
                a_fault_is_told_and_over,
                a_reader_that_is_unplugged_is_a_fault_and_then_absent,
                an_fprintd_that_is_killed_is_a_fault_and_started_anew,
                a_bus_that_is_killed_is_a_fault_and_found_again,
                a_reader_in_use_elsewhere_is_a_fault_until_it_is_free,
                a_finger_that_is_removed_meanwhile_is_told,
                dialogs_that_are_given_up_at_any_moment_free_the_reader,
            }
        },
    )
}

/// A picture that nobody closes.
struct Screen;

#[async_trait]
impl FingerScreen for Screen {
    async fn show(&self, _: &Cx, _: &str) {
        std::future::pending::<()>().await;
    }
}

struct Bench {
    rig: Fingerprints,
    fprint: Fprint,
}

impl Bench {
    async fn new() -> Self {
        let rig = Fingerprints::new().await.unwrap();
        rig.start().await.unwrap();
        let fprint = Fprint::at(rig.address(), Arc::new(Screen));
        Self { rig, fprint }
    }

    async fn sensor(&self) -> Option<Sensor> {
        self.fprint.sensor(&cx()).await
    }

    /// What a new dialog answers when this happens while it waits.
    async fn touched(&self, happens: impl AsyncFnOnce(&Fingerprints)) -> Touch {
        let mut dialog = self.fprint.open(&cx(), "");
        let mut said = self.rig.progress();
        let begun = said.borrow_and_update().begun;
        let then = async {
            said.wait_for(|said| said.begun > begun).await.unwrap();
            happens(&self.rig).await;
        };
        tokio::join!(dialog.touch(), then).0
    }

    async fn confirms(&self) {
        let touch = self.touched(async |rig| rig.tell("SCAN finger-A").await.unwrap()).await;
        assert_eq!(touch, Touch::Match { finger: "6".to_owned() }, "the right thumb, as libfprint counts");
    }
}

fn cx() -> Cx {
    Cx::new("wx4f4bc4dec97d474b")
}

mod fingers {
    use super::{Bench, BiometricPrompt as _, Touch, cx};

    pub(super) async fn a_match_names_the_finger() {
        Bench::new().await.confirms().await;
    }

    pub(super) async fn another_finger_may_try_again() {
        let bench = Bench::new().await;
        let mut dialog = bench.fprint.open(&cx(), "");
        let mut said = bench.rig.progress();
        for (n, (finger, touch)) in
            [("B", Touch::NoMatch), ("C", Touch::NoMatch), ("A", Touch::Match { finger: "6".to_owned() })]
                .into_iter()
                .enumerate()
        {
            let then = async {
                said.wait_for(|said| said.begun > n as u64).await.unwrap();
                bench.rig.tell(&format!("SCAN finger-{finger}")).await.unwrap();
            };
            assert_eq!(tokio::join!(dialog.touch(), then).0, touch);
        }
    }

    pub(super) async fn a_finger_that_moved_too_fast_is_waited_for() {
        let bench = Bench::new().await;
        let touch = bench.touched(async |rig| {
            for retry in 0..4 {
                rig.tell(&format!("RETRY {retry}")).await.unwrap();
                rig.progress().wait_for(|said| said.retried > retry).await.unwrap();
            }
            rig.tell("SCAN finger-A").await.unwrap();
        });
        assert_eq!(touch.await, Touch::Match { finger: "6".to_owned() });
    }
}

mod sensor {
    use super::{Bench, BiometricPrompt as _, Touch, cx};

    pub(super) async fn the_reader_says_what_it_is() {
        let sensor = Bench::new().await.sensor().await.unwrap();
        assert_eq!((sensor.version.as_str(), sensor.allowed, sensor.enrolled), ("fprintd", true, true));
        assert!(sensor.name.contains("irtual"), "{sensor:?}");
    }

    pub(super) async fn without_a_finger_enrolled_it_says_so() {
        let bench = Bench::new().await;
        for enrolled in [false, true] {
            bench.rig.enrol(enrolled).unwrap();
            assert_eq!(bench.sensor().await.unwrap().enrolled, enrolled);
        }
    }

    pub(super) async fn a_user_whom_polkit_refuses_is_not_allowed() {
        let bench = Bench::new().await;
        for allowed in [false, true] {
            bench.rig.allow(allowed);
            assert_eq!(bench.sensor().await.unwrap().allowed, allowed);
        }
    }

    pub(super) async fn without_a_bus_there_is_no_reader() {
        let bench = Bench::new().await;
        bench.rig.stop();
        assert_eq!(bench.sensor().await, None);
        assert_eq!(bench.fprint.open(&cx(), "").touch().await, Touch::Fault);
        bench.rig.start().await.unwrap();
        bench.confirms().await;
    }
}

mod faults {
    use super::{Arc, Bench, BiometricPrompt as _, Fprint, Screen, Touch, cx};

    pub(super) async fn a_fault_is_told_and_over() {
        let bench = Bench::new().await;
        assert_eq!(bench.touched(async |rig| rig.tell("ERROR 0").await.unwrap()).await, Touch::Fault);
        bench.confirms().await;
    }

    pub(super) async fn a_reader_that_is_unplugged_is_a_fault_and_then_absent() {
        let bench = Bench::new().await;
        assert_eq!(bench.touched(async |rig| rig.tell("UNPLUG").await.unwrap()).await, Touch::Fault);
        assert_eq!(bench.sensor().await, None);
        bench.rig.kill_fprintd().await.unwrap(); // a new one finds the reader again
        assert!(bench.sensor().await.is_some());
        bench.confirms().await;
    }

    pub(super) async fn an_fprintd_that_is_killed_is_a_fault_and_started_anew() {
        let bench = Bench::new().await;
        assert_eq!(bench.touched(async |rig| rig.kill_fprintd().await.unwrap()).await, Touch::Fault);
        bench.confirms().await;
    }

    pub(super) async fn a_bus_that_is_killed_is_a_fault_and_found_again() {
        let bench = Bench::new().await;
        assert_eq!(bench.touched(async |rig| rig.stop()).await, Touch::Fault);
        assert_eq!(bench.sensor().await, None);
        bench.rig.start().await.unwrap();
        bench.confirms().await;
    }

    pub(super) async fn a_reader_in_use_elsewhere_is_a_fault_until_it_is_free() {
        let bench = Bench::new().await;
        let other = Fprint::at(bench.rig.address(), Arc::new(Screen));
        let mut theirs = other.open(&cx(), "");
        let mut said = bench.rig.progress();
        let work = async {
            said.wait_for(|said| said.begun > 0).await.unwrap();
            assert_eq!(bench.fprint.open(&cx(), "").touch().await, Touch::Fault);
            bench.rig.tell("SCAN finger-A").await.unwrap();
        };
        let (touch, ()) = tokio::join!(theirs.touch(), work);
        assert_eq!(touch, Touch::Match { finger: "6".to_owned() });
        drop(theirs);
        // Theirs is given back in their own time; whoever waits for their turn has waited for that.
        drop(other.open(&cx(), "").touch());
        let mut after = other.open(&cx(), "");
        let mut said = bench.rig.progress();
        let begun = said.borrow_and_update().begun;
        let finger = async {
            said.wait_for(|said| said.begun > begun).await.unwrap();
            bench.rig.tell("SCAN finger-A").await.unwrap();
        };
        assert_eq!(tokio::join!(after.touch(), finger).0, Touch::Match { finger: "6".to_owned() });
    }

    pub(super) async fn a_finger_that_is_removed_meanwhile_is_told() {
        let bench = Bench::new().await;
        bench.rig.enrol(false).unwrap();
        assert_eq!(bench.fprint.open(&cx(), "").touch().await, Touch::NotEnrolled);
        bench.rig.enrol(true).unwrap();
        bench.confirms().await;
    }

    pub(super) async fn dialogs_that_are_given_up_at_any_moment_free_the_reader() {
        let bench = Bench::new().await;
        for moment in 0..60 {
            let mut dialog = bench.fprint.open(&cx(), "");
            tokio::select! {
                biased;
                touch = dialog.touch() => panic!("nobody touched it: {touch:?}"),
                () = async {
                    for _ in 0..moment {
                        tokio::task::yield_now().await;
                    }
                } => {}
            }
        }
        bench.confirms().await;
    }
}
