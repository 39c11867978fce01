//! Programs of others, which know nothing of us: each plays the reader of Android's own conformance test.

use std::{fs, path::Path, process::Command};

use tokio::task::spawn_blocking;
use wx_api::hce::HceMessage;

use crate::tap::{App, Tap};

/// What the first service of Android's test answers: to the selection of its AID, and to the command after that.
const AID: &str = "F001020304";
const SELECTED: &[u8] = &[0x81, 0xCA, 0x90, 0x00];
const COMMAND: &[u8] = &[0x80, 0xCA, 0x01, 0xE1, 0x00];
const ANSWERED: &[u8] = &[0x74, 0x83, 0x62, 0x47, 0x48, 0xFE, 0xFE, 0x90, 0x00];

/// Runs a program on the tap's stack while a mini-program plays Android's service: what the program printed, and every command that
/// reached the mini-program.
async fn runs(mut program: Command) -> (String, Vec<Vec<u8>>) {
    let tap = Tap::new();
    let mut service = tap.app("service");
    service.start(&[AID]).await.unwrap();
    tap.terminal.present().await.unwrap();
    let reader = tap.stack.reader();
    // `{reader}` stands for the reader's whole name, that of its first slot.
    let args: Vec<_> =
        program.get_args().map(|arg| arg.to_str().unwrap().replace("{reader}", &format!("{reader} 00 00"))).collect();
    program = Command::new(program.get_program());
    tap.stack.is_for(program.args(args));
    let program = spawn_blocking(move || program.output());
    let mut commands = Vec::new();
    let ran = tokio::select! {
        ran = program => ran.unwrap().unwrap(),
        never = serves(&mut service, &mut commands) => match never {},
    };
    let printed = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    assert_eq!(tap.trace.replay(), Ok(()));
    (printed, commands)
}

async fn serves(service: &mut App, commands: &mut Vec<Vec<u8>>) -> std::convert::Infallible {
    loop {
        if let HceMessage { data: Some(command), .. } = service.hears().await {
            service.answer(if command[1] == 0xA4 { SELECTED } else { ANSWERED }).await.unwrap();
            commands.push(command.to_vec());
        }
    }
}

/// Both commands arrived, in this order, and nothing else.
fn are_the_two(commands: &[Vec<u8>]) {
    let selection = [&[0x00, 0xA4, 0x04, 0x00, 0x05], &[0xF0, 0x01, 0x02, 0x03, 0x04][..]].concat();
    assert_eq!(commands.len(), 2, "{commands:02X?}");
    assert!(commands[0].starts_with(&selection), "{commands:02X?}");
    assert_eq!(commands[1], COMMAND);
}

fn has(program: &str, package: &str) -> bool {
    let is_there = Path::new(program).exists();
    assert!(is_there || !wx_rig::PCSC.is_required(), "{} is set, but {package} is not installed", wx_rig::PCSC.required);
    is_there
}

pub(crate) async fn opensc_tool_talks_to_a_mini_program() {
    if !has("/usr/bin/opensc-tool", "opensc") {
        return;
    }
    let mut program = Command::new("opensc-tool");
    program.args(["--reader", "0", "--card-driver", "default", "--send-apdu", "00:A4:04:00:05:F0:01:02:03:04:00"]);
    program.args(["--send-apdu", "80:CA:01:E1:00"]);
    let (printed, commands) = runs(program).await;
    assert!(printed.contains("SW1=0x90, SW2=0x00") && printed.contains("74 83 62 47 48 FE FE"), "{printed}");
    assert!(printed.contains("81 CA"), "{printed}");
    are_the_two(&commands);
}

pub(crate) async fn the_probing_of_opensc_harms_nobody() {
    if !has("/usr/bin/opensc-tool", "opensc") {
        return;
    }
    let mut program = Command::new("opensc-tool");
    program.args(["--reader", "0", "--name"]); // tries the AIDs of every card it knows
    let (printed, commands) = runs(program).await;
    assert_eq!(commands, Vec::<Vec<u8>>::new(), "none of them is the mini-program's");
    assert!(!printed.is_empty());
}

pub(crate) async fn scriptor_talks_to_a_mini_program() {
    if !has("/usr/bin/scriptor", "pcsc-tools") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("cts.scriptor");
    fs::write(&script, "00 A4 04 00 05 F0 01 02 03 04 00\n80 CA 01 E1 00\n").unwrap();
    let mut program = Command::new("scriptor");
    program.args(["-r", "{reader}", script.to_str().unwrap()]);
    let (printed, commands) = runs(program).await;
    let printed = printed.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(printed.contains("< 81 CA 90 00"), "{printed}");
    assert!(printed.contains("< 74 83 62 47 48 FE FE 90 00"), "{printed}");
    are_the_two(&commands);
}

pub(crate) async fn pyscard_talks_to_a_mini_program() {
    const SCRIPT: &str = "
from smartcard.System import readers
from smartcard.util import toHexString
import sys
connection = next(r for r in readers() if str(r) == sys.argv[1]).createConnection()
connection.connect()
for command in ('00A4040005F00102030400', '80CA01E100'):
    data, sw1, sw2 = connection.transmit(list(bytes.fromhex(command)))
    print(toHexString(data + [sw1, sw2]))
";
    let mut program = Command::new("/usr/bin/python3");
    program.args(["-c", SCRIPT, "{reader}"]);
    let (printed, commands) = runs(program).await;
    assert_eq!(printed, "81 CA 90 00\n74 83 62 47 48 FE FE 90 00\n");
    are_the_two(&commands);
}
