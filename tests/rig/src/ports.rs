use std::{
    env,
    fs::{File, TryLockError},
    io,
    net::{Ipv4Addr, TcpListener},
};

/// Below what systems give to outgoing connections, above what servers are known by.
const FIRST: u16 = 21_000;
const PAIRS: u16 = 2_000;

/// Two ports, as vpcd has two slots, that no other test has: as long as this lives.
#[derive(Debug)]
pub(crate) struct Ports {
    pub(crate) first: u16,
    _lock: File,
}

impl Ports {
    /// The first two that are free, and that no other process has locked.
    pub(crate) fn take() -> io::Result<Self> {
        let folder = env::temp_dir().join("wx-rig-ports");
        std::fs::create_dir_all(&folder)?;
        for first in (FIRST..FIRST + 2 * PAIRS).step_by(2) {
            let lock = File::create(folder.join(first.to_string()))?;
            match lock.try_lock() {
                Ok(()) if is_free(first) && is_free(first + 1) => return Ok(Self { first, _lock: lock }),
                Ok(()) | Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        Err(io::Error::new(io::ErrorKind::AddrInUse, "no two ports are free"))
    }
}

/// On every address, as vpcd listens.
fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok()
}
