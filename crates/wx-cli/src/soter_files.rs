//! How the files with SOTER keys are kept: encrypted under a key of the user's secret service, or as they are.

use std::path::Path;

use clap::ValueEnum;
use wx_desktop::soter::{Seal, SecretService, SecretsError};

use crate::{failure::Failure, terminal};

/// What the user says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Files {
    /// Encrypted, if they are already or there is a secret service.
    #[default]
    Best,
    /// Encrypted under a key of the user's secret service.
    Sealed,
    /// As they are, readable by their owner alone.
    Plain,
}

impl Files {
    /// What keeps the key files of this folder so. The user may be asked to unlock the service.
    pub(crate) async fn seal(self, folder: &Path) -> Result<Seal, Failure> {
        let is_needed = Seal::is_needed(folder).map_err(Failure::failed)?;
        if self == Self::Plain {
            return if is_needed { Err(encrypted(folder)) } else { Ok(Seal::none()) };
        }
        match SecretService::session().seal().await {
            Ok(seal) => Ok(seal),
            Err(error) if self.does_without(&error, folder, is_needed) => {
                if !(has_key(folder) && is_absent(&error)) {
                    terminal::say(&format!("the SOTER key is not encrypted: {error}"));
                }
                Ok(Seal::none())
            }
            Err(error) => Err(refused(&error, folder, is_needed)),
        }
    }

    /// How they are kept, for `wx doctor`. Nobody is asked anything.
    pub(crate) async fn tell(self, folder: &Path) -> Result<String, Failure> {
        let is_needed = Seal::is_needed(folder).map_err(Failure::failed)?;
        if self == Self::Plain {
            return if is_needed { Err(encrypted(folder)) } else { Ok("not encrypted: it was asked for".to_owned()) };
        }
        let state = if is_needed { "encrypted under the secret service" } else { "encrypted when they are next needed" };
        match SecretService::session().is_locked().await {
            Ok(false) => Ok(state.to_owned()),
            Ok(true) => Ok(format!("{state}; the secret service is locked and will ask for its password")),
            Err(error) if self.does_without(&error, folder, is_needed) => Ok(format!("not encrypted: {error}")),
            Err(error) => Err(refused(&error, folder, is_needed)),
        }
    }

    /// Whether files are kept as they are, because the service cannot be used. A new key is not where there is one: its user is to say so.
    fn does_without(self, error: &SecretsError, folder: &Path, is_needed: bool) -> bool {
        self == Self::Best && !is_needed && (has_key(folder) || is_absent(error))
    }
}

fn has_key(folder: &Path) -> bool {
    ["key.pem", "key.pkcs11"].iter().any(|name| folder.join(name).exists())
}

fn is_absent(error: &SecretsError) -> bool {
    matches!(error, SecretsError::Absent(_))
}

/// What was encrypted is not opened as if it were not.
fn encrypted(folder: &Path) -> Failure {
    Failure::misuse(format!("the SOTER key in {} is encrypted: leave --soter-files plain out", folder.display()))
}

/// Why the files are not opened, and what helps.
fn refused(error: &SecretsError, folder: &Path, is_needed: bool) -> Failure {
    let key = folder.display();
    Failure::failed(if is_needed {
        format!("{error}; the SOTER key in {key} is encrypted under it")
    } else {
        format!("{error}; --soter-files plain keeps the SOTER key in {key} without it, not encrypted")
    })
}
