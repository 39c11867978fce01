//! The way from the device to the platform.

use std::future;

use wx_api::{Api, Error, ErrorKind, Result};

use crate::monitor::Monitor;

/// The way from the device to the platform: open until told otherwise. A developer's server does not depend on it.
///
/// ```
/// use std::pin::pin;
/// use futures_util::FutureExt as _;
/// use wx_api::{Cx, login::LoginRequest};
/// use wx_mock::World;
///
/// let (world, cx) = (World::new(1), Cx::new("wx4f4bc4dec97d474b"));
/// let login = world.host().login.unwrap();
/// world.network().hold();
/// let mut code = login.login(&cx, LoginRequest::default());
/// assert!(code.as_mut().now_or_never().is_none());
/// world.network().release();
/// assert!(code.now_or_never().unwrap().is_ok());
/// ```
#[derive(Debug, Default)]
pub struct Network(Monitor<Line>);

#[derive(Debug, Default)]
struct Line {
    way: Way,
    /// Rises whenever requests that are held may go: those held before it rose.
    releases: u64,
}

#[derive(Clone, Copy, Debug, Default)]
enum Way {
    #[default]
    Open,
    Held,
    Stalled,
    Cut,
}

impl Network {
    /// Keeps requests waiting from now on, until [`release`](Self::release) or [`restore`](Self::restore).
    pub fn hold(&self) {
        self.set(Way::Held);
    }

    /// Lets the requests through that are held, and everything after them. They are woken in the order in which they began to
    /// wait.
    pub fn release(&self) {
        self.0.change(|line| {
            line.way = Way::Open;
            line.releases += 1;
        });
    }

    /// Swallows requests from now on: they get no answer, not even after [`restore`](Self::restore).
    pub fn stall(&self) {
        self.set(Way::Stalled);
    }

    /// Makes requests fail at once from now on.
    pub fn cut(&self) {
        self.set(Way::Cut);
    }

    /// Makes everything work again, for requests from now on and for those that are held.
    pub fn restore(&self) {
        self.release();
    }

    /// Takes a request of `api` to the platform.
    pub(crate) async fn reach(&self, api: Api) -> Result<()> {
        let (way, before) = self.0.read(|line| (line.way, line.releases));
        match way {
            Way::Open => Ok(()),
            Way::Held => self.0.until(|line| (line.releases > before).then_some(Ok(()))).await,
            Way::Stalled => future::pending().await,
            Way::Cut => Err(Error::new(api, ErrorKind::Unavailable, "the server cannot be reached")),
        }
    }

    /// What becomes of requests from now on. Those that are held stay so.
    fn set(&self, way: Way) {
        self.0.change(|line| line.way = way);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt as _, stream::FuturesUnordered, stream::StreamExt as _};

    use super::*;

    #[test]
    fn held_requests_go_in_the_order_they_came_once_they_are_released() {
        let network = Network::default();
        network.hold();
        let mut held: FuturesUnordered<_> = (0..3).map(|request| network.reach(Api::Login).map(move |_| request)).collect();
        assert!(held.next().now_or_never().is_none());
        network.cut();
        assert!(network.reach(Api::Login).now_or_never().is_some_and(|reached| reached.is_err()));
        assert!(held.next().now_or_never().is_none(), "what is held is not cut");
        network.release();
        network.hold();
        assert_eq!(held.collect::<Vec<_>>().now_or_never(), Some(vec![0, 1, 2]), "a new hold is for new requests");
    }

    #[test]
    fn a_released_request_need_not_wait_for_one_that_is_not_polled() {
        let network = Network::default();
        network.hold();
        let (mut first, mut second) = (Box::pin(network.reach(Api::Login)), Box::pin(network.reach(Api::Login)));
        assert!(first.as_mut().now_or_never().is_none() && second.as_mut().now_or_never().is_none());
        network.release();
        assert!(second.now_or_never().is_some());
        assert!(first.now_or_never().is_some());
    }
}
