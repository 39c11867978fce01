//! Fingers outside the mock: on this machine's reader, with the dialog on the terminal.

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use wx_api::{BiometricPrompt, Cx, FingerScreen};
#[cfg(feature = "tpm")]
use wx_desktop::soter::Tpm;
#[cfg(any(feature = "pkcs11", feature = "tpm"))]
use wx_desktop::soter::WrongTries;
#[cfg(feature = "pkcs11")]
use wx_desktop::soter::{FileCounter, Token};
use wx_desktop::soter::{Fprint, SoterDevice, StoreError};

use crate::{
    failure::Failure,
    soter_key::{self, KeyOptions, Place},
    terminal,
};

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
pub(crate) async fn device(options: &KeyOptions) -> Result<SoterDevice, Failure> {
    let folder = soter_key::folder()?;
    let place = options.choose(&folder)?.place;
    let prompt = Arc::new(Fprint::system(Arc::new(TerminalScreen)));
    let open = opener(options, place)?;
    let made = tokio::task::spawn_blocking(move || open(&folder, prompt)).await; // making a key takes a while
    made.map_err(Failure::failed)?.map_err(Failure::failed)
}

type Open = Box<dyn FnOnce(&Path, Arc<dyn BiometricPrompt>) -> Result<SoterDevice, StoreError> + Send>;

/// What opens the key in this place. A place that this program was built without is never chosen.
#[cfg_attr(not(feature = "tpm"), allow(clippy::needless_pass_by_value))] // only a TPM's place is taken apart
#[cfg_attr(not(feature = "pkcs11"), allow(clippy::unnecessary_wraps))] // only a token may be named badly
fn opener(options: &KeyOptions, place: Place) -> Result<Open, Failure> {
    let _ = options; // without tokens it has nothing more to say
    Ok(match place {
        #[cfg(feature = "tpm")]
        Place::Tpm(tcti) => Box::new(move |folder, prompt| {
            let (tpm, wrong_tries) = (Arc::new(Tpm::open(folder, &tcti)?), WrongTries::open(folder)?);
            Ok(SoterDevice { keys: tpm.clone(), counter: tpm, prompt, wrong_tries })
        }),
        #[cfg(feature = "pkcs11")]
        Place::Token => {
            let (module, label, pin) = options.token()?;
            Box::new(move |folder, prompt| {
                let counter = Arc::new(FileCounter::open(folder)?); // first: it is begun in an empty folder only
                let keys = Arc::new(Token::open(folder, module, &label, pin)?);
                Ok(SoterDevice { keys, counter, prompt, wrong_tries: WrongTries::open(folder)? })
            })
        }
        _ => Box::new(|folder, prompt| SoterDevice::software(folder, prompt)),
    })
}
