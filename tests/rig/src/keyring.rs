use std::{
    fs, io,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::fs::DirBuilderExt as _,
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Mutex, PoisonError},
};

use tempfile::TempDir;

use crate::{bus, bus::Bus, terminal::PYTHON};

pub(crate) const DAEMON: &str = "/usr/bin/gnome-keyring-daemon";

const SERVICE: &str = "org.freedesktop.secrets";
/// Where the password is, while its user logs in.
const LOGIN: &str = "login";
const PROGRAM: &str = include_str!("prompter.py");

/// A real secret service of a test's own, on a bus of its own: GNOME's keyring, with a user who answers its dialogs. All of it ends when this
/// is dropped.
///
/// It starts when it is first asked, and unlocked if its user has logged in. A user who never has done so has no keyring: the first secret has
/// them asked for a password for one.
#[derive(Debug)]
pub struct Keyring {
    folder: TempDir,
    user: Mutex<User>,
    _bus: Bus,
}

/// The program that answers the dialogs.
#[derive(Debug)]
struct User {
    program: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Keyring {
    /// What the user logs in with.
    pub const PASSWORD: &str = "a password of the user's";

    /// A bus with a secret service and a user, who has not logged in.
    ///
    /// # Errors
    ///
    /// They could not be started.
    pub fn start() -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let bus = Bus::start(folder.path())?;
        let (user, prompter) = User::start(&Bus::address(folder.path()))?;
        fs::DirBuilder::new().mode(0o700).create(folder.path().join("run"))?;
        let here = folder.path().display();
        // `env -i`: nothing of this machine's own session is for it. A password on its standard input is a login, as PAM makes one.
        let daemon = format!("{DAEMON} --foreground --components=secrets --control-directory={here}/run");
        let start = format!("if [ -e {here}/{LOGIN} ]; then exec {daemon} --unlock <{here}/{LOGIN}; else exec {daemon}; fi");
        let command = format!(
            "/usr/bin/env -i HOME={here} XDG_DATA_HOME={here} XDG_RUNTIME_DIR={here}/run DBUS_SESSION_BUS_ADDRESS={} \
             GNOME_KEYRING_TEST_PROMPTER={prompter} /bin/sh -c '{start}'",
            Bus::address(folder.path())
        );
        Bus::serve(folder.path(), SERVICE, &command)?;
        Ok(Self { folder, user: Mutex::new(user), _bus: bus })
    }

    /// The address of its bus.
    pub fn address(&self) -> String {
        Bus::address(self.folder.path())
    }

    /// Whether the user is logged in when the service starts the next time.
    ///
    /// # Errors
    ///
    /// It cannot be written down.
    pub fn logs_in(&self, does: bool) -> io::Result<()> {
        let path = self.folder.path().join(LOGIN);
        if does { fs::write(path, Self::PASSWORD) } else { fs::remove_file(path) }
    }

    /// What the user types into the next dialog that has no answer yet. With `None` it is closed.
    ///
    /// What is typed does not always arrive: about one dialog in 250 closes as if refused, and the service logs `Cannot import an invalid key`
    /// (gnome-keyring 42, gcr 3.41; the talk between the two is theirs).
    ///
    /// # Errors
    ///
    /// There is no user any more.
    pub fn types(&self, password: Option<&str>) -> io::Result<()> {
        self.tell(password.unwrap_or_default())
    }

    /// From now on the user leaves dialogs open.
    ///
    /// # Errors
    ///
    /// There is no user any more.
    pub fn hesitates(&self) -> io::Result<()> {
        self.tell("hesitate")?;
        self.types(None)
    }

    fn tell(&self, line: &str) -> io::Result<()> {
        let mut user = self.user.lock().unwrap_or_else(PoisonError::into_inner); // nothing panics under the lock
        writeln!(user.to, "{line}")?;
        user.line().map(drop)
    }

    /// Ends the service as a crash would. The bus starts it anew when it is asked again.
    ///
    /// # Errors
    ///
    /// It does not run.
    pub async fn kill(&self) -> io::Result<()> {
        bus::kill(&self.address(), SERVICE).await
    }

    /// Takes the service off the bus, before it was first asked: there is none from now on.
    ///
    /// # Errors
    ///
    /// It is gone already.
    pub fn uninstall(&self) -> io::Result<()> {
        Bus::withdraw(self.folder.path(), SERVICE)
    }

    /// Where it keeps its secrets.
    pub fn files(&self) -> PathBuf {
        self.folder.path().join("keyrings")
    }
}

impl User {
    /// The program, and where on the bus it answers.
    fn start(bus: &str) -> io::Result<(Self, String)> {
        let mut program = Command::new(PYTHON)
            .args(["-c", PROGRAM])
            .env("DBUS_SESSION_BUS_ADDRESS", bus)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null()) // its library complains that the test is in no session
            .spawn()?;
        let (Some(to), Some(from)) = (program.stdin.take(), program.stdout.take()) else {
            return Err(io::Error::other("the prompter has no pipes"));
        };
        let mut user = Self { program, to, from: BufReader::new(from) };
        let name = user.line()?;
        Ok((user, name))
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.from.read_line(&mut line)?;
        match line.strip_suffix('\n') {
            Some(line) => Ok(line.to_owned()),
            None => Err(io::Error::other("the prompter has ended")),
        }
    }
}

impl Drop for User {
    fn drop(&mut self) {
        let _ = self.program.kill(); // it may have ended by itself
        let _ = self.program.wait();
    }
}
