//! The same seed and the same script give the same answers, byte for byte.

#![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

use std::{fmt::Write as _, time::Duration};

use wx_api::{
    Call, Cx, Invoke as _,
    login::LoginRequest,
    signature::Signature as _,
    soter::{AuthMode, StartSoterAuthenticationRequest},
    user::GetUserInfoRequest,
};
use wx_mock::{Touch, World};

/// Runs one script over several apps and users and writes down every answer.
async fn transcript(seed: u64) -> String {
    let (world, mut log) = (World::new(seed), String::new());
    let host = world.host();
    for (app, user) in [("wx1", "li"), ("wx2", "li"), ("wx1", "wang"), ("wx1", "li")] {
        let cx = Cx::new(app).with_user(user);
        let server = world.server(cx.app());
        server.bind(app == "wx1");
        world.finger().touch(Touch::Match);
        let challenge = StartSoterAuthenticationRequest {
            request_auth_modes: vec![AuthMode::FingerPrint],
            challenge: user.to_owned(),
            auth_content: None,
        };
        let calls: [Call; 3] = [LoginRequest::default().into(), GetUserInfoRequest::default().into(), challenge.into()];
        for call in calls {
            let reply = host.invoke(&cx, call).await.unwrap();
            writeln!(log, "{}", serde_json::to_string(&reply).unwrap()).unwrap();
        }
        let code = host.login.as_ref().unwrap().login(&cx, LoginRequest::default()).await.unwrap().code;
        let session = server.exchange(&code).unwrap();
        let sealed = server.seal(&session.openid, "{}").await.unwrap();
        writeln!(log, "{session:?} {} {sealed:?}", session.session_key.expose_base64().as_str()).unwrap();
        world.clock().advance(Duration::from_secs(7));
    }
    log
}

#[tokio::test]
async fn the_same_seed_gives_the_same_answers_and_another_seed_gives_others() {
    let first = transcript(7).await;
    assert_eq!(first, transcript(7).await);
    let other = transcript(8).await;
    for (line, other) in first.lines().zip(other.lines()) {
        assert_ne!(line, other);
    }
}

#[tokio::test]
async fn worlds_of_one_seed_share_nothing_else() {
    let (one, two) = (World::new(1), World::new(1));
    let cx = Cx::new("wx1");
    let code = one.host().login.unwrap().login(&cx, LoginRequest::default()).await.unwrap().code;
    assert!(two.server(cx.app()).exchange(&code).is_err());
    one.clock().advance(Duration::from_secs(1));
    assert_ne!(format!("{one:?}"), format!("{two:?}"));
    assert_eq!(format!("{one:?}"), format!("{:?}", one.clone()));
}
