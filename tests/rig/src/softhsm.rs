use std::{
    env, fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use crate::TOKENS;

pub(crate) const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
const UTIL: &str = "softhsm2-util";
/// Where the module finds its tokens. It reads that when it is loaded.
const CONF: &str = "SOFTHSM2_CONF";

/// A PKCS#11 token of a process's own, in software.
#[derive(Debug)]
pub struct Softhsm;

impl Softhsm {
    /// The module to load.
    pub const MODULE: &str = MODULE;
    /// The token's label.
    pub const LABEL: &str = "wx-rig";
    /// Its user's PIN.
    pub const PIN: &str = "a-pin-that-must-not-show";

    /// Runs this program once more, where there is a new token, and `main` in that one. Without the module there is nothing to run around, and
    /// `main` says so.
    pub fn around(main: impl FnOnce() -> ExitCode) -> ExitCode {
        if TOKENS.missing().is_some() {
            return main();
        }
        match Self::once_more() {
            Ok(Some(ended)) => ended,
            Ok(None) => main(),
            Err(error) => {
                let _ = writeln!(io::stderr(), "there is no token: {error}");
                ExitCode::FAILURE
            }
        }
    }

    /// How the program ended that was run where there is a new token; `None` in that program.
    fn once_more() -> io::Result<Option<ExitCode>> {
        if env::var_os(CONF).is_some() {
            return Ok(None);
        }
        let folder = tempfile::tempdir()?;
        let (conf, tokens) = (folder.path().join("conf"), folder.path().join("tokens"));
        fs::create_dir(&tokens)?;
        fs::write(
            &conf,
            format!("directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n", tokens.display()),
        )?;
        let made = Command::new(UTIL)
            .args(["--init-token", "--free", "--label", Self::LABEL, "--pin", Self::PIN, "--so-pin", "12345678"])
            .env(CONF, &conf)
            .output()?;
        if !made.status.success() {
            return Err(io::Error::other(String::from_utf8_lossy(&made.stderr).into_owned()));
        }
        let ended = Command::new(env::current_exe()?).args(env::args_os().skip(1)).env(CONF, &conf).status()?;
        Ok(Some(if ended.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }))
    }

    /// Takes the token out, or puts it back.
    ///
    /// # Errors
    ///
    /// It is out, or in, already.
    pub fn put_in(is_in: bool) -> io::Result<()> {
        let conf = PathBuf::from(env::var_os(CONF).unwrap_or_default());
        let folder = conf.parent().unwrap_or(Path::new(""));
        let (inside, outside) = (folder.join("tokens"), folder.join("outside"));
        if is_in {
            fs::remove_dir(&inside)?;
            fs::rename(outside, inside)
        } else {
            fs::rename(&inside, outside)?;
            fs::create_dir(inside)
        }
    }
}
