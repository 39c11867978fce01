//! The global `world`: what a script on the mock does to the world outside it.

use std::{cell::RefCell, rc::Rc, time::Duration};

use bytes::Bytes;
use serde::{Serialize, Serializer};
use serde_json::Value;
use wx_api::{AppId, Clock as _, Cx, Scope, hce::StartHceRequest};
use wx_crypto::{Expect, SessionKey, open_data};
use wx_js::Builder;
use wx_mock::World;

use crate::world_file::{Answer, OnReader};

/// How old data may be that the developer's server opens, and how far ahead, in seconds.
const MAX_AGE: u64 = 7200;
const MAX_SKEW: u64 = 300;

/// Gives the script its `world`.
pub(super) fn install(builder: Builder, world: &World, app: &AppId) -> Builder {
    let builder = server(user(clock(builder, world), world), world, app);
    finger(reader(builder, world), world)
}

fn clock(builder: Builder, world: &World) -> Builder {
    let clock = world.clock().clone();
    builder.async_function("world.clock.advance", move |(millis,): (f64,)| {
        // Time moves at once; the promise is for those who want to see what comes of it.
        let moved = Duration::try_from_secs_f64(millis / 1000.0).map(|by| clock.advance(by));
        let clock = clock.clone();
        async move {
            moved.map_err(|_| "world.clock.advance: give milliseconds, not less than 0".to_owned())?;
            clock.pass(Duration::ZERO).await;
            Ok(())
        }
    })
}

/// A prompt, as scripts see it.
#[derive(Serialize)]
struct Prompt {
    scope: Scope,
    app: String,
    user: String,
}

fn user(builder: Builder, world: &World) -> Builder {
    let [answering, prompting, setting] = [(); 3].map(|()| world.user().clone());
    builder
        .function("world.user.answer", move |(scope, answer): (Scope, Answer)| {
            answering.answer(scope, answer.into());
            Ok(())
        })
        .function("world.user.prompts", move |[]: [(); 0]| {
            let shown = prompting.prompts().into_iter();
            let prompts =
                shown.map(|shown| Prompt { scope: shown.scope, app: shown.app.to_string(), user: shown.user.to_string() });
            Ok(prompts.collect::<Vec<_>>())
        })
        .function("world.user.setting", move |(scope, on): (Scope, bool)| {
            setting.turn(scope, on);
            Ok(())
        })
}

fn finger(builder: Builder, world: &World) -> Builder {
    let finger = world.finger().clone();
    builder.function("world.finger.next", move |(event,): (OnReader,)| {
        finger.touch(event.into());
        Ok(())
    })
}

fn reader(builder: Builder, world: &World) -> Builder {
    let [selecting, transceiving, leaving] = [(); 3].map(|()| world.clone());
    builder
        .async_function("world.reader.select", move |(aid,): (String,)| {
            let command = bytes(&aid).and_then(|aid| select(&aid));
            transceive(&selecting, command)
        })
        .async_function("world.reader.transceive", move |(command,): (String,)| transceive(&transceiving, bytes(&command)))
        .async_function("world.reader.leave", move |(reason,): (Option<u8>,)| leave(leaving.clone(), reason))
}

/// Sends a command and waits for the response in hexadecimal; nothing without a card.
fn transceive(world: &World, command: Result<Vec<u8>, String>) -> impl Future<Output = Result<Option<String>, String>> + use<> {
    let reader = world.reader().clone();
    async move {
        let response = reader.transceive(&command?).await;
        Ok(response.as_ref().map(hex))
    }
}

/// What a reader sends to select an application.
fn select(aid: &[u8]) -> Result<Vec<u8>, String> {
    let length = u8::try_from(aid.len()).map_err(|_| "an AID has 5 to 16 bytes".to_owned())?;
    Ok([&[0x00, 0xA4, 0x04, 0x00, length], aid, &[0x00]].concat())
}

/// The reader goes: with reason 0 it takes its field away, with reason 1 it selects another application.
async fn leave(world: World, reason: Option<u8>) -> Result<(), String> {
    match reason {
        None | Some(0) => {
            world.reader().leave();
            Ok(())
        }
        Some(1) => select_another(&world).await,
        Some(_) => {
            Err("world.reader.leave: the reason is 0, the field is lost, or 1, another application is selected".to_owned())
        }
    }
}

/// An AID that no script has a reason to use.
const ANOTHER: &str = "F07778776F726C64";

/// Another card emulator on the device, which the reader selects. It does not answer, and goes.
async fn select_another(world: &World) -> Result<(), String> {
    let Some(hce) = world.host().hce else { return Err("this world has no card emulation".to_owned()) };
    let another = Cx::new("wx-another-application");
    let told = |error: wx_api::Error| error.to_string();
    hce.start_hce(&another, StartHceRequest { aid_list: vec![ANOTHER.to_owned()] }).await.map_err(told)?;
    let command = bytes(ANOTHER).and_then(|aid| select(&aid))?;
    let stopped = async {
        world.clock().pass(Duration::ZERO).await;
        hce.stop_hce(&another, wx_api::hce::StopHceRequest {}).await.map_err(told)
    };
    let (_, stopped) = tokio::join!(world.reader().transceive(&command), stopped);
    stopped.map(drop)
}

/// What the developer's server answers to a code.
#[derive(Serialize)]
#[serde(untagged)]
enum Exchanged {
    Session {
        openid: String,
        #[serde(serialize_with = "exposed")]
        session_key: SessionKey,
        #[serde(skip_serializing_if = "Option::is_none")]
        unionid: Option<String>,
    },
    Refused {
        errcode: i32,
        errmsg: String,
    },
}

/// The script plays the developer's server, which must see the key of its fake user.
fn exposed<S: Serializer>(key: &SessionKey, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&key.expose_base64())
}

fn server(builder: Builder, world: &World, app: &AppId) -> Builder {
    let (server, clock, app) = (world.server(app), world.clock().clone(), app.clone());
    let last: Rc<RefCell<Option<SessionKey>>> = Rc::default();
    let known = last.clone();
    builder
        .function("world.server.exchange", move |(code,): (String,)| {
            Ok(match server.exchange(&code) {
                Ok(exchange) => {
                    last.replace(Some(exchange.session_key.clone()));
                    let (openid, session_key, unionid) = (exchange.openid, exchange.session_key, exchange.unionid);
                    Exchanged::Session { openid, session_key, unionid }
                }
                Err(error) => Exchanged::Refused { errcode: error.errcode(), errmsg: error.to_string() },
            })
        })
        .function("world.server.open", move |(encrypted_data, iv): (String, String)| {
            let key = known.borrow();
            let key = key.as_ref().ok_or("world.server.open: no code was exchanged yet")?;
            let now_s = i64::try_from(clock.now().as_secs()).unwrap_or(i64::MAX);
            let expect = Expect { appid: app.as_str(), now_s, max_age_s: MAX_AGE, max_skew_s: MAX_SKEW };
            let opened = open_data::open(&encrypted_data, &iv, key, &expect)
                .map_err(|error| format!("{} {}: {error}", error.code(), error.reason()))?;
            serde_json::from_str::<Value>(&opened.json).map_err(|error| error.to_string())
        })
}

fn bytes(hex: &str) -> Result<Vec<u8>, String> {
    let digits: Option<Vec<u32>> = hex.chars().map(|digit| digit.to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2));
    let digits = digits.ok_or("bytes are an even number of hexadecimal digits, such as 00A40400")?;
    Ok(digits.chunks_exact(2).filter_map(|pair| u8::try_from(pair[0] << 4 | pair[1]).ok()).collect())
}

fn hex(bytes: &Bytes) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

    use super::*;

    #[test]
    fn bytes_are_read_and_written_in_hexadecimal() {
        assert_eq!(bytes("00A4ff").unwrap(), [0x00, 0xA4, 0xFF]);
        assert_eq!(hex(&Bytes::from_static(&[0x90, 0x0A])), "900a");
        for wrong in ["0", "0g", "+1", "0x90"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_selection_is_an_apdu() {
        assert_eq!(select(&[0xF2, 0x22]).unwrap(), [0x00, 0xA4, 0x04, 0x00, 2, 0xF2, 0x22, 0x00]);
        assert!(select(&[0; 256]).is_err());
    }
}
