//! The examples on the desktop backend, with a real finger and a real card reader.
#![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

mod example;

use std::process::ExitCode;

use example::Example;
use wx_rig::{FINGERPRINTS, Fingerprints, PCSC, Stack};

fn main() -> ExitCode {
    wx_rig::main(
        &[&FINGERPRINTS, &PCSC],
        wx_rig::tests! {
            examples {
                an_order_confirmed_by_a_finger,
                an_order_confirmed_by_a_finger_at_a_device_elsewhere,
                an_order_is_not_confirmed_by_nobody,
                a_transit_card_pays_at_a_gate,
            }
        },
    )
}

mod examples {
    use super::{Example, Fingerprints, Stack};

    pub(super) async fn an_order_confirmed_by_a_finger() {
        let fingers = Fingerprints::new().await.unwrap();
        fingers.start().await.unwrap();
        let bus = [("DBUS_SYSTEM_BUS_ADDRESS", fingers.address()), ("WX_SOTER_FILES", "plain".to_owned())];
        let home = tempfile::tempdir().unwrap();
        assert_eq!(Example::start(home.path(), "order", &bus, &[]).confirmed(&fingers).await, 1);
    }

    /// What the device says to its user comes out where the host started it.
    pub(super) async fn an_order_confirmed_by_a_finger_at_a_device_elsewhere() {
        let fingers = Fingerprints::new().await.unwrap();
        fingers.start().await.unwrap();
        let bus = [("DBUS_SYSTEM_BUS_ADDRESS", fingers.address()), ("WX_SOTER_FILES", "plain".to_owned())];
        let home = tempfile::tempdir().unwrap();
        assert_eq!(Example::start_elsewhere(home.path(), "order", &bus).await.confirmed(&fingers).await, 1);
    }

    pub(super) async fn an_order_is_not_confirmed_by_nobody() {
        let fingers = Fingerprints::new().await.unwrap();
        fingers.start().await.unwrap();
        fingers.enrol(false).unwrap();
        let (home, bus) = (tempfile::tempdir().unwrap(), [("DBUS_SYSTEM_BUS_ADDRESS", fingers.address())]);
        let mut order = Example::start(home.path(), "order", &bus, &[]);
        order.says("supported: fingerPrint").await;
        let (code, stderr) = order.ends().await;
        assert!(code == Some(1) && stderr.contains("order 1 is not confirmed") && stderr.contains("(90011)"), "{stderr}");
    }

    pub(super) async fn a_transit_card_pays_at_a_gate() {
        let stack = Stack::new().unwrap();
        stack.start().unwrap();
        let gate = stack.terminal().unwrap();
        let socket = [("PCSCLITE_CSOCK_NAME", stack.socket().display().to_string())];
        let home = tempfile::tempdir().unwrap();
        let mut card = Example::start(home.path(), "transit-card", &socket, &["--vpcd", &stack.vpcd().to_string()]);
        card.says("the card is ready").await;
        gate.present().await.unwrap();
        let select = [0x00, 0xA4, 0x04, 0x00, 0x07, 0xF0, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06];
        assert_eq!(gate.transmit(&select).await.unwrap(), [0x90, 0x00]);
        for response in [&[1, 0x90, 0x00][..], &[0, 0x90, 0x00], &[0x69, 0x85]] {
            assert_eq!(gate.transmit(&[0x80, 0x54, 0x00, 0x00, 0x01]).await.unwrap(), response);
        }
        gate.unpower().await.unwrap();
        card.says("the reader has gone").await;
        assert_eq!(card.ends().await, (Some(0), String::new()));
    }
}
