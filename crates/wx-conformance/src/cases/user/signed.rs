//! The signature over `rawData`.

use wx_api::user::GetUserInfoResult;
use wx_crypto::signature;

use super::{present, with_credentials};
use crate::{
    Bench, Exchanged, Failure, Outcome,
    cases::{login::sign_in, signature::session_key},
    check, check_eq,
};

pub(super) async fn signature_is_sha1_of_raw_data_and_key(bench: Bench) -> Outcome {
    let (session, answer) = signed(&bench).await?;
    is_right(&session, answer)
}

pub(super) async fn signature_covers_exact_bytes(bench: Bench) -> Outcome {
    bench.user()?.rename("小明 \"é\" \\ / \u{1f600}").await?;
    let (session, answer) = signed(&bench).await?;
    is_right(&session, answer)
}

pub(super) async fn server_verifies_the_signature(bench: Bench) -> Outcome {
    let (session, answer) = signed(&bench).await?;
    let signature = present("signature", answer.signature)?;
    let said = bench.server()?.signature().verify(&session.openid, &answer.raw_data, &signature).await;
    check_eq("what the server says to the signature", said, Ok(()))
}

pub(super) async fn changed_raw_data_does_not_verify(bench: Bench) -> Outcome {
    let (session, answer) = signed(&bench).await?;
    let signature = present("signature", answer.signature)?;
    let changed = format!("{} ", answer.raw_data);
    let said = bench.server()?.signature().verify(&session.openid, &changed, &signature).await;
    check(said.is_err(), "a rawData with one more space still verifies")
}

async fn signed(bench: &Bench) -> Result<(Exchanged, GetUserInfoResult), Failure> {
    let session = sign_in(bench, &bench.cx).await?;
    Ok((session, with_credentials(bench).await?))
}

fn is_right(session: &Exchanged, answer: GetUserInfoResult) -> Outcome {
    let key = session_key(session)?;
    let said = present("signature", answer.signature)?;
    let right = signature::verify(answer.raw_data.as_bytes(), &key, &said);
    check(right, format!("the signature `{said}` is not sha1(rawData + session_key) in lower-case hex"))
}
