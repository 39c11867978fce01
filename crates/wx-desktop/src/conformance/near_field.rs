//! What card emulation has outside: a reader, and the NFC part of the machine.

use std::{fmt, io, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use wx_conformance::{Nfc, RadioHandle, ReaderHandle};
use wx_rules::hce::{self as rules, Radio};

use crate::hce::{CardState, DesktopHce, MemoryReader, Transport};

/// What card emulation has outside, for one bench.
pub struct NearField {
    /// The way to the reader.
    pub transport: Arc<dyn Transport>,
    /// The handles on the NFC part of the machine and on the reader.
    pub handles: Box<dyn FnOnce(Arc<DesktopHce>) -> Handles + Send>,
}

/// The handles on the NFC part of the machine and on the reader.
pub type Handles = (Arc<dyn RadioHandle>, Arc<dyn ReaderHandle>);

impl NearField {
    /// A reader in memory: for a machine without a PC/SC stack.
    ///
    /// # Errors
    ///
    /// None: it is as fallible as real ones.
    pub fn in_memory() -> io::Result<Self> {
        let reader = MemoryReader::default();
        let transport = Arc::new(reader.clone());
        let handles = move |hce: Arc<DesktopHce>| {
            let radio: Arc<dyn RadioHandle> = Arc::new(InMemory { reader: reader.clone(), hce: hce.clone() });
            let at: Arc<dyn ReaderHandle> = Arc::new(InMemory { reader, hce });
            (radio, at)
        };
        Ok(Self { transport, handles: Box::new(handles) })
    }
}

impl fmt::Debug for NearField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NearField").field("transport", &self.transport).finish_non_exhaustive()
    }
}

/// A reader in memory, and the backend whose card is in it.
struct InMemory {
    reader: MemoryReader,
    hce: Arc<DesktopHce>,
}

impl InMemory {
    fn change(&self, change: impl FnOnce(&mut Radio)) {
        let mut radio = self.reader.radio();
        change(&mut radio);
        self.reader.set_radio(radio);
    }
}

impl RadioHandle for InMemory {
    fn nfc(&self, nfc: Nfc) {
        self.change(|radio| radio.nfc = if nfc == Nfc::Absent { rules::Nfc::Absent } else { rules::Nfc::On });
        self.hce.switch(nfc != Nfc::Off);
    }

    fn emulation(&self, possible: bool) {
        self.change(|radio| radio.hce = possible);
    }

    fn default_app(&self, default: bool) {
        self.change(|radio| radio.default_app = default);
    }

    fn refuse_registration(&self, refuse: bool) {
        self.reader.refuse(refuse);
    }
}

#[async_trait]
impl ReaderHandle for InMemory {
    async fn transceive(&self, command: &[u8]) -> Option<Bytes> {
        let mut card = self.hce.card_state();
        let state = *card.wait_for(|state| *state != CardState::Awaited).await.ok()?;
        if matches!(state, CardState::Inserted(_)) { self.reader.transceive(command).await } else { None }
    }

    async fn leave(&self) {
        self.reader.power_off();
    }
}
