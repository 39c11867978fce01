use std::time::SystemTime;

use async_trait::async_trait;
use wx_api::{Clock, Timestamp};

/// The system's time, with tokio's timers. Needs a tokio runtime with time enabled.
///
/// A sleep lasts as long as the clock said when it began: a clock that is set meanwhile neither ends nor prolongs it.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokioClock;

#[async_trait]
impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        // Not `as_millis`: every call with a limit comes here, and dividing 128 bits is slow.
        Timestamp::from_millis(since_epoch.as_secs().saturating_mul(1000) + u64::from(since_epoch.subsec_millis()))
    }

    async fn sleep_until(&self, at: Timestamp) {
        tokio::time::sleep(at - self.now()).await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_sleep_ends_at_its_moment_and_a_past_one_at_once() {
        let clock = TokioClock;
        let begun = clock.now();
        clock.sleep_until(begun + Duration::from_millis(20)).await;
        assert!(clock.now() - begun >= Duration::from_millis(19));
        clock.sleep_until(Timestamp::from_millis(1)).await;
    }
}
