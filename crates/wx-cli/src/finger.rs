//! Fingers outside the mock: on this machine's reader, with the dialog on the terminal.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use tokio::task::spawn_blocking;
use wx_api::{BiometricPrompt, Cx, FingerScreen};
#[cfg(feature = "tpm")]
use wx_desktop::soter::Tpm;
#[cfg(any(feature = "pkcs11", feature = "tpm"))]
use wx_desktop::soter::WrongTries;
#[cfg(feature = "pkcs11")]
use wx_desktop::soter::{FileCounter, Token};
use wx_desktop::soter::{Fprint, OpenSoter, Seal, SoterDevice, StoreError};

use crate::{
    failure::Failure,
    soter_files::Files,
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

/// What confirms for the user of this program: the reader, and a key that is opened, and made, when something is first to be confirmed.
pub(crate) fn device(options: &KeyOptions) -> Result<Arc<dyn OpenSoter>, Failure> {
    let folder = soter_key::folder()?;
    let place = options.choose(&folder)?.place;
    let prompt = Arc::new(Fprint::system(Arc::new(TerminalScreen)));
    let files = match place {
        Place::Tpm(_) => None,
        Place::File | Place::Token => Some(options.soter_files),
    };
    let open = opener(options, place)?;
    Ok(Arc::new(Opener { folder, files, prompt, open }))
}

/// Opens the key, and says on the terminal why it could not.
struct Opener {
    folder: PathBuf,
    /// How key files are kept, where a key has any.
    files: Option<Files>,
    prompt: Arc<dyn BiometricPrompt>,
    open: Arc<Open>,
}

type Open = dyn Fn(&Path, Arc<dyn BiometricPrompt>, &Seal) -> Result<SoterDevice, StoreError> + Send + Sync;

#[async_trait]
impl OpenSoter for Opener {
    fn prompt(&self) -> Arc<dyn BiometricPrompt> {
        self.prompt.clone()
    }

    async fn open(&self) -> Result<SoterDevice, StoreError> {
        let opened = async {
            let seal = match self.files {
                Some(files) => files.seal(&self.folder).await?,
                None => Seal::none(),
            };
            let (folder, prompt, open) = (self.folder.clone(), self.prompt.clone(), self.open.clone());
            let opening = spawn_blocking(move || open(&folder, prompt, &seal)); // making a key takes a while
            opening.await.map_err(Failure::failed)?.map_err(Failure::failed)
        };
        opened.await.map_err(|failure| {
            terminal::error(&failure.to_string());
            StoreError::Host(failure.to_string().into())
        })
    }
}

/// What opens the key in this place. A place that this program was built without is never chosen.
#[cfg_attr(not(feature = "tpm"), allow(clippy::needless_pass_by_value))] // only a TPM's place is taken apart
#[cfg_attr(not(feature = "pkcs11"), allow(clippy::unnecessary_wraps))] // only a token may be named badly
fn opener(options: &KeyOptions, place: Place) -> Result<Arc<Open>, Failure> {
    let _ = options; // without tokens it has nothing more to say
    Ok(match place {
        #[cfg(feature = "tpm")]
        Place::Tpm(tcti) => Arc::new(move |folder: &Path, prompt, _: &Seal| {
            let (tpm, wrong_tries) = (Arc::new(Tpm::open(folder, &tcti)?), WrongTries::open(folder)?);
            Ok(SoterDevice { keys: tpm.clone(), counter: tpm, prompt, wrong_tries })
        }),
        #[cfg(feature = "pkcs11")]
        Place::Token => {
            let (module, label, pin) = options.token()?;
            Arc::new(move |folder: &Path, prompt, seal: &Seal| {
                let counter = Arc::new(FileCounter::open(folder)?); // first: it is begun in an empty folder only
                let keys = Arc::new(Token::open(folder, &module, &label, pin.clone(), seal)?);
                Ok(SoterDevice { keys, counter, prompt, wrong_tries: WrongTries::open(folder)? })
            })
        }
        _ => Arc::new(|folder: &Path, prompt, seal: &Seal| SoterDevice::software(folder, prompt, seal)),
    })
}
