//! Fingers outside the mock: on this machine's reader, with the dialog on the terminal and the key in a file.

use std::sync::Arc;

use async_trait::async_trait;
use wx_api::{Cx, FingerScreen};
use wx_desktop::soter::{Fprint, SoterDevice};

use crate::{failure::Failure, folders, terminal};

/// A dialog of one line. Nobody can close it but by ending the program, or by not touching the reader.
struct TerminalScreen;

#[async_trait]
impl FingerScreen for TerminalScreen {
    async fn show(&self, cx: &Cx, text: &str) {
        let asks = if text.is_empty() { "asks for your finger" } else { text };
        terminal::say(&format!("{}: {asks}. Touch the fingerprint reader", cx.app()));
        std::future::pending::<()>().await; // there is nothing to close
    }
}

/// What confirms for the user of this program. Its key is made when it is first needed here.
pub(crate) async fn device() -> Result<SoterDevice, Failure> {
    let folder = folders::data("soter").ok_or_else(|| Failure::misuse("there is no place for the SOTER key: set HOME"))?;
    let make = move || SoterDevice::software(&folder, Arc::new(Fprint::system(Arc::new(TerminalScreen))));
    let made = tokio::task::spawn_blocking(make).await; // making a key takes a while
    made.map_err(Failure::failed)?.map_err(Failure::failed)
}
