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
        let left = at - self.now();
        // Not even a sleep of nothing: tokio's waits for the next tick of its timer.
        if !left.is_zero() {
            tokio::time::sleep(left).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_past_moment_is_over_at_once_and_a_far_one_is_not() {
        let clock = TokioClock;
        assert_eq!(clock.sleep_until(Timestamp::from_millis(1)).now_or_never(), Some(()));
        let far = clock.now() + Duration::from_secs(24 * 60 * 60);
        assert_eq!(clock.sleep_until(far).now_or_never(), None);
    }
}
