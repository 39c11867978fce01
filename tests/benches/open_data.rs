//! What checking open data costs beyond its bare stages: `cargo xtask bench open-data`.
//!
//! A server that gets open data hashes, decodes, decrypts and reads JSON, whatever library it uses. The bare stages are those four by
//! the same crates and nothing else: no check of a duplicate key, of an appid or of a time. The figure is what a server pays for
//! `signature::verify` and `open_data::open` over that, measured in this one run. Out of bounds fails the command.

use std::{fmt::Write as _, hint::black_box, process::ExitCode, time::Instant};

use aes::Aes128;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use cbc::cipher::{BlockModeDecrypt, KeyIvInit, block_padding::Pkcs7};
use serde::Deserialize;
use sha1::{Digest, Sha1};
use wx_crypto::{Expect, SessionKey, open_data, signature};
use wx_tests::bench::{Bound, Figure, report, undisturbed};

const ROUNDS: usize = 3001;
/// How much a round reads: so little that it is over before the machine turns to something else.
const ROUND_BYTES: usize = 48 * 1024;
const BOUND: f64 = 1.1;

const APPID: &str = "wx4f4bc4dec97d474b";
const KEY: [u8; 16] = *b"0123456789abcdef";
const NOW: i64 = 1_800_000_000;

fn main() -> ExitCode {
    // Not all arguments are ours: `cargo bench` adds `--bench`.
    let samples = [("user info", user_info()), ("a month of steps", steps(16 * 1024)), ("long texts", texts(16 * 1024))];
    report(samples.map(|(name, json)| Sample::new(json).figure(name)))
}

/// A user's data as `getUserInfo` seals them, 374 bytes.
fn user_info() -> String {
    let json = format!(
        r#"{{"openId":"ocZWEYku4NrYjahvs9Wwi3CBPN-U","nickName":"Band","gender":1,"city":"Guangzhou","province":"Guangdong","country":"CN","avatarUrl":"{}","unionId":"oRlgN0b-uBZ7eGYtN2hSAJpUwNAs","watermark":{{"timestamp":{NOW},"appid":"{APPID}"}}}}"#,
        "http://wx.qlogo.cn/mmopen/vi_32/aSKcBBPpibyKNicHNTMM0qJVh8Kjgiak2AHWr8MHM4WgMEm7GFhsf8OYrySdbvAMvTsw3mo8ib"
    );
    let missing = 374 - json.len();
    json.replace("\"Band\"", &format!("\"Band{}\"", "x".repeat(missing)))
}

/// Steps per day as `getWeRunData` seals them: many small objects, which is the hardest case for comparing keys.
fn steps(bytes: usize) -> String {
    let mut days = String::new();
    let mut day = 0;
    while days.len() < bytes - 200 {
        let (timestamp, step) = (1_797_000_000 + day * 86_400, 100 + day * 7919 % 20_000);
        let _ = write!(days, r#"{{"timestamp":{timestamp},"step":{step}}},"#); // writing to a String cannot fail
        day += 1;
    }
    days.pop();
    format!(r#"{{"stepInfoList":[{days}],"watermark":{{"timestamp":{NOW},"appid":"{APPID}"}}}}"#)
}

/// Few keys and long texts, some of them not ASCII.
fn texts(bytes: usize) -> String {
    let members: Vec<String> =
        (0..20).map(|i| format!(r#""field{i}":"{}""#, "some text, 一些文字 ".repeat(bytes / 20 / 24))).collect();
    format!(r#"{{{},"watermark":{{"timestamp":{NOW},"appid":"{APPID}"}}}}"#, members.join(","))
}

/// One set of open data, as both sides get them.
struct Sample {
    json: String,
    signature: String,
    encrypted_data: String,
    iv: String,
    key: SessionKey,
    key_text: String,
}

impl Sample {
    fn new(json: String) -> Self {
        let key = SessionKey::from_bytes(KEY);
        let sealed = open_data::seal(json.as_bytes(), &key, [5; 16]);
        let signature = signature::sign(json.as_bytes(), &key);
        let key_text = key.expose_base64().to_string();
        Self { json, signature, encrypted_data: sealed.encrypted_data, iv: sealed.iv, key, key_text }
    }

    fn figure(&self, name: &str) -> Figure {
        let calls = (ROUND_BYTES / self.json.len()).max(1);
        let sides: [&dyn Fn(); 5] =
            [&|| self.checked(), &|| self.hash(), &|| drop(self.decode()), &|| self.decrypt_only(), &|| self.read()];
        let mut rounds = sides.map(|_| Vec::with_capacity(ROUNDS));
        for _ in 0..ROUNDS {
            for (side, nanoseconds) in sides.iter().zip(&mut rounds) {
                let start = Instant::now();
                for _ in 0..calls {
                    side();
                }
                #[allow(clippy::cast_precision_loss)] // some thousands
                nanoseconds.push(start.elapsed().as_secs_f64() / calls as f64 * 1e9);
            }
        }
        let [checked, hash, decode, decrypt, read] = rounds.map(|mut rounds| undisturbed(&mut rounds));
        let bare = hash + decode + decrypt + read;
        Figure {
            name: format!("verify + open / bare stages: {name}, {} bytes", self.json.len()),
            measured: checked / bare,
            bound: Bound::AtMost(BOUND),
            unit: "x",
            detail: format!(
                "{checked:.0} ns against {bare:.0}: sha1 {hash:.0}, base64 {decode:.0}, AES {decrypt:.0}, JSON {read:.0}"
            ),
        }
    }

    /// What is measured.
    fn checked(&self) {
        let expect = Expect { appid: APPID, now_s: NOW + 60, max_age_s: 7200, max_skew_s: 300 };
        let (json, key) = (black_box(&self.json), black_box(&self.key));
        assert!(signature::verify(json.as_bytes(), key, black_box(&self.signature)));
        let opened = open_data::open(black_box(&self.encrypted_data), black_box(&self.iv), key, &expect);
        assert!(opened.is_ok_and(|opened| opened.json.len() == json.len()));
    }

    fn hash(&self) {
        let digest = Sha1::new().chain_update(black_box(&self.json)).chain_update(black_box(&self.key_text)).finalize();
        black_box(digest);
    }

    fn decode(&self) -> Vec<u8> {
        let mut iv = [0; 18];
        assert_eq!(STANDARD.decode_slice(black_box(&self.iv), &mut iv), Ok(16));
        STANDARD.decode(black_box(&self.encrypted_data)).expect("was encoded here")
    }

    fn decrypt_only(&self) {
        // Decrypting garbage takes as long as decrypting; so that the buffer need not be filled each time, the padding stays unread.
        DATA.with_borrow_mut(|data| {
            data.resize(self.json.len() / 16 * 16 + 16, 0);
            let key = black_box(KEY);
            let _ = black_box(cbc::Decryptor::<Aes128>::new(&key.into(), &[5; 16].into()).decrypt_padded::<Pkcs7>(data));
        });
    }

    fn read(&self) {
        // Decrypting gives bytes, and JSON is text: every reader has to check that once, and most strings are skipped unread.
        let json = str::from_utf8(black_box(self.json.as_bytes())).expect("was written here");
        let document: Document<'_> = serde_json::from_str(json).expect("was written here");
        assert!(document.watermark.appid == APPID && document.watermark.timestamp == NOW);
    }
}

thread_local! {
    static DATA: std::cell::RefCell<Vec<u8>> = const { std::cell::RefCell::new(Vec::new()) };
}

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    watermark: Watermark<'a>,
}

#[derive(Deserialize)]
struct Watermark<'a> {
    appid: &'a str,
    timestamp: i64,
}
