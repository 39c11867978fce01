use std::{
    fmt,
    ops::{Add, Sub},
    time::Duration,
};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// A moment: milliseconds since 1970-01-01T00:00:00Z.
///
/// ```
/// use std::time::Duration;
/// use wx_api::Timestamp;
///
/// let then = Timestamp::from_millis(1_000) + Duration::from_secs(5);
/// assert_eq!(then.as_secs(), 6);
/// assert_eq!(then - Timestamp::from_millis(1_000), Duration::from_secs(5));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The moment this many milliseconds after the epoch.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since the epoch, as watermarks count them.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1000
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    /// Later by `duration`, at most the end of time.
    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)))
    }
}

impl Sub for Timestamp {
    type Output = Duration;

    /// The time since `earlier`, zero if that is later.
    fn sub(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1000, self.0 % 1000)
    }
}

/// The host's time. Real in a product, virtual in a test: whatever a mini-program can notice happens by this clock.
///
/// ```
/// use async_trait::async_trait;
/// use wx_api::{Clock, Timestamp};
///
/// /// A clock that stands still.
/// struct Stopped(Timestamp);
///
/// #[async_trait]
/// impl Clock for Stopped {
///     fn now(&self) -> Timestamp {
///         self.0
///     }
///     async fn sleep_until(&self, at: Timestamp) {
///         if at > self.0 {
///             std::future::pending::<()>().await;
///         }
///     }
/// }
///
/// let noon = Timestamp::from_millis(43_200_000);
/// assert_eq!(Stopped(noon).now(), noon);
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// Stopped(noon).sleep_until(noon).await;
/// # });
/// ```
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Clock: Send + Sync {
    /// This moment.
    fn now(&self) -> Timestamp;

    /// Waits until that moment; answers at once if it has passed.
    async fn sleep_until(&self, at: Timestamp);
}
