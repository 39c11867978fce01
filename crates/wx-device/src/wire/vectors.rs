//! The vectors of `docs/link-protocol.md`, made by the code and compared with the page: neither can change alone.

use std::fmt::Write as _;

use wx_api::{
    Api, Call, Cx, Error, ErrorKind, Event, Profile, Reply,
    hce::{HceMessage, SendHceMessageRequest},
    login::{LoginRequest, LoginResult},
    soter::SoterCode,
};

use super::{self as wire, Limits, Message, value};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/link-protocol.md");

#[test]
fn the_page_says_what_the_code_does() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let vectors = messages().into_iter().chain(crate::secure::vectors());
    let ours: Vec<String> = vectors.map(|(name, bytes)| format!("| {name} | `{}` |", hex(&bytes))).collect();
    let (_, table) = page.split_once("| name | bytes |\n|---|---|\n").unwrap();
    let theirs: Vec<&str> = table.lines().collect();
    assert!(theirs == ours, "docs/link-protocol.md should end with:\n{}", ours.join("\n"));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// A frame with every message, in the order of their numbers.
fn messages() -> Vec<(String, Vec<u8>)> {
    let cx = Cx::new("wx4f4bc4dec97d474b").with_user("li").with_profile(Profile::seed());
    let profile = value::encode(cx.profile()).unwrap();
    let login = value::encode(&Call::from(LoginRequest { timeout: Some(5000) })).unwrap();
    let send = value::encode(&Call::from(SendHceMessageRequest { data: vec![0x90, 0x00].into() })).unwrap();
    let code = value::encode(&Reply::from(LoginResult { code: "033aB".into() })).unwrap();
    let command = value::encode(&Event::from(HceMessage::command(vec![0x00, 0xa4]))).unwrap();
    let denied = Error::denied(Api::GetUserInfo, cx.profile());
    let frozen = SoterCode::Frozen.error(Api::StartSoterAuthentication);
    let unknown = Error::new(Api::Login, ErrorKind::OutcomeUnknown, "outcome unknown: why");
    let limits = Limits { calls: 1024, contexts: 256, subscriptions: 256, message: 1 << 24 };
    let (session, epoch) = ([0x11; 16], [0x22; 16]);
    let context = wire::Context { number: 1, app: cx.app().as_str(), user: "li", launch: 7, profile: &profile };
    let call = |call, api, args| wire::Call { call, context: 1, remaining: Some(5000), api, args };
    let vectors: Vec<(&str, Message<'_>)> = vec![
        ("hello", wire::Hello { session, build: "an example" }.into()),
        ("context", context.into()),
        ("forget", wire::Forget { context: 1 }.into()),
        ("call of login", call(1, "login", &login).into()),
        ("call of sendHCEMessage", wire::Call { remaining: None, ..call(2, "sendHCEMessage", &send) }.into()),
        ("cancel", wire::Cancel { call: 2 }.into()),
        ("ack", wire::Ack { calls: vec![1, 300] }.into()),
        ("subscribe", wire::Subscribe { subscription: 3, context: 1, events: vec!["onHCEMessage"], taken: 0 }.into()),
        ("unsubscribe", wire::Unsubscribe { subscription: 3 }.into()),
        ("taken", wire::Taken { subscription: 3, number: 32 }.into()),
        ("told", wire::Told {}.into()),
        (
            "welcome",
            wire::Welcome { epoch, resumed: false, build: "an example", apis: vec!["login", "onHCEMessage"], limits }.into(),
        ),
        ("reply to login", wire::Reply { call: 1, result: &code }.into()),
        ("failure, denied", value::failure(4, &denied).into()),
        ("failure, with a code", value::failure(5, &frozen).into()),
        ("failure, outcome unknown", value::failure(6, &unknown).into()),
        ("ended", wire::Ended { subscription: 3 }.into()),
        ("event", wire::Event { subscription: 3, number: 1, event: "onHCEMessage", payload: &command }.into()),
        ("lost", wire::Lost { subscription: 3, number: 2, event: "onHCEMessage", count: 44 }.into()),
        ("ping", wire::Ping { number: 9 }.into()),
        ("pong", wire::Pong { number: 9 }.into()),
        ("goodbye", wire::Goodbye { reason: "the host ends" }.into()),
        ("part, the last of message 0", wire::Part { message: 0, last: true, data: &[1, 2, 3] }.into()),
    ];
    let framed = |(name, message): (&str, Message<'_>)| {
        let mut frame = Vec::new();
        message.frame(&mut frame);
        assert_eq!(minicbor::decode::<Message<'_>>(&frame[4..]).unwrap(), message, "{name} reads as it was written");
        (name.to_owned(), frame)
    };
    vectors.into_iter().map(framed).collect()
}
