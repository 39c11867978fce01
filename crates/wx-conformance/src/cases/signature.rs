//! Cases of [`wx_api::signature`]: the developer's server, with the session keys it holds.

use serde_json::{Value, json};
use wx_api::{
    Cx,
    signature::{Sealed, Signature, SignatureError},
};
use wx_crypto::{SessionKey, open_data, signature};

use crate::{
    AppServer, Bench, Case, Exchanged, Failure, Outcome, case,
    cases::login::{LONG_UNUSED, sign_in},
    check, check_eq,
};

pub(crate) const CASES: &[Case] = &[
    case!(signature::signed_data_verifies, [Login], [Server]),
    case!(signature::is_lower_case_hex, [Login], [Server]),
    case!(signature::changed_data_does_not_verify, [Login], [Server]),
    case!(signature::changed_signature_does_not_verify, [Login], [Server]),
    case!(signature::other_users_data_does_not_verify, [Login], [Server]),
    case!(signature::mismatch_is_87009, [Login], [Server]),
    case!(signature::sealed_data_opens, [Login], [Server]),
    case!(signature::seal_adds_a_watermark, [Login], [Server, Clock]),
    case!(signature::sealing_keeps_every_field, [Login], [Server]),
    case!(signature::illegal_iv_is_41002, [Login], [Server]),
    case!(signature::bad_base64_is_41004, [Login], [Server]),
    case!(signature::damaged_data_is_41003, [Login], [Server]),
    case!(signature::other_apps_data_does_not_open, [Login], [Server]),
    case!(signature::other_users_sealed_data_does_not_open, [Login], [Server]),
    case!(signature::user_without_session_is_refused, [Login], [Server]),
    case!(signature::ended_session_is_refused, [Login], [Server, Clock]),
];

const RAW_DATA: &str = r#"{"nickName":"Band","gender":1}"#;

async fn signed_data_verifies(bench: Bench) -> Outcome {
    let (server, session) = signed_in(&bench, &bench.cx).await?;
    let signed = done("sign", server.signature().sign(&session.openid, RAW_DATA).await)?;
    // Which letters its hex has is another case's business.
    let right = signature::verify(RAW_DATA.as_bytes(), &session_key(&session)?, &signed.to_lowercase());
    check(right, "what the server signed is not sha1(rawData + session_key)")?;
    let said = server.signature().verify(&session.openid, RAW_DATA, &signed).await;
    check_eq("what the server says to what it signed", said, Ok(()))
}

async fn is_lower_case_hex(bench: Bench) -> Outcome {
    let (server, session) = signed_in(&bench, &bench.cx).await?;
    let signed = done("sign", server.signature().sign(&session.openid, RAW_DATA).await)?;
    let right = signed.len() == 40 && signed.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
    check(right, format!("the signature `{signed}` is not 40 digits of lower-case hex"))
}

async fn changed_data_does_not_verify(bench: Bench) -> Outcome {
    let (server, session) = signed_in(&bench, &bench.cx).await?;
    let signed = signature::sign(RAW_DATA.as_bytes(), &session_key(&session)?);
    for place in 0..RAW_DATA.len() {
        let changed = with_other_char_at(RAW_DATA, place);
        let said = server.signature().verify(&session.openid, &changed, &signed).await;
        check(said.is_err(), format!("data changed at byte {place} still verify"))?;
    }
    Ok(())
}

async fn changed_signature_does_not_verify(bench: Bench) -> Outcome {
    let (server, session) = signed_in(&bench, &bench.cx).await?;
    let signed = signature::sign(RAW_DATA.as_bytes(), &session_key(&session)?);
    for place in 0..signed.len() {
        let changed = with_other_char_at(&signed, place);
        let said = server.signature().verify(&session.openid, RAW_DATA, &changed).await;
        check(said.is_err(), format!("a signature changed at digit {place} still verifies"))?;
    }
    Ok(())
}

async fn other_users_data_does_not_verify(bench: Bench) -> Outcome {
    let (server, session) = signed_in(&bench, &bench.cx).await?;
    let other = sign_in(&bench, &bench.cx.clone().with_user("another user")).await?;
    let signed = signature::sign(RAW_DATA.as_bytes(), &session_key(&other)?);
    let said = server.signature().verify(&session.openid, RAW_DATA, &signed).await;
    check(said.is_err(), "another user's signature verifies")
}

async fn mismatch_is_87009(bench: Bench) -> Outcome {
    let (server, session) = signed_in(&bench, &bench.cx).await?;
    let said = server.signature().verify(&session.openid, RAW_DATA, &"0".repeat(40)).await;
    check_eq("the code of a signature that does not match", said.err().and_then(|error| error.code()), Some(87009))
}

async fn sealed_data_opens(bench: Bench) -> Outcome {
    let (server, session) = signed_in(&bench, &bench.cx).await?;
    let sealed = done("seal", server.signature().seal(&session.openid, RAW_DATA).await)?;
    decrypt(&session, &sealed)?;
    done("open what it sealed", server.signature().open(&session.openid, &sealed).await).map(drop)
}

async fn seal_adds_a_watermark(bench: Bench) -> Outcome {
    let (server, session) = signed_in(&bench, &bench.cx).await?;
    let clock = bench.clock()?;
    let before = clock.now().as_secs();
    let sealed = done("seal", server.signature().seal(&session.openid, RAW_DATA).await)?;
    let after = clock.now().as_secs();
    let watermark = &decrypt(&session, &sealed)?["watermark"];
    check_eq("the watermark's appid", &watermark["appid"], bench.cx.app().as_str())?;
    let at = &watermark["timestamp"];
    let right = at.as_u64().is_some_and(|at| (before..=after).contains(&at));
    check(right, format!("the watermark's timestamp is {at}, expected {before} to {after}"))
}

async fn sealing_keeps_every_field(bench: Bench) -> Outcome {
    let (server, session) = signed_in(&bench, &bench.cx).await?;
    let data = json!({
        "phoneNumber": "13580006666",
        "steps": [{ "timestamp": 1_445_866_601, "step": 100 }, null, true, -7, 0.5],
        "big": u64::MAX,
        "text": "小明 \"é\" \\ / \u{1f600} \u{7f}",
        "": {},
    });
    let sealed = done("seal", server.signature().seal(&session.openid, &data.to_string()).await)?;
    let mut kept = decrypt(&session, &sealed)?;
    if let Some(fields) = kept.as_object_mut() {
        fields.remove("watermark");
    }
    check_eq("what came out", kept, data)
}

async fn illegal_iv_is_41002(bench: Bench) -> Outcome {
    let (server, session) = signed_in(&bench, &bench.cx).await?;
    let sealed = done("seal", server.signature().seal(&session.openid, RAW_DATA).await)?;
    // Too short, one byte short, no base64.
    for iv in ["AAAA", "AAAAAAAAAAAAAAAAAAAA", "!AAAAAAAAAAAAAAAAAAAAA=="] {
        let damaged = Sealed { iv: iv.to_owned(), ..sealed.clone() };
        refuses(server.signature(), &session, &format!("the iv `{iv}`"), &damaged, -41002).await?;
    }
    Ok(())
}

async fn bad_base64_is_41004(bench: Bench) -> Outcome {
    let (server, session) = signed_in(&bench, &bench.cx).await?;
    let sealed = done("seal", server.signature().seal(&session.openid, RAW_DATA).await)?;
    // As it arrives when somebody forgot to encode a URL, and when somebody did so twice.
    let (space, percent) = (format!(" {}", &sealed.encrypted_data[1..]), format!("{}%3D", sealed.encrypted_data));
    for (what, encrypted_data) in [("data with a space", space), ("data with a percent sign", percent)] {
        let damaged = Sealed { encrypted_data, iv: sealed.iv.clone() };
        refuses(server.signature(), &session, what, &damaged, -41004).await?;
    }
    Ok(())
}

async fn damaged_data_is_41003(bench: Bench) -> Outcome {
    let (server, session) = signed_in(&bench, &bench.cx).await?;
    let (key, iv) = (session_key(&session)?, [7; 16]);
    let json = watermarked(server.signature(), &session, |_| {}).await?;
    let other_key = open_data::seal(json.as_bytes(), &SessionKey::from_bytes([0x5a; 16]), iv);
    let no_json = open_data::seal(b"not json at all", &key, iv);
    let no_watermark = open_data::seal(RAW_DATA.as_bytes(), &key, iv);
    let cut = open_data::Sealed { encrypted_data: "AAAAAAAAAAAAAAAAAAAA".to_owned(), ..no_json.clone() };
    for (what, sealed) in [
        ("data sealed with another key", other_key),
        ("data that are no JSON", no_json),
        ("data without a watermark", no_watermark),
        ("data cut within a block", cut),
    ] {
        refuses(server.signature(), &session, what, &as_it_travels(sealed), -41003).await?;
    }
    Ok(())
}

async fn other_apps_data_does_not_open(bench: Bench) -> Outcome {
    let (server, session) = signed_in(&bench, &bench.cx).await?;
    let other = bench.other_app().app().to_string();
    // The right key and the right time: only the watermark names another app.
    let json = watermarked(server.signature(), &session, |watermark| watermark["appid"] = other.into()).await?;
    let sealed = as_it_travels(open_data::seal(json.as_bytes(), &session_key(&session)?, [7; 16]));
    check(server.signature().open(&session.openid, &sealed).await.is_err(), "data with another app's watermark opened")
}

async fn other_users_sealed_data_does_not_open(bench: Bench) -> Outcome {
    let (server, session) = signed_in(&bench, &bench.cx).await?;
    let other = sign_in(&bench, &bench.cx.clone().with_user("another user")).await?;
    let sealed = done("seal", server.signature().seal(&other.openid, RAW_DATA).await)?;
    let said = server.signature().open(&session.openid, &sealed).await;
    check(said.is_err(), "data sealed for another user opened")
}

async fn user_without_session_is_refused(bench: Bench) -> Outcome {
    have_no_session(&*bench.server()?, "oNobodyWhoEverSignedInHere00").await
}

async fn ended_session_is_refused(bench: Bench) -> Outcome {
    let (server, session) = signed_in(&bench, &bench.cx).await?;
    bench.clock()?.advance(LONG_UNUSED).await;
    have_no_session(&*server, &session.openid).await
}

/// Fails unless the server refuses to do anything with the session key of this user.
async fn have_no_session(server: &dyn AppServer, nobody: &str) -> Outcome {
    let server = server.signature();
    let sealed = as_it_travels(open_data::seal(RAW_DATA.as_bytes(), &SessionKey::from_bytes([0; 16]), [0; 16]));
    let answers = [
        ("sign", server.sign(nobody, RAW_DATA).await.map(drop)),
        ("verify", server.verify(nobody, RAW_DATA, &"0".repeat(40)).await),
        ("seal", server.seal(nobody, RAW_DATA).await.map(drop)),
        ("open", server.open(nobody, &sealed).await.map(drop)),
    ];
    for (what, said) in answers {
        check_eq(&format!("what {what} says for a user without a session"), said, Err(SignatureError::NoSession))?;
    }
    Ok(())
}

/// The session key of a session.
pub(crate) fn session_key(session: &Exchanged) -> Result<SessionKey, Failure> {
    SessionKey::from_base64(&session.session_key).map_err(|error| Failure(error.to_string()))
}

/// What is in sealed data, found with the session key alone.
pub(crate) fn decrypt(session: &Exchanged, sealed: &Sealed) -> Result<Value, Failure> {
    let plain = open_data::decrypt(&sealed.encrypted_data, &sealed.iv, &session_key(session)?)
        .map_err(|error| Failure(format!("the sealed data do not open with the session key: {error}")))?;
    match serde_json::from_slice(&plain) {
        Ok(data @ Value::Object(_)) => Ok(data),
        Ok(_) => Err(Failure("the sealed data are no JSON object".to_owned())),
        Err(error) => Err(Failure(format!("the sealed data are no JSON: {error}"))),
    }
}

async fn signed_in(bench: &Bench, cx: &Cx) -> Result<(std::sync::Arc<dyn AppServer>, Exchanged), Failure> {
    Ok((bench.server_of(cx)?, sign_in(bench, cx).await?))
}

fn done<T>(what: &str, answer: Result<T, SignatureError>) -> Result<T, Failure> {
    answer.map_err(|error| Failure(format!("the server could not {what}: {error}")))
}

async fn refuses(server: &dyn Signature, session: &Exchanged, what: &str, sealed: &Sealed, code: i32) -> Outcome {
    match server.open(&session.openid, sealed).await {
        Ok(_) => Err(Failure(format!("{what} opened"))),
        Err(error) => check_eq(&format!("the code of {what}"), error.code(), Some(code)),
    }
}

/// An object with the watermark that the server itself adds now, changed by `change`.
async fn watermarked(server: &dyn Signature, session: &Exchanged, change: impl FnOnce(&mut Value)) -> Result<String, Failure> {
    let mut data = decrypt(session, &done("seal", server.seal(&session.openid, RAW_DATA).await)?)?;
    change(&mut data["watermark"]);
    Ok(data.to_string())
}

fn as_it_travels(sealed: open_data::Sealed) -> Sealed {
    Sealed { encrypted_data: sealed.encrypted_data, iv: sealed.iv }
}

/// The text with another character in one place; the text is ASCII.
fn with_other_char_at(text: &str, place: usize) -> String {
    text.char_indices()
        .map(|(at, c)| {
            if at != place {
                c
            } else if c == '0' {
                '1'
            } else {
                '0'
            }
        })
        .collect()
}
