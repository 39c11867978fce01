//! The NFC part of the device.

use std::sync::Arc;

use wx_rules::hce::Nfc;

use crate::{field::Field, monitor::Monitor};

/// The NFC part of the device. Until told otherwise, it is on, can emulate cards, and the host is the default payment app.
///
/// What apps have registered outlives a radio that is switched off; what a reader had selected does not.
#[derive(Debug)]
pub struct Radio(pub(crate) Arc<Monitor<Field>>);

impl Radio {
    /// What the NFC part is like from now on.
    pub fn nfc(&self, nfc: Nfc) {
        self.change(|field| field.radio.nfc = nfc);
    }

    /// Whether it can emulate a card.
    pub fn emulation(&self, possible: bool) {
        self.change(|field| field.radio.hce = possible);
    }

    /// Whether the host is the default payment app.
    pub fn default_app(&self, default: bool) {
        self.change(|field| field.radio.default_app = default);
    }

    /// Whether the system refuses to register AIDs. What is registered stays.
    pub fn refuse_registration(&self, refuse: bool) {
        self.change(|field| field.refuses = refuse);
    }

    fn change(&self, change: impl FnOnce(&mut Field)) {
        self.0.change(|field| {
            change(field);
            field.settle();
        });
    }
}
