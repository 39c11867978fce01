//! Turns: who changes a session waits for who came before.

use std::hash::{BuildHasher as _, RandomState};

use tokio::sync::{Mutex, MutexGuard};
use wx_api::AppId;

/// How many sessions are changed at once. Two that share a place wait for each other, which costs a moment and nothing else.
const PLACES: usize = 1024;

/// A place to queue up for each session, shared by those of one hash, so that there is nothing to clean up.
pub(super) struct Turns {
    places: Box<[Mutex<()>]>,
    hasher: RandomState,
}

impl Default for Turns {
    fn default() -> Self {
        Self { places: (0..PLACES).map(|_| Mutex::default()).collect(), hasher: RandomState::new() }
    }
}

impl Turns {
    /// Waits for this session's turn, first come first served; the turn ends when the answer is dropped.
    pub(super) async fn take(&self, app: &AppId, openid: &str) -> MutexGuard<'_, ()> {
        let hash = self.hasher.hash_one((app, openid));
        #[allow(clippy::cast_possible_truncation)] // below the number of places
        let place = (hash % self.places.len() as u64) as usize;
        self.places[place].lock().await
    }
}
