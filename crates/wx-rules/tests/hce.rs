//! Which app a reader's command goes to: tables modelled on what Android does.

#![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

use wx_api::{
    Api, Error, ErrorKind, Platform, Profile,
    hce::HceCode::{self, NfcOff, NoHce, NoNfc, NotDefault},
};
use wx_rules::{
    aid::{Aid, AidPattern, parse_aid_list},
    apdu::ResponseError,
    hce::{
        Dropped, NOT_FOUND, NOTHING_SELECTED, Nfc, PING_AID, PONG, Radio, Respond, RespondError, Router, Step, present, ready,
        start,
    },
};

const OK: &[u8] = &[0x90, 0x00];
const READ: &[u8] = &[0x00, 0xB0, 0x00, 0x00, 0x10];
const WALLET: &str = "F222222222";
const TICKET: &str = "F333333333";

fn aids(list: &[&str]) -> Vec<AidPattern> {
    parse_aid_list(&list.iter().map(|&aid| aid.to_owned()).collect::<Vec<_>>()).unwrap()
}

fn select(aid: &str) -> Vec<u8> {
    let aid: Aid = aid.parse().unwrap();
    select_bytes(aid.as_bytes())
}

fn select_bytes(name: &[u8]) -> Vec<u8> {
    [&[0x00, 0xA4, 0x04, 0x00, u8::try_from(name.len()).unwrap()], name].concat()
}

/// A router with a wallet and a ticket.
fn two_apps() -> Router<&'static str> {
    let mut router = Router::default();
    router.register("wallet", aids(&[WALLET, "F22222222201"])).unwrap();
    router.register("ticket", aids(&[TICKET])).unwrap();
    router
}

fn delivered(to: &'static str) -> Step<&'static str> {
    Step::Deliver { to, deselected: None }
}

/// Sends a command that must reach `service`, and has it answer.
fn exchange(router: &mut Router<&'static str>, command: &[u8], service: &'static str) {
    assert!(matches!(router.command(command), Step::Deliver { to, .. } if to == service));
    assert_eq!(router.respond(&service, OK), Ok(Respond::Send));
}

#[test]
fn a_device_answers_what_is_missing_first() {
    let (android, ios) = (Profile::default(), Profile::new(Platform::Ios));
    for (nfc, hce, default_app, profile, at_all, now) in [
        (Nfc::On, true, true, &android, Ok(()), Ok(())),
        (Nfc::On, true, false, &android, Ok(()), Err(NotDefault)),
        (Nfc::Off, true, true, &android, Ok(()), Err(NfcOff)),
        (Nfc::Off, true, false, &android, Ok(()), Err(NfcOff)),
        (Nfc::On, false, true, &android, Err(NoHce), Err(NoHce)),
        (Nfc::Off, false, false, &android, Err(NoHce), Err(NoHce)),
        (Nfc::Absent, false, false, &android, Err(NoNfc), Err(NoNfc)),
        (Nfc::Absent, true, true, &android, Err(NoNfc), Err(NoNfc)),
        (Nfc::On, true, true, &ios, Err(NoHce), Err(NoHce)),
        (Nfc::Off, true, false, &ios, Err(NoHce), Err(NoHce)),
        (Nfc::Absent, true, true, &ios, Err(NoNfc), Err(NoNfc)),
    ] {
        let radio = Radio { nfc, hce, default_app };
        assert_eq!(present(radio, profile), at_all, "{radio:?}, {:?}", profile.platform());
        assert_eq!(ready(radio, profile), now, "{radio:?}, {:?}", profile.platform());
    }
}

#[test]
fn a_start_judges_the_device_before_the_list() {
    let mut radio = Radio { nfc: Nfc::Off, hce: true, default_app: true };
    let mut list = vec!["F2".to_owned()];
    let code = |radio, list: &[String]| start(radio, &Profile::default(), list).map_err(|error| (error.api(), error.code()));
    assert_eq!(code(radio, &list), Err((Api::StartHce, Some(13001))));
    radio.nfc = Nfc::On;
    assert_eq!(code(radio, &list), Err((Api::StartHce, Some(13003))));
    list[0] = WALLET.to_owned();
    assert_eq!(code(radio, &list), Ok(aids(&[WALLET])));
}

#[test]
fn a_command_before_any_selection_answers_6f00() {
    assert_eq!(two_apps().command(READ), Step::Answer(NOTHING_SELECTED));
    assert_eq!(two_apps().command(&[]), Step::Answer(NOTHING_SELECTED));
    assert_eq!(NOTHING_SELECTED, [0x6F, 0x00]);
}

#[test]
fn a_selection_and_what_follows_reaches_the_service() {
    let mut router = two_apps();
    for command in [&select(WALLET)[..], READ, &[0x00], &[], &[0xFF; 300]] {
        assert_eq!(router.command(command), delivered("wallet"));
        assert_eq!(router.respond(&"wallet", OK), Ok(Respond::Send));
    }
}

#[test]
fn an_unknown_aid_answers_6a82_and_keeps_the_selection() {
    let mut router = two_apps();
    assert_eq!(router.command(&select("F444444444")), Step::Answer(NOT_FOUND));
    assert_eq!(router.selected(), None);
    exchange(&mut router, &select(WALLET), "wallet");
    assert_eq!(router.command(&select("F444444444")), Step::Answer(NOT_FOUND));
    assert_eq!(router.command(READ), delivered("wallet"));
    assert_eq!(NOT_FOUND, [0x6A, 0x82]);
}

#[test]
fn a_name_that_no_aid_can_be_is_looked_up_all_the_same() {
    let mut router = Router::default();
    router.register("wallet", aids(&["F222222222*", "F222222222#"])).unwrap();
    let long = [&[0xF2][..], &[0x22; 16]].concat();
    assert_eq!(router.command(&select_bytes(&long)), delivered("wallet"), "it has the prefix");
    assert_eq!(router.respond(&"wallet", OK), Ok(Respond::Send));
    for short in [&[][..], &[0xF2, 0x22, 0x22, 0x22]] {
        let padded = [&select_bytes(short)[..], &[0x00; 5]].concat();
        assert_eq!(router.command(&padded), Step::Answer(NOT_FOUND), "{short:?}");
    }
    let mut exact = two_apps();
    assert_eq!(exact.command(&select_bytes(&long)), Step::Answer(NOT_FOUND));
}

#[test]
fn a_select_cut_off_or_too_short_is_data() {
    let mut router = two_apps();
    exchange(&mut router, &select(WALLET), "wallet");
    let mut cut_off = select("F4444444440102");
    cut_off.pop();
    exchange(&mut router, &cut_off, "wallet");
    exchange(&mut router, &select_bytes(&[0xF4, 0x44, 0x44, 0x44]), "wallet");
}

#[test]
fn the_ping_is_answered_by_the_system() {
    let mut router = two_apps();
    router.register("nosy", aids(&["A000000476416E64726F6964484345*"])).unwrap();
    assert_eq!(router.command(&select("A000000476416E64726F6964484345")), Step::Answer(PONG));
    assert_eq!(router.selected(), None);
    assert_eq!(PONG, [0x14, 0x81, 0x00, 0x00, 0x90, 0x00]);
    assert_eq!(select_bytes(PING_AID), select("A000000476416E64726F6964484345"));
}

#[test]
fn a_select_of_another_class_is_data() {
    let mut router = two_apps();
    exchange(&mut router, &select(WALLET), "wallet");
    let mut other_class = select(TICKET);
    other_class[0] = 0x01;
    assert_eq!(router.command(&other_class), delivered("wallet"));
}

#[test]
fn another_aid_of_the_same_service_is_no_departure() {
    let mut router = two_apps();
    exchange(&mut router, &select(WALLET), "wallet");
    assert_eq!(router.command(&select("F22222222201")), delivered("wallet"));
}

#[test]
fn another_service_deselects_the_first() {
    let mut router = two_apps();
    exchange(&mut router, &select(WALLET), "wallet");
    assert_eq!(router.command(&select(TICKET)), Step::Deliver { to: "ticket", deselected: Some("wallet") });
    assert_eq!(router.field_lost(), Some("ticket"));
}

#[test]
fn one_command_is_outstanding_at_a_time() {
    let mut router = two_apps();
    assert_eq!(router.command(&select(WALLET)), delivered("wallet"));
    for command in [READ, &select(TICKET), &select("F444444444"), &select_bytes(PING_AID)] {
        assert_eq!(router.command(command), Step::Wait);
    }
    assert_eq!((router.selected(), router.is_outstanding()), (Some(&"wallet"), true));
    assert_eq!(router.respond(&"wallet", OK), Ok(Respond::Send));
    assert_eq!(router.command(READ), delivered("wallet"));
}

#[test]
fn an_illegal_response_leaves_the_reader_waiting() {
    let mut router = two_apps();
    assert_eq!(router.command(&select(WALLET)), delivered("wallet"));
    let short = RespondError::Illegal(ResponseError::Short(1));
    assert_eq!(router.respond(&"wallet", &[0x00]), Err(short));
    assert!(router.is_outstanding());
    assert_eq!(router.respond(&"wallet", OK), Ok(Respond::Send));
    assert_eq!(router.respond(&"wallet", &[0x00]), Err(short), "illegal even when nobody waits");
}

#[test]
fn an_answer_that_nobody_waits_for_is_dropped() {
    let mut router = two_apps();
    assert_eq!(router.respond(&"wallet", OK), Ok(Respond::Dropped(Dropped::NotSelected)), "before any command");
    exchange(&mut router, &select(WALLET), "wallet");
    assert_eq!(router.respond(&"wallet", OK), Ok(Respond::Dropped(Dropped::NothingOutstanding)), "a second one");
    assert!(matches!(router.command(&select(TICKET)), Step::Deliver { .. }));
    assert_eq!(router.respond(&"wallet", OK), Ok(Respond::Dropped(Dropped::NotSelected)), "to another's command");
    assert_eq!(router.field_lost(), Some("ticket"));
    assert_eq!(router.respond(&"ticket", OK), Ok(Respond::Dropped(Dropped::NotSelected)), "after the reader left");
}

#[test]
fn an_answer_before_a_start_is_refused() {
    let mut router = Router::default();
    assert_eq!(router.respond(&"wallet", OK), Err(RespondError::NotStarted));
    let error = Error::from(RespondError::NotStarted);
    assert_eq!((error.api(), error.kind(), error.code()), (Api::SendHceMessage, ErrorKind::Refused, Some(13006)));
    assert!(error.to_string().ends_with(": nothing is registered: call startHCE first"), "{error}");
    let error = Error::from(RespondError::Illegal(ResponseError::Short(0)));
    assert_eq!((error.kind(), error.code()), (ErrorKind::Parameter, Some(13005)));
}

#[test]
fn a_lost_field_is_told_to_the_selected_service_once() {
    let mut router = two_apps();
    assert_eq!(router.field_lost(), None, "leaving without selection says nothing");
    assert_eq!(router.command(&select(WALLET)), delivered("wallet"));
    assert_eq!(router.field_lost(), Some("wallet"));
    assert_eq!(router.field_lost(), None);
    assert_eq!(router.command(READ), Step::Answer(NOTHING_SELECTED), "and nothing is outstanding");
}

#[test]
fn a_service_that_stops_is_not_found_and_ends_the_wait_of_a_reader() {
    let mut router = two_apps();
    assert_eq!(router.unregister(&"nobody"), None);
    assert_eq!(router.command(&select(WALLET)), delivered("wallet"));
    assert_eq!(router.unregister(&"ticket"), None, "the reader waits for the other");
    assert!(router.is_outstanding());
    assert_eq!(router.unregister(&"wallet"), Some(NOTHING_SELECTED));
    assert_eq!((router.selected(), router.is_outstanding(), router.is_registered(&"wallet")), (None, false, false));
    assert!(router.is_empty());
    assert_eq!(router.command(READ), Step::Answer(NOTHING_SELECTED));
    assert_eq!(router.command(&select(WALLET)), Step::Answer(NOT_FOUND));
}

#[test]
fn a_service_that_stops_when_no_reader_waits_leaves_without_an_answer() {
    let mut router = two_apps();
    exchange(&mut router, &select(WALLET), "wallet");
    assert_eq!(router.unregister(&"wallet"), None);
    assert_eq!(router.field_lost(), None, "its selection went with it");
}

#[test]
fn starting_again_replaces_the_list_and_keeps_the_selection() {
    let mut router = two_apps();
    exchange(&mut router, &select(WALLET), "wallet");
    router.register("wallet", aids(&["F555555555"])).unwrap();
    assert_eq!(router.command(READ), delivered("wallet"), "a conversation goes on");
    assert_eq!(router.respond(&"wallet", OK), Ok(Respond::Send));
    assert_eq!(router.command(&select(WALLET)), Step::Answer(NOT_FOUND));
    assert_eq!(router.command(&select("F555555555")), delivered("wallet"));
    router.register("ticket", aids(&[WALLET])).unwrap();
}

#[test]
fn an_aid_of_another_service_is_13006_and_changes_nothing() {
    let held = ["F2222222220102", "F3333333330102*", "F4444444440102#"];
    for (wanted, free) in [
        ("F2222222220102", false),
        ("F22222222201", true),
        ("F222222222010203", true),
        ("F222222222*", false),
        ("F222222222010203#", false),
        ("F222222222010203*", true),
        ("F222222222#", true),
        ("F333333333010203", false),
        ("F333333333", true),
        ("F333333333*", false),
        ("F333333333010203*", false),
        ("F333333333010203#", false),
        ("F333333333#", true),
        ("F444444444", false),
        ("F4444444440102", false),
        ("F444444444010203", true),
        ("F444444444010203*", true),
        ("F4444444440102*", false),
        ("F44444444405#", false), // both mean the first five bytes
        ("F444444445#", true),
    ] {
        let mut router = Router::default();
        router.register("wallet", aids(&held)).unwrap();
        router.register("ticket", aids(&["F999999999"])).unwrap();
        let registered = router.register("ticket", aids(&["F888888888", wanted]));
        assert_eq!(registered, if free { Ok(()) } else { Err(HceCode::NotRegistered) }, "{wanted}");
        let kept = matches!(router.command(&select("F999999999")), Step::Deliver { .. });
        assert_eq!(kept, !free, "{wanted}: a refused list leaves the old one");
    }
}

#[test]
fn a_service_may_hold_aids_that_overlap_among_themselves() {
    let mut router = Router::default();
    router.register("wallet", aids(&[WALLET, WALLET, "F222222222*"])).unwrap();
    assert_eq!(router.command(&select("F22222222205")), delivered("wallet"));
}

/// The sequences that a conformance reader for Android plays: select, exchange, select another, leave.
#[test]
fn a_whole_conversation_follows_the_reader() {
    let mut router = two_apps();
    for (command, service) in [
        (select(WALLET), "wallet"),
        (vec![0x80, 0xCA, 0x01, 0xE1, 0x00], "wallet"),
        (select(TICKET), "ticket"),
        (READ.to_vec(), "ticket"),
        (select("F22222222201"), "wallet"),
    ] {
        exchange(&mut router, &command, service);
    }
    assert_eq!(router.field_lost(), Some("wallet"));
}
