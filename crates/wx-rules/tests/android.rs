//! What Android's host card emulation does (its `HostEmulationManager` and `RegisteredAidCache`), as tables, and what this does in
//! its place: the same, unless a row says why not.

#![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

use std::fmt::Write as _;

use wx_api::{
    Profile,
    hce::HceCode::{self, NotDefault, NotRegistered},
};
use wx_rules::{
    aid::{AidPattern, parse_aid_list},
    hce::{Nfc, Radio, Respond, RespondError, Router, Step, start},
};

/// Two services of one phone. Neither knows of the other.
const WALLET: &[&str] = &["F222222222", "F22222222201"];
const TICKET: &[&str] = &["F333333333"];

/// What is the case when something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    /// The reader has come, and selected nothing.
    Fresh,
    /// It has selected the wallet and got its answer.
    Selected,
    /// It has selected the wallet, which has not answered.
    Owed,
    /// It has selected the wallet, then the ticket.
    TakenOver,
}
use When::{Fresh, Owed, Selected, TakenOver};

/// What happens.
#[derive(Clone, Copy, Debug)]
enum Input {
    /// The reader sends this.
    Command(&'static str),
    /// A service responds this.
    Response(&'static str, &'static str),
    /// The reader goes.
    FieldLost,
}
use Input::{Command, FieldLost, Response};

/// What Android decides, and what the router does in its place where it does something else.
#[derive(Clone, Copy, Debug)]
enum Decided {
    Alike(&'static str),
    Otherwise { android: &'static str, here: &'static str, why: &'static str },
}
use Decided::{Alike, Otherwise};

impl Decided {
    fn here(self) -> &'static str {
        match self {
            Alike(decided) => decided,
            Otherwise { android, here, why } => {
                assert!(android != here && !why.is_empty());
                here
            }
        }
    }
}

const TO_WALLET: Decided = Alike("to wallet");
const NO_STATUS: &str = "a mini-program is told of its mistake (13005), and the reader still waits";

/// Which selection there is afterwards is in the last column.
const CONVERSATIONS: &[(When, Input, Decided, Option<&str>)] = &[
    // A reader that has selected nothing.
    (Fresh, Command("00A4040005F222222222"), TO_WALLET, Some("wallet")),
    (Fresh, Command("00A4040005F22222222200"), TO_WALLET, Some("wallet")), // with Le
    (Fresh, Command("00A4040205F222222222"), TO_WALLET, Some("wallet")),   // P2 means nothing
    (Fresh, Command("00A4040006F22222222201"), TO_WALLET, Some("wallet")),
    (Fresh, Command("00A4040005F444444444"), Alike("6A82"), None),
    (Fresh, Command("00A4040006F22222222202"), Alike("6A82"), None),
    (Fresh, Command("00A4040004F222222200"), Alike("6A82"), None), // four bytes are no AID
    (Fresh, Command("00A40400000000000000"), Alike("6A82"), None), // and no byte is none
    (Fresh, Command("00A404000FA000000476416E64726F6964484345"), Alike("148100009000"), None), // the ping
    (Fresh, Command("00B0000010"), Alike("6F00"), None),
    (Fresh, Command("01A4040005F222222222"), Alike("6F00"), None), // another class
    (Fresh, Command("00A4000005F222222222"), Alike("6F00"), None), // not by name
    (Fresh, Command("00A4040004F2222222"), Alike("6F00"), None),   // nine bytes
    (Fresh, Command("00A4040006F222222222"), Alike("6F00"), None), // cut off
    (Fresh, Response("wallet", "9000"), Alike("dropped"), None),
    (Fresh, FieldLost, Alike("nobody is told"), None),
    // One that has selected the wallet.
    (Selected, Command("00B0000010"), TO_WALLET, Some("wallet")),
    (Selected, Command("00A4040005F222222222"), TO_WALLET, Some("wallet")),
    (Selected, Command("00A4040006F22222222201"), TO_WALLET, Some("wallet")), // another of its AIDs is no departure
    (Selected, Command("00A4040005F333333333"), Alike("to ticket, wallet hears reason 1"), Some("ticket")),
    (Selected, Command("00A4040005F444444444"), Alike("6A82"), Some("wallet")), // the wallet hears nothing
    (Selected, Command("00A404000FA000000476416E64726F6964484345"), Alike("148100009000"), Some("wallet")),
    (Selected, Command("01A4040005F333333333"), TO_WALLET, Some("wallet")), // another class is data
    (Selected, Command("00A4000005F333333333"), TO_WALLET, Some("wallet")),
    (Selected, Command("00A4040006F333333333"), TO_WALLET, Some("wallet")),
    (Selected, Command("10A4040005F333333333"), TO_WALLET, Some("wallet")), // so is a part of a chain
    (Selected, Command("00"), TO_WALLET, Some("wallet")),
    (Selected, FieldLost, Alike("wallet hears reason 0"), None),
    (
        Selected,
        Response("wallet", "9000"), // a second one
        Otherwise { android: "sent", here: "dropped", why: "it would become the answer to the next command" },
        Some("wallet"),
    ),
    (Selected, Response("ticket", "9000"), Alike("dropped"), Some("wallet")),
    // One that waits for the wallet.
    (Owed, Response("wallet", "9000"), Alike("sent"), Some("wallet")),
    (Owed, Response("wallet", "01026A82"), Alike("sent"), Some("wallet")),
    (Owed, Response("ticket", "9000"), Alike("dropped"), Some("wallet")),
    (Owed, Response("wallet", ""), Otherwise { android: "dropped", here: "13005", why: NO_STATUS }, Some("wallet")),
    (Owed, Response("wallet", "00"), Otherwise { android: "sent", here: "13005", why: NO_STATUS }, Some("wallet")),
    (Owed, Response("wallet", "F0BABEFECA"), Otherwise { android: "sent", here: "13005", why: NO_STATUS }, Some("wallet")),
    (
        Owed,
        Command("00B0000010"),
        Otherwise { android: "to wallet", here: "waits", why: "no reader does that, and answers could be mixed up" },
        Some("wallet"),
    ),
    (Owed, FieldLost, Alike("wallet hears reason 0"), None),
    // One that went on to the ticket.
    (TakenOver, Response("wallet", "9000"), Alike("dropped"), Some("ticket")),
    (TakenOver, Response("ticket", "9000"), Alike("sent"), Some("ticket")),
    (TakenOver, FieldLost, Alike("ticket hears reason 0"), None),
];

#[test]
fn a_conversation_goes_as_on_android() {
    for (when, input, decided, selected) in CONVERSATIONS {
        let mut router = Router::default();
        router.register("wallet", list(WALLET).unwrap()).unwrap();
        router.register("ticket", list(TICKET).unwrap()).unwrap();
        if *when != Fresh {
            assert_eq!(decide(&mut router, Command("00A4040005F222222222")), "to wallet");
        }
        if matches!(when, Selected | TakenOver) {
            assert_eq!(decide(&mut router, Response("wallet", "9000")), "sent");
        }
        if *when == TakenOver {
            assert_eq!(decide(&mut router, Command("00A4040005F333333333")), "to ticket, wallet hears reason 1");
        }
        assert_eq!(decide(&mut router, *input), decided.here(), "{when:?}, {input:?}");
        assert_eq!(router.selected(), selected.as_ref(), "after {when:?}, {input:?}");
    }
}

/// Who registers what, in this order; what a reader selects; and who gets it, on Android where no app is preferred to another. `-`
/// is nobody; `ask` is the user, and then the tap comes to nothing.
type Selection = (&'static [(&'static str, &'static [&'static str])], &'static str, Decided);

const ASKED: &str =
    "a mini-program learns at once that it may not have an AID (13006); a user cannot be asked in the middle of a tap";

const SELECTIONS: &[Selection] = &[
    (&[("a", &["A000000004101012"])], "A000000004101012", Alike("a")),
    (&[("a", &["a000000004101012"])], "A000000004101012", Alike("a")),
    (&[("a", &["A000000004101012"])], "A000000004101018", Alike("-")),
    (&[("a", &["A000000004101012"])], "A000000004", Alike("-")), // shortened by the reader
    (&[("a", &["A000000004101012"])], "A00000000410101200", Alike("-")),
    (&[("a", &["A000000004*"])], "A000000004", Alike("a")),
    (&[("a", &["A000000004*"])], "A000000004101012", Alike("a")),
    (&[("a", &["A000000004*"])], "A000000005", Alike("-")),
    (&[("a", &["A0000000041010*"])], "A000000004", Alike("-")),
    (&[("a", &["A0000000041010#"])], "A000000004", Alike("a")),
    (&[("a", &["A0000000041010#"])], "A0000000041010", Alike("a")),
    (&[("a", &["A0000000041010#"])], "A000000004101012", Alike("-")),
    (&[("a", &["A0000000041010#"])], "A0000000042010", Alike("-")),
    (&[("a", &["A0000000041010#"])], "A0000000", Alike("-")), // too short for an AID
    (&[("a", &["F000000000*"])], "F0000000000000000000000000000000AA", Alike("a")), // too long for one
    (&[("a", &["A000000004101012", "A000000004*"])], "A000000004101012", Alike("a")),
    (
        &[("a", &["A000000004*", "A0000000041010#"])],
        "A000000004",
        Otherwise { android: "ask", here: "a", why: "there is no other service to choose" },
    ),
    (&[("a", &["A000000004101012"]), ("b", &["A000000004101018"])], "A000000004101018", Alike("b")),
    (&[("a", &["F00102030401*"]), ("b", &["F00102030402*"])], "F0010203040299", Alike("b")),
    (&[("a", &["F00102030401#"]), ("b", &["F0010203040199"])], "F0010203040199", Alike("b")),
    // Two that want the same.
    (
        &[("a", &["F053414950454D"]), ("b", &["F053414950454D"])],
        "F053414950454D",
        Otherwise { android: "ask", here: "a", why: ASKED },
    ),
    (
        &[("a", &["A000000004*"]), ("b", &["A000000004101012"])],
        "A000000004101012",
        Otherwise { android: "ask", here: "a", why: ASKED },
    ),
    (
        &[("a", &["A000000004101012"]), ("b", &["A000000004*"])],
        "A000000004101018",
        Otherwise { android: "ask", here: "-", why: ASKED },
    ),
    (&[("a", &["A0000000041010#"]), ("b", &["A000000004"])], "A000000004", Otherwise { android: "ask", here: "a", why: ASKED }),
    (
        &[("a", &["F053414950454D"]), ("b", &["F053414950454D", "F001020304"])],
        "F001020304",
        Otherwise { android: "b", here: "-", why: "a list is registered whole or not at all" },
    ),
];

#[test]
fn a_selection_is_resolved_as_on_android() {
    for (lists, selected, decided) in SELECTIONS {
        let mut router = Router::default();
        for (service, aids) in *lists {
            let registered = router.register(*service, list(aids).unwrap());
            let is_refused = *service == "b" && matches!(decided, Otherwise { .. });
            assert_eq!(registered, if is_refused { Err(NotRegistered) } else { Ok(()) }, "{lists:?}");
        }
        let select = format!("00A40400{:02X}{selected}0000000000", selected.len() / 2);
        let got = match decide(&mut router, Command(Box::leak(select.into_boxed_str()))) {
            answer if answer == "6A82" => "-".to_owned(),
            answer => answer.trim_start_matches("to ").to_owned(),
        };
        assert_eq!(got, decided.here(), "{selected} of {lists:?}");
    }
}

/// A payment AID goes to the default payment app only, whoever else has registered it. A host's mini-programs are one app to the
/// system, and what they register are payment AIDs: so each start asks whether the host is the default.
#[test]
fn only_the_default_payment_app_gets_payment_aids() {
    const DEFAULT: &[(&str, bool, Result<(), HceCode>)] = &[
        ("the host is the default", true, Ok(())),
        ("another app is", false, Err(NotDefault)),
        ("no app is", false, Err(NotDefault)),
    ];
    for (what, default_app, started) in DEFAULT {
        let radio = Radio { nfc: Nfc::On, hce: true, default_app: *default_app };
        let aids = ["A0000000041010".to_owned()];
        let got = start(radio, &Profile::default(), &aids).map_err(|error| error.code());
        let expected = started.map(|()| list(&["A0000000041010"]).unwrap()).map_err(|code| Some(code.code()));
        assert_eq!(got, expected, "{what}");
    }
}

/// What Android's `AidGroup` takes: 1 to 256 AIDs, all of them well-formed.
#[test]
fn a_list_is_taken_as_on_android() {
    let many = |count| vec!["F001020304"; count];
    for (aids, is_taken) in [
        (vec!["F001020304"], true),
        (vec!["F001020304*"], true),
        (vec!["F001020304#"], true),
        (vec!["f0010203040506070809aabbccddeeff"], true),
        (vec!["325041592E5359532E4444463031"], true), // 2PAY.SYS.DDF01
        (vec!["F001020304*#"], false),
        (vec!["F001020304*", "F00102030"], false),
        (vec!["F0010203"], false),
        (vec!["F0010203040506070809AABBCCDDEEFF00"], false),
        (vec!["ASDASDASDA"], false),
        (vec![], false),
        (many(256), true),
        (many(257), false),
    ] {
        assert_eq!(list(&aids).is_some(), is_taken, "{aids:?}");
    }
}

fn list(aids: &[&str]) -> Option<Vec<AidPattern>> {
    parse_aid_list(&aids.iter().map(|&aid| aid.to_owned()).collect::<Vec<_>>()).ok()
}

fn decide(router: &mut Router<&'static str>, input: Input) -> String {
    match input {
        Command(command) => match router.command(&bytes(command)) {
            Step::Answer(answer) => hex(answer),
            Step::Deliver { to, deselected: None } => format!("to {to}"),
            Step::Deliver { to, deselected: Some(before) } => format!("to {to}, {before} hears reason 1"),
            Step::Wait => "waits".to_owned(),
        },
        Response(from, response) => match router.respond(&from, &bytes(response)) {
            Ok(Respond::Send) => "sent".to_owned(),
            Ok(Respond::Dropped(_)) => "dropped".to_owned(),
            Err(RespondError::Illegal(error)) => error.code().code().to_string(),
            Err(RespondError::NotStarted) => "not started".to_owned(),
        },
        FieldLost => router.field_lost().map_or("nobody is told".to_owned(), |told| format!("{told} hears reason 0")),
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02X}");
        text
    })
}
