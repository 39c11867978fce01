// The bus calls methods of an object, whatever they use of it.
#![allow(clippy::unused_self, clippy::used_underscore_binding, clippy::unnecessary_literal_bound)]

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use zbus::{OwnedVariant, interface};

/// A polkit that says the same to everybody, as far as its clients ask.
pub(crate) struct Authority {
    pub(crate) allowed: Arc<AtomicBool>,
}

/// Who wants to: a kind, and what identifies it.
type Subject = (String, HashMap<String, OwnedVariant>);
/// Whether they may, whether they might after a question, and what else.
type Verdict = (bool, bool, HashMap<String, String>);

#[interface(name = "org.freedesktop.PolicyKit1.Authority")]
impl Authority {
    fn check_authorization(
        &self,
        _subject: Subject,
        _action: &str,
        _details: HashMap<String, String>,
        _flags: u32,
        _cancellation: &str,
    ) -> (Verdict,) {
        ((self.allowed.load(Ordering::Relaxed), false, HashMap::new()),)
    }

    fn cancel_check_authorization(&self, _cancellation: &str) {}

    #[zbus(property)]
    fn backend_name(&self) -> &str {
        "wx-rig"
    }

    #[zbus(property)]
    fn backend_version(&self) -> &str {
        "1"
    }

    #[zbus(property)]
    fn backend_features(&self) -> u32 {
        0
    }
}
