use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use wx_api::{AppId, Scope, UserId};

use super::{ConsentStore, StoreError};

/// Decisions in memory: for tests, and for hosts that start afresh each time.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<Decisions>);

type Decisions = BTreeMap<(AppId, UserId), BTreeMap<Scope, bool>>;

impl MemoryStore {
    /// No decisions yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn decisions(&self) -> MutexGuard<'_, Decisions> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner) // nothing under the lock panics half-way
    }
}

#[async_trait]
impl ConsentStore for MemoryStore {
    async fn load(&self, app: &AppId, user: &UserId) -> Result<BTreeMap<Scope, bool>, StoreError> {
        Ok(self.decisions().get(&(app.clone(), user.clone())).cloned().unwrap_or_default())
    }

    async fn save(&self, app: &AppId, user: &UserId, decisions: &BTreeMap<Scope, bool>) -> Result<(), StoreError> {
        self.decisions().insert((app.clone(), user.clone()), decisions.clone());
        Ok(())
    }

    async fn forget(&self, app: &AppId) -> Result<(), StoreError> {
        self.decisions().retain(|(of, _), _| of != app);
        Ok(())
    }
}
