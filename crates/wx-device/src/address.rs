use std::{fmt, path::PathBuf, process::Stdio, str::FromStr, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
    process::{Child, Command},
    time::timeout,
};

/// How long a command may take to end by itself.
const LAST_MOMENT: Duration = Duration::from_secs(2);

/// Where an agent is: `tcp://192.168.1.7:7411`, `unix:///run/wx.sock`, or the output and input of a command,
/// `exec://ssh kiosk wx agent serve --stdio`.
///
/// ```
/// use wx_device::Address;
///
/// let address: Address = "tcp://192.168.1.7:7411".parse()?;
/// assert_eq!(address.to_string(), "tcp://192.168.1.7:7411");
/// assert!("http://192.168.1.7".parse::<Address>().is_err());
/// # Ok::<(), wx_device::AddressError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A host and a port.
    Tcp(String),
    /// A socket on this machine.
    Unix(PathBuf),
    /// A program and its arguments, which speaks by its standard output and input.
    Exec(Vec<String>),
}

/// A text that is no address of an agent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no address of an agent: write tcp://HOST:PORT, unix:///PATH or exec://COMMAND ARGUMENTS")]
pub struct AddressError(String);

impl AddressError {
    /// What was not understood, without what may be a secret: somebody may have taken an invitation for an address.
    fn of(text: &str) -> Self {
        let shown = text.split_once('#').map_or(text, |(before, _)| before);
        Self(shown.to_owned())
    }
}

/// Both directions of a connection, and what must live as long.
pub(crate) struct Stream {
    pub(crate) reader: Box<dyn AsyncRead + Send + Unpin>,
    pub(crate) writer: Box<dyn AsyncWrite + Send + Unpin>,
    /// Killed when dropped.
    pub(crate) child: Option<Child>,
}

impl FromStr for Address {
    type Err = AddressError;

    /// # Errors
    ///
    /// [`AddressError`] for any other form.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        let bad = || AddressError::of(text);
        let (scheme, rest) = text.split_once("://").ok_or_else(bad)?;
        let address = match scheme {
            "tcp" => {
                let (host, port) = rest.rsplit_once(':').ok_or_else(bad)?;
                (!host.is_empty() && port.parse::<u16>().is_ok()).then(|| Self::Tcp(rest.to_owned()))
            }
            "unix" => rest.starts_with('/').then(|| Self::Unix(rest.into())),
            "exec" => {
                let words: Vec<String> = rest.split_whitespace().map(str::to_owned).collect();
                (!words.is_empty()).then_some(Self::Exec(words))
            }
            _ => None,
        };
        address.ok_or_else(bad)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "tcp://{address}"),
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Exec(words) => write!(f, "exec://{}", words.join(" ")),
        }
    }
}

impl Address {
    pub(crate) async fn connect(&self) -> std::io::Result<Stream> {
        match self {
            Self::Tcp(address) => Ok(Stream::tcp(TcpStream::connect(address).await?)),
            Self::Unix(path) => Ok(Stream::unix(UnixStream::connect(path).await?)),
            Self::Exec(words) => {
                let (program, arguments) = words.split_first().ok_or(std::io::ErrorKind::InvalidInput)?;
                let mut command = Command::new(program);
                command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
                let mut child = command.spawn()?;
                let (reader, writer) = child.stdout.take().zip(child.stdin.take()).ok_or(std::io::ErrorKind::BrokenPipe)?;
                Ok(Stream { reader: Box::new(reader), writer: Box::new(writer), child: Some(child) })
            }
        }
    }
}

/// Waits a moment for a command to end by itself, now that its input has ended: an agent's journal is in order then. It is killed if it
/// does not.
pub(crate) async fn ended(child: Option<Child>) {
    if let Some(mut child) = child {
        let _ = timeout(LAST_MOMENT, child.wait()).await; // killed when dropped
    }
}

impl Stream {
    pub(crate) fn tcp(stream: TcpStream) -> Self {
        // Frames are gathered before they are written; the kernel need not wait for more. Where it cannot be told, it is only slower.
        let _ = stream.set_nodelay(true);
        let (reader, writer) = stream.into_split();
        Self { reader: Box::new(reader), writer: Box::new(writer), child: None }
    }

    pub(crate) fn unix(stream: UnixStream) -> Self {
        let (reader, writer) = stream.into_split();
        Self { reader: Box::new(reader), writer: Box::new(writer), child: None }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that unwraps wrongly fails, as it should")]
mod tests {
    use super::*;

    #[test]
    fn addresses_read_as_they_are_written() {
        for text in
            ["tcp://127.0.0.1:7411", "tcp://[::1]:7411", "unix:///run/wx.sock", "exec://ssh kiosk wx agent serve --stdio"]
        {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
        for text in
            ["", "tcp://", "tcp://:7411", "tcp://host", "tcp://host:70000", "unix://here", "exec://", "ftp://host:1", "mock"]
        {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
        let error = "wx-pair:tcp://127.0.0.1:7411#secret".parse::<Address>().unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
