//! SOTER results.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;
use wx_crypto::{SaltLen, SoterSigner, pss, record::KeyRecord};
use wx_platform::{
    platform::{Rules, SoterDevices},
    store::MOST_SOTER_KEYS,
    wire::host,
};

use crate::{
    chain::{ASK, ATTK, OTHER_PEM, PEM, enrolment, key, signed},
    rig::{APP, Answer, Rig, USER},
};

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
    let enrolled = enrol_key(rig, SoterSigner::from_pkcs8_pem(pem).unwrap().public_pem()).await;
    assert_eq!(enrolled.json, json!({ "attested": false }));
}

async fn enrol_key(rig: &Rig, public_key: &str) -> Answer {
    rig.ask(&rig.host, host::ENROL_SOTER_KEY, &enrolment(APP, USER, public_key)).await
}

/// Whether the server knows this key.
async fn is_enrolled(rig: &Rig, public_key: &str) -> bool {
    let key = json!({ "app": APP, "user": USER, "public_key": public_key });
    rig.ask(&rig.host, host::SOTER_KEY, &key).await.json["enrolled"].as_bool().unwrap()
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

#[tokio::test]
async fn a_device_too_many_is_refused_and_takes_no_counter_away() {
    let rig = Rig::new().await;
    let (token, (openid, _)) = (rig.token().await, rig.sign_in().await);
    enrol(&rig, PEM).await;
    let json = result(7);
    let verify = async || rig.verify(&token, &openid, &json, &sign(PEM, &json)).await.json["is_ok"] == true;
    assert!(verify().await);
    for n in 1..MOST_SOTER_KEYS {
        assert_eq!(enrol_key(&rig, &another_key(u8::try_from(n).unwrap())).await.status, 200, "{n}");
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
        assert_eq!(enrol_key(&rig, &text).await.status, 200);
        let answer = rig.verify(&token, &openid, &json, &sign(PEM, &json)).await;
        assert_eq!(answer.json["is_ok"], is_new, "{text:?}");
        assert!(is_enrolled(&rig, &text).await, "{text:?}");
    }
    for n in 1..u8::try_from(MOST_SOTER_KEYS).unwrap() {
        assert_eq!(enrol_key(&rig, &another_key(n)).await.status, 200, "there is room for seven more");
    }
}

#[tokio::test]
async fn a_key_is_known_once_it_is_enrolled_for_that_user() {
    let rig = Rig::new().await;
    let pem = SoterSigner::from_pkcs8_pem(PEM).unwrap().public_pem().to_owned();
    assert!(!is_enrolled(&rig, &pem).await);
    enrol(&rig, PEM).await;
    assert!(is_enrolled(&rig, &pem).await && !is_enrolled(&rig, ASK.public_pem()).await);
    let another = json!({ "app": APP, "user": "wang", "public_key": pem });
    assert_eq!(rig.ask(&rig.host, host::SOTER_KEY, &another).await.json["enrolled"], false);
}

#[tokio::test]
async fn a_break_in_the_chain_is_refused_with_a_reason_of_its_own() {
    let rig = Rig::new().await;
    let (attk, ask) = (key(ATTK.public_pem()), key(ASK.public_pem()));
    let public_key = another_key(1);
    let of_other_device = |key: &KeyRecord| KeyRecord { cpu_id: "other".to_owned(), ..key.clone() };
    let of_other_host = |key: &KeyRecord| KeyRecord { uid: "other".to_owned(), ..key.clone() };
    for (name, record, why) in [
        ("attk", signed(&attk, &ASK), "of the ATTK: the key above it has not signed it"),
        ("ask", signed(&ask, &ASK), "of the ASK: the key above it has not signed it"),
        ("auth_key", signed(&key(&public_key), &ATTK), "of the AuthKey: the key above it has not signed it"),
        ("ask", signed(&of_other_device(&ask), &ATTK), "of the ASK: it names another device"),
        ("auth_key", signed(&of_other_device(&key(&public_key)), &ASK), "of the AuthKey: it names another device"),
        ("auth_key", signed(&of_other_host(&key(&public_key)), &ASK), "of the AuthKey: it names another host application"),
        ("auth_key", signed(&key("no key"), &ASK), "of the AuthKey: its key (`pub_key`) is not an RSA public key"),
        ("auth_key", "AAAA".to_owned(), "of the AuthKey: 3 bytes are fewer"),
        ("auth_key", STANDARD.encode([0xff; 300]), "of the AuthKey: it claims a text of 4294967295 bytes"),
    ] {
        let mut broken = enrolment(APP, USER, &public_key);
        broken[name] = record.into();
        let answer = rig.ask(&rig.host, host::ENROL_SOTER_KEY, &broken).await;
        assert_eq!((answer.status, answer.errcode()), (403, Some(48001)), "{answer:?}");
        assert!(answer.errmsg().starts_with(&format!("api unauthorized: the record {why}")), "{name}: {answer:?}");
    }
    assert!(!is_enrolled(&rig, &public_key).await);
    assert_eq!(enrol_key(&rig, &public_key).await.status, 200, "but for the breaks it is fine");
}

#[tokio::test]
async fn a_server_that_was_told_of_its_devices_believes_no_other() {
    let told = |key: &SoterSigner| SoterDevices::Pinned([pss::fingerprint(key.public_pem()).unwrap()].into());
    for (pinned, is_believed) in [(told(&ATTK), true), (told(&ASK), false), (SoterDevices::Pinned([].into()), false)] {
        let rig = Rig::under(Rules { soter_devices: pinned, ..Rules::default() }).await;
        let answer = enrol_key(&rig, &another_key(1)).await;
        assert_eq!(answer.errcode(), (!is_believed).then_some(48001), "{answer:?}");
        assert_eq!(answer.errmsg().contains("fingerprint of its ATTK"), !is_believed, "{answer:?}");
    }
}

#[tokio::test]
async fn results_count_from_where_the_record_of_their_key_says() {
    let rig = Rig::new().await;
    let (token, (openid, _)) = (rig.token().await, rig.sign_in().await);
    let mut later = enrolment(APP, USER, ATTK.public_pem());
    later["auth_key"] = signed(&KeyRecord { counter: 240, ..key(ATTK.public_pem()) }, &ASK).into();
    assert_eq!(rig.ask(&rig.host, host::ENROL_SOTER_KEY, &later).await.status, 200);
    for (counter, is_ok) in [(1, false), (240, false), (241, true)] {
        let json = result(counter);
        assert_eq!(rig.verify(&token, &openid, &json, &sign(PEM, &json)).await.json["is_ok"], is_ok, "{counter}");
    }
}

#[tokio::test]
async fn an_attestation_is_for_a_nonce_that_was_given_out() {
    let rig = Rig::new().await;
    let public_key = another_key(1);
    let asked = json!({ "app": APP, "user": USER, "public_key": public_key });
    let mut nonces = Vec::new();
    for _ in 0..2 {
        let nonce = rig.ask(&rig.host, host::SOTER_KEY, &asked).await.json["nonce"].as_str().unwrap().to_owned();
        assert_eq!(STANDARD.decode(&nonce).unwrap().len(), 32);
        nonces.push(nonce);
    }
    assert_ne!(nonces[0], nonces[1]);
    let part = json!({ "public": "", "attest": "AAAA", "signature": "" });
    let attested = async |nonce: &str| {
        let mut enrolment = enrolment(APP, USER, &public_key);
        enrolment["attestation"] = json!({ "nonce": nonce, "key": part, "counter": part });
        let answer = rig.ask(&rig.host, host::ENROL_SOTER_KEY, &enrolment).await;
        (answer.errcode().unwrap(), answer.errmsg().to_owned())
    };
    assert_eq!(attested("*").await.0, 47001);
    let unsigned = "the attestation of the key: the device's key (ATTK) has not signed it";
    for (nonce, why) in [(&nonces[0], unsigned), (&nonces[0], "was used before"), (&nonces[1], unsigned)] {
        let (code, said) = attested(nonce).await;
        assert!(code == 48001 && said.contains(why), "{said}");
    }
    assert!(!is_enrolled(&rig, &public_key).await);
    assert_eq!(enrol_key(&rig, &public_key).await.json, json!({ "attested": false }));
}

#[tokio::test]
async fn a_server_may_enrol_attested_keys_only() {
    let rig = Rig::under(Rules { attested_soter_keys_only: true, ..Rules::default() }).await;
    let answer = enrol_key(&rig, &another_key(1)).await;
    assert_eq!((answer.status, answer.errcode()), (403, Some(48001)));
    assert!(answer.errmsg().contains("no TPM attests the key"), "{answer:?}");
}
