//! Waiting for something to be so.

use tokio::sync::{Notify, watch};

/// Waits until it is true, or nobody is left who could make it so.
pub(crate) async fn is_set(flag: &mut watch::Receiver<bool>) {
    let _ = flag.wait_for(|set| *set).await; // either way the wait is over
}

/// Waits until it is so, and looks again whenever all who wait are notified of a change.
pub(crate) async fn until(change: &Notify, is_so: impl Fn() -> bool) {
    loop {
        let changed = change.notified(); // before looking: what changes from here on is not missed
        if is_so() {
            return;
        }
        changed.await;
    }
}
