use std::{fs, net::SocketAddr, path::Path};

/// What there is of the parts that emulate a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Machine {
    /// No pcscd: no NFC.
    NoPcscd,
    /// A pcscd without vpcd: NFC that cannot emulate.
    NoVpcd,
    /// A vpcd with another program's card in it.
    Taken,
    /// A vpcd that waits for a card.
    Free,
}

/// Looks without touching: a connection would be a card to vpcd. Where that cannot be done, on another machine or without Linux's
/// `/proc`, all is said to be well, and putting the card in shows. A card that comes from `own_port` is our own.
pub(super) fn look(vpcd: SocketAddr, pcscd: &Path, own_port: u16) -> Machine {
    if !vpcd.ip().is_loopback() {
        return Machine::Free;
    }
    let tables: Vec<_> =
        ["/proc/net/tcp", "/proc/net/tcp6"].iter().filter_map(|table| fs::read_to_string(table).ok()).collect();
    if tables.is_empty() {
        return Machine::Free;
    }
    let has = |state| tables.iter().any(|table| has_socket(table, vpcd.port(), state, own_port));
    match (has(LISTEN), has(ESTABLISHED)) {
        (true, true) => Machine::Taken,
        (true, false) => Machine::Free,
        (false, _) if answers(pcscd) => Machine::NoVpcd,
        (false, _) => Machine::NoPcscd,
    }
}

/// The states of sockets, as `/proc/net/tcp` writes them.
const ESTABLISHED: &str = "01";
const LISTEN: &str = "0A";

/// Whether this table of sockets has one on this local port in this state, with another end than `own_port`.
fn has_socket(table: &str, port: u16, state: &str, own_port: u16) -> bool {
    let has_port = |address: &str, port: u16| address.ends_with(&format!(":{port:04X}"));
    table.lines().skip(1).any(|line| {
        let mut columns = line.split_ascii_whitespace().skip(1); // the first is a number
        let (Some(local), Some(remote), Some(its_state)) = (columns.next(), columns.next(), columns.next()) else {
            return false;
        };
        has_port(local, port) && its_state == state && !(own_port != 0 && has_port(remote, own_port))
    })
}

/// Whether somebody listens on this socket. pcscd takes a connection that says nothing for a program that thinks.
#[cfg(unix)]
fn answers(socket: &Path) -> bool {
    std::os::unix::net::UnixStream::connect(socket).is_ok()
}

#[cfg(not(unix))]
fn answers(_: &Path) -> bool {
    false
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

    use std::{
        net::{Ipv4Addr, TcpListener, TcpStream},
        os::unix::net::UnixListener,
    };

    use super::*;

    #[test]
    fn a_machine_is_what_listens_on_it() {
        let folder = tempfile::tempdir().unwrap();
        let pcscd = folder.path().join("comm");
        let vpcd = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let at = vpcd.local_addr().unwrap();
        assert_eq!(look(at, &pcscd, 0), Machine::Free);

        let card = TcpStream::connect(at).unwrap();
        assert_eq!(look(at, &pcscd, 0), Machine::Taken);
        let own_port = card.local_addr().unwrap().port();
        assert_eq!(look(at, &pcscd, own_port), Machine::Free, "it is our own card");
        let _another = TcpStream::connect(at).unwrap();
        assert_eq!(look(at, &pcscd, own_port), Machine::Taken, "one of them is not");

        drop(vpcd);
        assert_eq!(look(at, &pcscd, 0), Machine::NoPcscd);
        let pcscd_listens = UnixListener::bind(&pcscd).unwrap();
        assert_eq!(look(at, &pcscd, 0), Machine::NoVpcd);
        drop(pcscd_listens); // its file stays, as after a crash
        assert_eq!(look(at, &pcscd, 0), Machine::NoPcscd);
    }

    #[test]
    fn only_a_local_port_counts() {
        let table = "  sl  local_address rem_address   st tx_queue\n\
            \x20  0: 0100007F:8C7B 00000000:0000 0A 00000000:00000000 00:00000000\n\
            \x20  1: 0100007F:1234 0100007F:8C7B 01 00000000:00000000 00:00000000\n\
            torn";
        assert!(has_socket(table, 0x8C7B, LISTEN, 0));
        assert!(!has_socket(table, 0x8C7B, ESTABLISHED, 0));
        assert!(has_socket(table, 0x1234, ESTABLISHED, 0));
        assert!(!has_socket(table, 0x1234, ESTABLISHED, 0x8C7B));
        assert!(!has_socket("", 0, LISTEN, 0));
    }
}
