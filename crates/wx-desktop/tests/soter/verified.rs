//! What is signed verifies by the `openssl` command, by `wx-crypto` and by the platform server; what is not says why.

use wx_crypto::{SoterError, SoterVerifier, soter};
use wx_platform::client::Client;
use wx_platform::wire::soter::{Verdict, VerifyRequest};

use crate::bench::{Bench, is_accepted, openssl};

const CHALLENGES: [&str; 5] = ["order 42", "\"/\\ 订单\u{7f}\u{2028}<é>", "nul\0inside", "👍🏽", "line\nfeed"];

async fn verify(client: &Client, openid: &str, json_string: &str, json_signature: &str) -> Verdict {
    let (openid, json_string, json_signature) = (openid.to_owned(), json_string.to_owned(), json_signature.to_owned());
    client.verify_soter(&VerifyRequest { openid, json_string, json_signature }).await.unwrap()
}

#[tokio::test]
async fn openssl_wx_crypto_and_the_platform_agree() {
    let bench = Bench::new().await;
    let (client, openid) = bench.developer().await;
    let public_key = bench.device.keys.public_key();
    for challenge in CHALLENGES {
        let answer = bench.confirm(challenge).await.unwrap();
        for salt in [20, 32, 19, 0] {
            assert_eq!(openssl(bench.folder.path(), public_key, &answer, salt), salt == 20, "a salt of {salt}");
        }
        let key = SoterVerifier::from_spki_pem(public_key).unwrap();
        let report = soter::verify(&answer.result_json, &answer.result_json_signature, &key).unwrap();
        assert_eq!(report.confirms(challenge, report.counter.checked_sub(1)), Ok(()));
        assert_eq!(report.confirms("another", None), Err(SoterError::Challenge));
        assert_eq!(report.confirms(challenge, Some(report.counter)), Err(SoterError::Replay));
        assert!(is_accepted(&client, &openid, &answer).await);
    }
}

#[tokio::test]
async fn the_result_says_who_made_it() {
    let bench = Bench::new().await;
    let answer = bench.confirm("order 42").await.unwrap();
    let key = SoterVerifier::from_spki_pem(bench.device.keys.public_key()).unwrap();
    let report = soter::verify(&answer.result_json, &answer.result_json_signature, &key).unwrap();
    assert_eq!(
        (report.tee_n.as_deref(), report.fp_n.as_deref(), report.fid.as_deref()),
        (Some("software"), Some("memory"), Some("7"))
    );
    assert_eq!(report.cpu_id.map(|id| id.len()), Some(32));
    let again = bench.confirm("order 43").await.unwrap();
    assert_eq!(again.result_json.replace("order 43", "order 42").replace("\"counter\":2", "\"counter\":1"), answer.result_json);
}

#[tokio::test]
async fn what_is_not_accepted_says_why() {
    let bench = Bench::new().await;
    let (client, openid) = bench.developer().await;
    let answer = bench.confirm("a/b").await.unwrap();
    let (text, signature) = (&answer.result_json, &answer.result_json_signature);
    let refused = async |openid: &str, text: &str, why: &str| {
        let verdict = verify(&client, openid, text, signature).await;
        assert!(!verdict.is_ok && verdict.errmsg.contains(why), "expected {why:?}: {verdict:?}");
    };

    refused(&openid, &text.replace('/', "\\/"), "re-escaped").await;
    refused(&openid, &text.replace("a/b", "a/c"), "does not match").await;
    refused(&openid, &text.replace(":1,", ":1,\"rsa_pss_saltlen\":24,"), "neither 20 nor 32 bytes").await;
    let unknown = VerifyRequest { openid: "oNobody".into(), json_string: text.clone(), json_signature: signature.clone() };
    assert_eq!(client.verify_soter(&unknown).await.unwrap_err().errcode().map(wx_platform::Errcode::number), Some(40003));

    assert!(verify(&client, &openid, text, signature).await.is_ok);
    refused(&openid, text, "replayed: the counter is not above the last one").await;

    let other = Bench::new().await;
    let key = SoterVerifier::from_spki_pem(other.device.keys.public_key()).unwrap();
    assert_eq!(soter::verify(text, signature, &key).unwrap_err(), SoterError::Mismatch);
}

#[tokio::test]
async fn a_user_whose_device_never_confirmed_anything_has_none() {
    let bench = Bench::new().await;
    let (client, openid) = bench.developer().await;
    let verdict = verify(&client, &openid, "{}", "").await;
    assert!(!verdict.is_ok && verdict.errmsg.contains("no device of this user is enrolled"), "{verdict:?}");
}
