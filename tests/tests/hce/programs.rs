//! Programs of others, which know nothing of us: each plays the reader of Android's own conformance test.

use std::{fs, path::Path, process::Command};

use tokio::task::spawn_blocking;
use wx_api::hce::{Departure, HceMessage};

use crate::tap::{App, Tap};

/// Two services of Android's test, and what they register.
const SERVICES: [(&str, &str); 2] = [("transport", "F001020304"), ("access", "F005060708*")];

/// What that test's reader sends, which service has it, and what that one responds.
const SEQUENCE: &[(&str, &str, &str)] = &[
    ("00A4040005F001020304", "transport", "81CA9000"),
    ("80CA01E100", "transport", "7483624748FEFE9000"),
    ("00A4040007F005060708FFAA", "access", "FAFE25929000"),
    ("00A404000CF005060708FFAABBCCDDEEFF", "access", "FAFEAABB25929000"),
    ("80CA01F000", "access", "1481148114819000"),
    ("00A4040005F001020304", "transport", "81CA9000"),
];

/// Runs a program on the tap's stack while two mini-programs play Android's services: what the program printed, and everything that
/// reached each of them.
async fn runs(mut program: Command) -> (String, Vec<(&'static str, HceMessage)>) {
    let tap = Tap::new();
    let mut services = SERVICES.map(|(name, _)| tap.app(name));
    for (service, (_, aid)) in services.iter().zip(SERVICES) {
        service.start(&[aid]).await.unwrap();
    }
    tap.terminal.present().await.unwrap();
    let reader = tap.stack.reader();
    // `{reader}` stands for the reader's whole name, that of its first slot.
    let args: Vec<_> =
        program.get_args().map(|arg| arg.to_str().unwrap().replace("{reader}", &format!("{reader} 00 00"))).collect();
    program = Command::new(program.get_program());
    tap.stack.is_for(program.args(args));
    let program = spawn_blocking(move || program.output());
    let mut heard = Vec::new();
    let ran = tokio::select! {
        ran = program => ran.unwrap().unwrap(),
        never = serve(&mut services, &mut heard) => match never {},
    };
    let printed = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    assert_eq!(tap.trace.replay(), Ok(()));
    (printed, heard)
}

async fn serve([transport, access]: &mut [App; 2], heard: &mut Vec<(&'static str, HceMessage)>) -> std::convert::Infallible {
    loop {
        let (name, message, service) = tokio::select! {
            message = transport.hears() => ("transport", message, &*transport),
            message = access.hears() => ("access", message, &*access),
        };
        if let Some(command) = &message.data {
            let (_, _, response) = SEQUENCE.iter().find(|(sent, _, _)| command.starts_with(&hex(sent))).unwrap();
            service.answer(&hex(response)).await.unwrap();
        }
        heard.push((name, message));
    }
}

/// Every command reached its service, in this order, and each change of service was told to the one before.
fn is_the_sequence(heard: &[(&str, HceMessage)]) {
    let commands = heard.iter().filter_map(|(name, message)| Some((*name, message.data.as_ref()?)));
    let same =
        |((sent, to, _), (name, got)): (&(&str, &str, &str), (&str, &bytes::Bytes))| *to == name && got.starts_with(&hex(sent));
    assert_eq!(commands.clone().count(), SEQUENCE.len(), "{heard:?}");
    assert!(SEQUENCE.iter().zip(commands).all(same), "{heard:?}");
    let deselected = HceMessage::departure(Departure::Deselected);
    let left: Vec<_> = heard.iter().filter(|(_, message)| *message == deselected).map(|(name, _)| *name).collect();
    assert_eq!(left, ["transport", "access"], "{heard:?}");
}

fn has(program: &str, package: &str) -> bool {
    let is_there = Path::new(program).exists();
    assert!(is_there || !wx_rig::PCSC.is_required(), "{} is set, but {package} is not installed", wx_rig::PCSC.required);
    is_there
}

pub(crate) async fn opensc_tool_plays_androids_reader() {
    if !has("/usr/bin/opensc-tool", "opensc") {
        return;
    }
    let mut program = Command::new("opensc-tool");
    program.args(["--reader", "0", "--card-driver", "default"]);
    for (command, _, _) in SEQUENCE {
        program.args(["--send-apdu", command]);
    }
    let (printed, heard) = runs(program).await;
    is_the_sequence(&heard);
    assert_eq!(printed.matches("SW1=0x90, SW2=0x00").count(), SEQUENCE.len(), "{printed}");
    for (_, _, response) in SEQUENCE {
        let data = spaced(&response[..response.len() - 4]);
        assert!(printed.contains(&data), "{data} is not in {printed}");
    }
}

pub(crate) async fn the_probing_of_opensc_harms_nobody() {
    if !has("/usr/bin/opensc-tool", "opensc") {
        return;
    }
    let mut program = Command::new("opensc-tool");
    program.args(["--reader", "0", "--name"]); // tries the AIDs of every card it knows
    let (printed, heard) = runs(program).await;
    assert_eq!(heard, [], "none of them is a mini-program's");
    assert!(!printed.is_empty());
}

pub(crate) async fn scriptor_plays_androids_reader() {
    if !has("/usr/bin/scriptor", "pcsc-tools") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("cts.scriptor");
    fs::write(&script, SEQUENCE.iter().map(|(command, _, _)| spaced(command) + "\n").collect::<String>()).unwrap();
    let mut program = Command::new("scriptor");
    program.args(["-r", "{reader}", script.to_str().unwrap()]);
    let (printed, heard) = runs(program).await;
    is_the_sequence(&heard);
    let printed = printed.split_whitespace().collect::<Vec<_>>().join(" ");
    for (_, _, response) in SEQUENCE {
        assert!(printed.contains(&format!("< {}", spaced(response))), "{response} is not in {printed}");
    }
}

pub(crate) async fn pyscard_plays_androids_reader() {
    const SCRIPT: &str = "
from smartcard.System import readers
import sys
connection = next(r for r in readers() if str(r) == sys.argv[1]).createConnection()
connection.connect()
for command in sys.argv[2:]:
    data, sw1, sw2 = connection.transmit(list(bytes.fromhex(command)))
    print(bytes(data + [sw1, sw2]).hex().upper())
";
    let mut program = Command::new("/usr/bin/python3");
    program.args(["-c", SCRIPT, "{reader}"]).args(SEQUENCE.iter().map(|(command, _, _)| command));
    let (printed, heard) = runs(program).await;
    is_the_sequence(&heard);
    assert_eq!(printed.lines().collect::<Vec<_>>(), SEQUENCE.iter().map(|(_, _, response)| *response).collect::<Vec<_>>());
}

fn hex(digits: &str) -> Vec<u8> {
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

/// As programs print bytes.
fn spaced(digits: &str) -> String {
    hex(digits).iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(" ")
}
