//! SOTER results.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;
use wx_crypto::{SaltLen, SoterSigner, pss};
use wx_platform::{store::MOST_SOTER_KEYS, wire::host};

use crate::rig::{APP, Answer, Rig, USER};

const PEM: &str = include_str!("../../../wx-crypto/tests/keys/test-only.pkcs8.pem");
const OTHER_PEM: &str = include_str!("other-test-only.pkcs8.pem");

fn result(counter: u64) -> String {
    format!(
        r#"{{"raw":"order 7","fid":"1","counter":{counter},"tee_n":"none","tee_v":"0","fp_n":"x","fp_v":"0","cpu_id":"c","uid":"1"}}"#
    )
}

fn sign(pem: &str, json: &str) -> String {
    let signer = SoterSigner::from_pkcs8_pem(pem).unwrap();
    STANDARD.encode(pss::sign(&signer, json.as_bytes(), SaltLen::Bytes20).unwrap())
}

async fn enrol(rig: &Rig, pem: &str) {
    let public_key = SoterSigner::from_pkcs8_pem(pem).unwrap().public_pem().to_owned();
    let key = json!({ "app": APP, "user": USER, "public_key": public_key });
    assert_eq!(rig.ask(&rig.host, host::SOTER_KEY, &key).await.errcode(), Some(0));
}

#[tokio::test]
async fn a_result_is_accepted_once_and_so_is_every_later_one() {
    let rig = Rig::new().await;
    let (token, (openid, _)) = (rig.token().await, rig.sign_in().await);
    enrol(&rig, PEM).await;
    let verify = async |counter| {
        let json = result(counter);
        let answer = rig.verify(&token, &openid, &json, &sign(PEM, &json)).await.json;
        (answer["errcode"].as_i64().unwrap(), answer["is_ok"].as_bool().unwrap(), answer["errmsg"].as_str().unwrap().to_owned())
    };
    assert_eq!(verify(7).await, (0, true, "ok".to_owned()));
    let (code, is_ok, why) = verify(7).await;
    assert!(code == 0 && !is_ok && why.starts_with("replayed") && why.contains(", rid: "), "{why}");
    assert!(!verify(6).await.1);
    enrol(&rig, PEM).await;
    assert!(!verify(7).await.1, "enrolling again does not reset the counter");
    assert!(verify(8).await.1);
}

#[tokio::test]
async fn of_many_verifications_of_one_result_at_once_one_accepts_it() {
    let rig = Rig::new().await;
    let (token, (openid, _)) = (rig.token().await, rig.sign_in().await);
    enrol(&rig, PEM).await;
    let json = result(1);
    let signature = sign(PEM, &json);
    let verify = || rig.verify(&token, &openid, &json, &signature);
    let (a, b, c, d) = tokio::join!(verify(), verify(), verify(), verify());
    assert_eq!([a, b, c, d].iter().filter(|answer| answer.json["is_ok"] == true).count(), 1);
}

#[tokio::test]
async fn every_device_of_the_user_counts_and_has_a_counter_of_its_own() {
    let rig = Rig::new().await;
    let (token, (openid, _)) = (rig.token().await, rig.sign_in().await);
    enrol(&rig, PEM).await;
    enrol(&rig, OTHER_PEM).await;
    let json = result(1);
    for pem in [PEM, OTHER_PEM] {
        assert_eq!(rig.verify(&token, &openid, &json, &sign(pem, &json)).await.json["is_ok"], true);
    }
}

#[tokio::test]
async fn what_is_not_accepted_says_why() {
    let rig = Rig::new().await;
    let (token, (openid, _)) = (rig.token().await, rig.sign_in().await);
    let (json, mut said) = (result(1), Vec::new());
    let none = rig.verify(&token, &openid, &json, &sign(PEM, &json)).await;
    assert!(none.errmsg().contains("enrolled"), "{none:?}");
    enrol(&rig, PEM).await;
    let salt = r#"{"raw":"x","counter":2,"rsa_pss_saltlen":0}"#;
    for (json, signature) in [
        (json.as_str(), "*".to_owned()),
        (json.as_str(), sign(OTHER_PEM, &json)),
        (&json.replace(':', ": "), sign(PEM, &json)),
        ("counter", sign(PEM, "counter")),
        (salt, sign(PEM, salt)),
    ] {
        let answer = rig.verify(&token, &openid, json, &signature).await;
        assert_eq!((answer.errcode(), &answer.json["is_ok"]), (Some(0), &false.into()), "{json}");
        let (why, _) = answer.errmsg().split_once(", rid: ").unwrap();
        said.push(why.to_owned());
    }
    said.dedup();
    assert_eq!(said.len(), 5, "{said:?}");
    assert!(said[2].contains("re-escaped"), "{said:?}");
    assert_eq!(rig.verify(&token, "oNobody", &json, &sign(PEM, &json)).await.errcode(), Some(40003));
    assert_eq!(rig.verify(&token, &openid, &json, &sign(PEM, &json)).await.json["is_ok"], true, "nothing was used up");
}

/// As an RSA key looks, and one for each number. Nobody has their private halves.
fn another_key(n: u8) -> String {
    let pem = SoterSigner::from_pkcs8_pem(PEM).unwrap().public_pem().to_owned();
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let mut der = STANDARD.decode(body).unwrap();
    der[100] = der[100].wrapping_add(n + 1); // in the middle of the modulus
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----", STANDARD.encode(der))
}

async fn enrol_key(rig: &Rig, public_key: &str) -> Answer {
    rig.ask(&rig.host, host::SOTER_KEY, &json!({ "app": APP, "user": USER, "public_key": public_key })).await
}

#[tokio::test]
async fn a_device_too_many_is_refused_and_takes_no_counter_away() {
    let rig = Rig::new().await;
    let (token, (openid, _)) = (rig.token().await, rig.sign_in().await);
    enrol(&rig, PEM).await;
    let json = result(7);
    let verify = async || rig.verify(&token, &openid, &json, &sign(PEM, &json)).await.json["is_ok"] == true;
    assert!(verify().await);
    for n in 1..MOST_SOTER_KEYS {
        assert_eq!(enrol_key(&rig, &another_key(u8::try_from(n).unwrap())).await.errcode(), Some(0), "{n}");
    }
    let refused = enrol_key(&rig, &another_key(100)).await;
    assert_eq!((refused.status, refused.errcode()), (403, Some(48001)));
    assert!(refused.errmsg().contains("8 devices"), "{refused:?}");
    enrol(&rig, PEM).await;
    assert!(!verify().await, "the first device's counter is where it was");
}

#[tokio::test]
async fn a_key_is_one_key_however_its_text_is_broken() {
    let rig = Rig::new().await;
    let (token, (openid, _)) = (rig.token().await, rig.sign_in().await);
    let pem = SoterSigner::from_pkcs8_pem(PEM).unwrap().public_pem().to_owned();
    let json = result(1);
    for (text, is_new) in [(pem.replace('\n', "\r\n"), true), (format!("\n {pem}"), false), (pem.trim().to_owned(), false)] {
        assert_eq!(enrol_key(&rig, &text).await.errcode(), Some(0));
        let answer = rig.verify(&token, &openid, &json, &sign(PEM, &json)).await;
        assert_eq!(answer.json["is_ok"], is_new, "{text:?}");
    }
    for n in 1..u8::try_from(MOST_SOTER_KEYS).unwrap() {
        assert_eq!(enrol_key(&rig, &another_key(n)).await.errcode(), Some(0), "there is room for seven more");
    }
}
