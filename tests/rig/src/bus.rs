use std::{
    fs,
    io::{self, BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use futures_util::StreamExt as _;
use zbus::{connection::Builder, fdo::DBusProxy};

pub(crate) const BUS: &str = "/usr/bin/dbus-daemon";

/// A message bus of a test's own, in a folder. It ends when this is dropped, and so do the services that it has started.
#[derive(Debug)]
pub(crate) struct Bus {
    folder: PathBuf,
    daemon: Child,
}

impl Bus {
    /// Starts one. Programs may come when this returns.
    pub(crate) fn start(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(services(folder))?;
        let conf = format!(
            r#"<busconfig><type>custom</type><listen>unix:path={}</listen><servicedir>{}</servicedir><policy context="default">
            <allow send_destination="*" eavesdrop="true"/><allow receive_sender="*" eavesdrop="true"/><allow own="*"/><allow user="*"/>
            </policy></busconfig>"#,
            socket(folder).display(),
            services(folder).display()
        );
        fs::write(folder.join("bus.conf"), conf)?;
        let log = fs::File::create(folder.join("log"))?;
        let mut daemon = Command::new(BUS)
            .args(["--nofork", "--nopidfile", "--print-address=1", "--config-file"])
            .arg(folder.join("bus.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()?;
        // It says its address once programs may come.
        let said = daemon.stdout.take().map(BufReader::new).and_then(|said| said.lines().next()).transpose();
        let bus = Self { folder: folder.to_owned(), daemon };
        match said {
            Ok(Some(_)) => Ok(bus),
            _ => Err(io::Error::other(fs::read_to_string(folder.join("log")).unwrap_or_default())),
        }
    }

    /// Says how the bus starts this service when it is first asked for, and whenever it is gone.
    pub(crate) fn serve(folder: &Path, name: &str, command: &str) -> io::Result<()> {
        fs::create_dir_all(services(folder))?;
        fs::write(service(folder, name), format!("[D-BUS Service]\nName={name}\nExec={command}\n"))
    }

    /// The bus starts it no more.
    pub(crate) fn withdraw(folder: &Path, name: &str) -> io::Result<()> {
        fs::remove_file(service(folder, name))
    }

    /// The address of the bus in this folder.
    pub(crate) fn address(folder: &Path) -> String {
        format!("unix:path={}", socket(folder).display())
    }
}

/// Ends a service on the bus at this address as a crash would. The bus starts it anew when it is asked for again.
pub(crate) async fn kill(address: &str, service: &'static str) -> io::Result<()> {
    let work = async {
        let connection = Builder::address(address).build().await?;
        let bus = DBusProxy::new(&connection).await?;
        let owners = bus.receive_name_owner_changed_with_args(&[(0, service)]).await?;
        Ok::<_, zbus::Error>((bus.get_connection_unix_process_id(service.try_into()?).await?, owners))
    };
    let (process, mut owners) = work.await.map_err(io::Error::other)?;
    let killed = Command::new("kill").args(["-9", &process.to_string()]).status()?;
    if !killed.success() {
        return Err(io::Error::other(format!("{service} could not be killed")));
    }
    owners.next().await; // the bus has seen it: until then, who asks is sent to the one that is dying
    Ok(())
}

fn services(folder: &Path) -> PathBuf {
    folder.join("services")
}

fn service(folder: &Path, name: &str) -> PathBuf {
    services(folder).join(format!("{name}.service"))
}

fn socket(folder: &Path) -> PathBuf {
    folder.join("bus")
}

impl Drop for Bus {
    fn drop(&mut self) {
        let _ = self.daemon.kill(); // it may have ended by itself
        let _ = self.daemon.wait();
        let _ = fs::remove_file(socket(&self.folder));
    }
}
