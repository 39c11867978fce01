//! Where the key of SOTER is: as the user says, or the best place there is.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    str::FromStr,
};

use clap::Args;

use crate::{doctor::Part, failure::Failure, folders, input::Text, soter_files::Files};

/// Where the desktop backend has the key that signs what a finger confirmed.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct KeyOptions {
    /// Where the desktop backend has its SOTER key: file, tpm, tpm:TCTI, pkcs11, or best, which is the first that there is of the one it
    /// has a key in, a TPM, the token that is named, and a file.
    #[arg(long, value_name = "PLACE", default_value = "best", env = "WX_SOTER_KEY")]
    soter_key: Wanted,
    /// How key files are kept.
    #[arg(long, value_enum, value_name = "HOW", default_value = "best", env = "WX_SOTER_FILES")]
    pub(crate) soter_files: Files,
    /// The module of a PKCS#11 token, such as /usr/lib/opensc-pkcs11.so.
    #[arg(long, value_name = "FILE", requires_all = ["pkcs11_token", "pkcs11_pin"], env = "WX_PKCS11_MODULE")]
    pkcs11_module: Option<PathBuf>,
    /// The token's label.
    #[arg(long, value_name = "LABEL", requires = "pkcs11_module", env = "WX_PKCS11_TOKEN")]
    pkcs11_token: Option<String>,
    /// Its PIN, as @FILE or @-: arguments can be seen by other users.
    #[arg(long, value_name = "TEXT", requires = "pkcs11_module", env = "WX_PKCS11_PIN", hide_env_values = true)]
    pkcs11_pin: Option<Text>,
}

/// What the user says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Wanted {
    #[default]
    Best,
    This(Place),
}

/// A place that a key can be in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A file.
    File,
    /// A TPM, reached so.
    Tpm(String),
    /// The token that the options name.
    Token,
}

/// The place, and why it is that one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) place: Place,
    why: &'static str,
}

/// What there is to choose from.
struct Found<'a> {
    folder: &'a Path,
    tpm: &'a Path,
    token: bool,
}

const TPM: &str = "/dev/tpmrm0";
const HAS_TPM: bool = cfg!(feature = "tpm");
const HAS_TOKENS: bool = cfg!(feature = "pkcs11");

impl KeyOptions {
    /// The place of the key in this folder.
    pub(crate) fn choose(&self, folder: &Path) -> Result<Choice, Failure> {
        let token = self.pkcs11_module.is_some();
        let choice = match &self.soter_key {
            Wanted::This(place) => Choice { place: place.clone(), why: "it was asked for" },
            Wanted::Best => Found { folder, tpm: Path::new(TPM), token }.best(),
        };
        let built = |has: bool, feature| {
            let without = || format!("this `wx` was built without {feature}: cargo install wx-cli --features {feature}");
            if has { Ok(()) } else { Err(Failure::misuse(without())) }
        };
        match choice.place {
            Place::File => {}
            Place::Tpm(_) => built(HAS_TPM, "tpm")?,
            Place::Token if !token => {
                let which =
                    "which token has the SOTER key is not said: --pkcs11-module, --pkcs11-token and --pkcs11-pin name it";
                return Err(Failure::misuse(which));
            }
            Place::Token => built(HAS_TOKENS, "pkcs11")?,
        }
        Ok(choice)
    }

    /// The token that is named, and its PIN.
    #[cfg(feature = "pkcs11")]
    pub(crate) fn token(&self) -> Result<(PathBuf, String, wx_crypto::Secret), Failure> {
        let pin = self.pkcs11_pin.as_ref().map(Text::read_line).transpose()?.unwrap_or_default();
        let (module, label) = (self.pkcs11_module.clone(), self.pkcs11_token.clone());
        Ok((module.unwrap_or_default(), label.unwrap_or_default(), crate::input::secret(&pin)))
    }

    /// The place as `wx doctor` tells it.
    pub(crate) async fn part(&self) -> Part {
        let (found, detail) = match self.chosen().await {
            Ok(detail) => (true, detail),
            Err(failure) => (false, failure.to_string()),
        };
        Part {
            name: "SOTER key",
            found,
            detail,
            get: "say where with --soter-key, and how files are kept with --soter-files",
            purpose: "signing what a finger confirmed",
            apis: vec!["startSoterAuthentication"],
            used: true,
        }
    }

    async fn chosen(&self) -> Result<String, Failure> {
        let folder = folder()?;
        let Choice { place, why } = self.choose(&folder)?;
        let chosen = format!("{place}: {why} ({})", folder.display());
        match place {
            Place::Tpm(_) => Ok(chosen),
            Place::File | Place::Token => Ok(format!("{chosen}; its key files are {}", self.soter_files.tell(&folder).await?)),
        }
    }
}

/// Where the key is kept, or what says which it is.
pub(crate) fn folder() -> Result<PathBuf, Failure> {
    folders::data("soter").ok_or_else(|| Failure::misuse("there is no place for the SOTER key: set HOME"))
}

impl Found<'_> {
    fn best(&self) -> Choice {
        // A key that was made stays in use: another place has another key, which no server knows.
        if let Some(place) = self.made() {
            return Choice { place, why: "the key was made there" };
        }
        if HAS_TPM && fs::File::options().read(true).write(true).open(self.tpm).is_ok() {
            return Choice { place: Place::Tpm(tcti(self.tpm)), why: "this machine has one" };
        }
        if self.token {
            return Choice { place: Place::Token, why: "it was named, and there is no TPM" };
        }
        let why = match (HAS_TPM, self.tpm.exists()) {
            (false, true) => "there is a TPM, but this program was built without the feature tpm, and no token was named",
            (true, true) => "there is a TPM, but this user may not use it (group tss), and no token was named",
            (_, false) => "there is no TPM, and no token was named",
        };
        Choice { place: Place::File, why }
    }

    /// Where a key was made, as the folder says.
    fn made(&self) -> Option<Place> {
        let has = |name| self.folder.join(name).exists();
        if has("key.tpm") {
            Some(Place::Tpm(tcti(Path::new(TPM))))
        } else if has("key.pkcs11") {
            Some(Place::Token)
        } else {
            has("key.pem").then_some(Place::File)
        }
    }
}

fn tcti(device: &Path) -> String {
    format!("device:{}", device.display())
}

impl FromStr for Wanted {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "best" => Self::Best,
            "file" => Self::This(Place::File),
            "pkcs11" => Self::This(Place::Token),
            "tpm" => Self::This(Place::Tpm(tcti(Path::new(TPM)))),
            _ => match text.strip_prefix("tpm:") {
                Some(tcti) if !tcti.is_empty() => Self::This(Place::Tpm(tcti.to_owned())),
                _ => return Err("it is one of best, file, tpm, tpm:TCTI, pkcs11"),
            },
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File => f.write_str("a file"),
            Self::Tpm(tcti) => write!(f, "the TPM at {tcti}"),
            Self::Token => f.write_str("a PKCS#11 token"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

    use super::*;

    #[test]
    fn the_best_place_is_the_one_with_a_key_then_a_tpm_then_a_token_then_a_file() {
        let machine = tempfile::tempdir().unwrap();
        let (folder, tpm) = (machine.path().join("soter"), machine.path().join("tpm"));
        fs::create_dir(&folder).unwrap();
        let best = |token| Found { folder: &folder, tpm: &tpm, token }.best().place;
        let there = || Place::Tpm(tcti(&tpm));

        assert_eq!((best(false), best(true)), (Place::File, Place::Token));
        fs::write(&tpm, "").unwrap();
        if HAS_TPM {
            assert_eq!((best(false), best(true)), (there(), there()));
        } else {
            assert_eq!((best(false), best(true)), (Place::File, Place::Token));
        }
        fs::write(folder.join("key.pem"), "").unwrap();
        assert_eq!(best(true), Place::File, "a key that was made stays in use");
        fs::write(folder.join("key.pkcs11"), "").unwrap();
        assert_eq!(best(false), Place::Token, "and is asked for where it is");
        fs::write(folder.join("key.tpm"), "").unwrap();
        assert_eq!(best(false), Place::Tpm("device:/dev/tpmrm0".to_owned()));
    }

    #[test]
    fn what_was_asked_for_is_taken_or_refused_and_nothing_else_in_its_place() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("key.pem"), "").unwrap();
        let choose = |wanted: &str| {
            let options = KeyOptions { soter_key: wanted.parse().unwrap(), ..KeyOptions::default() };
            options.choose(folder.path()).map(|choice| choice.place)
        };
        assert_eq!(choose("file").unwrap(), Place::File);
        match choose("tpm:swtpm:port=2321") {
            Ok(place) => assert!(HAS_TPM && place == Place::Tpm("swtpm:port=2321".to_owned())),
            Err(failure) => assert!(!HAS_TPM && failure.to_string().contains("--features tpm")),
        }
        assert!(choose("pkcs11").unwrap_err().to_string().contains("--pkcs11-module"), "no token was named");
        for wrong in ["", "disk", "tpm:", "TPM"] {
            assert!(wrong.parse::<Wanted>().is_err(), "{wrong}");
        }
    }
}
