use std::time::Duration;

/// What a server does not let a client take more of.
///
/// ```
/// use wx_platform::server::Limits;
///
/// let limits = Limits { connections: 100, ..Limits::default() };
/// assert_eq!(limits.body_bytes, 64 * 1024);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a body. 64 KiB by default; a longer one is refused with 47001.
    pub body_bytes: usize,
    /// Connections open at once. One more is closed without an answer. 4,096 by default.
    pub connections: usize,
    /// Requests worked on at once. One more is refused with -1 and does not wait. One that is still being sent does not count: it takes at
    /// most a body's memory, and there is no more than one on each connection. 1,024 by default.
    pub requests: usize,
    /// How long a client may take for the last answer and the next request's head, idle time included, before its connection is closed;
    /// it may be up to twice as long. 30 seconds by default.
    pub head_time: Duration,
    /// How long a body may take. A slower one is refused with 47001, and the connection closed. 10 seconds by default.
    pub body_time: Duration,
    /// How long the server may work on an answer, before it refuses with -1. What was asked may have happened. 10 seconds by default.
    pub request_time: Duration,
    /// How long requests under way may take to finish when the server stops. 10 seconds by default.
    pub drain_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 64 * 1024,
            connections: 4096,
            requests: 1024,
            head_time: Duration::from_secs(30),
            body_time: Duration::from_secs(10),
            request_time: Duration::from_secs(10),
            drain_time: Duration::from_secs(10),
        }
    }
}
