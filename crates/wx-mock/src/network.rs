//! The way from the device to the platform.

use std::{
    future,
    sync::{Mutex, PoisonError},
};

use wx_api::{Api, Error, ErrorKind, Result};

/// The way from the device to the platform: open until told otherwise. A developer's server does not depend on it.
#[derive(Debug, Default)]
pub struct Network(Mutex<Way>);

#[derive(Clone, Copy, Debug, Default)]
enum Way {
    #[default]
    Open,
    Stalled,
    Cut,
}

impl Network {
    /// Swallows requests from now on: they get no answer, not even after [`restore`](Self::restore).
    pub fn stall(&self) {
        self.set(Way::Stalled);
    }

    /// Makes requests fail at once from now on.
    pub fn cut(&self) {
        self.set(Way::Cut);
    }

    /// Makes everything work again, for requests from now on.
    pub fn restore(&self) {
        self.set(Way::Open);
    }

    /// Takes a request of `api` to the platform.
    pub(crate) async fn reach(&self, api: Api) -> Result<()> {
        let way = *self.0.lock().unwrap_or_else(PoisonError::into_inner); // nothing panics under the lock
        match way {
            Way::Open => Ok(()),
            Way::Stalled => future::pending().await,
            Way::Cut => Err(Error::new(api, ErrorKind::Unavailable, "the server cannot be reached")),
        }
    }

    fn set(&self, way: Way) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = way;
    }
}
