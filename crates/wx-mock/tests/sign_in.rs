//! Codes, sessions and what they seal, without a host around them.

#![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

use std::time::Duration;

use futures_util::FutureExt as _;
use wx_api::{
    Clock as _, Cx, ErrorKind,
    login::{CheckSessionRequest, LoginRequest},
    signature::{Signature as _, SignatureError},
    user::{GetUserInfoRequest, Lang},
};
use wx_crypto::{open_data, signature};
use wx_mock::World;
use wx_rules::login::CodeError;

const DAY: Duration = Duration::from_secs(86_400);

fn cx() -> Cx {
    Cx::new("wx4f4bc4dec97d474b")
}

async fn code(world: &World, cx: &Cx) -> String {
    world.host().login.unwrap().login(cx, LoginRequest::default()).await.unwrap().code
}

#[tokio::test]
async fn a_code_looks_like_one_and_works_once_in_its_own_app() {
    let (world, cx) = (World::new(1), cx());
    let code = code(&world, &cx).await;
    assert_eq!(code.len(), 32);
    assert_eq!(world.server(&"wx00000000000000b2".into()).exchange(&code), Err(CodeError::Unknown));
    let server = world.server(cx.app());
    let session = server.exchange(&code).unwrap();
    assert!(session.openid.starts_with('o') && session.openid.len() == 28 && session.unionid.is_none(), "{session:?}");
    assert_eq!(server.exchange(&code), Err(CodeError::Used));
    assert_eq!(server.exchange("made up"), Err(CodeError::Unknown));
    for (refused, begins) in
        [(CodeError::Unknown, "invalid code, "), (CodeError::Expired, "invalid code, "), (CodeError::Used, "code been used, ")]
    {
        assert!(refused.to_string().starts_with(begins), "{refused}");
    }
}

#[tokio::test]
async fn any_living_code_leads_to_the_session_as_it_is_now() {
    let (world, cx) = (World::new(1), cx());
    let server = world.server(cx.app());
    let before = server.exchange(&code(&world, &cx).await).unwrap();
    let (one, two) = (code(&world, &cx).await, code(&world, &cx).await);
    let (two, one) = (server.exchange(&two).unwrap(), server.exchange(&one).unwrap());
    assert_eq!(one, two);
    assert_ne!(one.session_key, before.session_key);
    assert_eq!(one.openid, before.openid);
}

#[tokio::test]
async fn identifiers_tell_apps_and_users_apart_and_join_them_only_when_bound() {
    let world = World::new(1);
    let mut sessions = Vec::new();
    for (app, user) in [("wx1", "li"), ("wx2", "li"), ("wx2", "wang")] {
        let cx = Cx::new(app).with_user(user);
        let server = world.server(cx.app());
        server.bind(true);
        sessions.push(server.exchange(&code(&world, &cx).await).unwrap());
    }
    let [here, there, other] = &sessions[..] else { unreachable!() };
    assert_ne!(here.openid, there.openid);
    assert_ne!(there.openid, other.openid);
    assert!(here.unionid.is_some());
    assert_eq!(here.unionid, there.unionid);
    assert_ne!(there.unionid, other.unionid);
}

#[tokio::test]
async fn a_code_expires_after_five_minutes() {
    let (world, cx) = (World::new(1), cx());
    let (one, two) = (code(&world, &cx).await, code(&world, &cx).await);
    let server = world.server(cx.app());
    world.clock().advance(Duration::from_millis(299_999));
    assert!(server.exchange(&one).is_ok());
    world.clock().advance(Duration::from_millis(1));
    assert_eq!(server.exchange(&two).map_err(CodeError::errcode), Err(40029));
}

#[tokio::test]
async fn a_login_that_never_arrives_replaces_no_key() {
    let (world, cx) = (World::new(1), cx());
    let login = world.host().login.unwrap();
    let server = world.server(cx.app());
    let before = server.exchange(&code(&world, &cx).await).unwrap();

    world.network().stall();
    let mut swallowed = login.login(&cx, LoginRequest::default());
    assert!(swallowed.as_mut().now_or_never().is_none());
    world.network().restore();
    assert!(swallowed.as_mut().now_or_never().is_none(), "swallowed is swallowed");
    drop(swallowed);
    world.network().cut();
    let error = login.login(&cx, LoginRequest::default()).await.unwrap_err();
    assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Unavailable, "login:fail the server cannot be reached"));

    let signed = signature::sign(b"raw", &before.session_key);
    assert_eq!(server.verify(&before.openid, "raw", &signed).await, Ok(()));
}

#[tokio::test]
async fn an_unused_session_ends_and_takes_its_key_with_it() {
    let (world, cx) = (World::new(1), cx());
    let server = world.server(cx.app());
    let session = server.exchange(&code(&world, &cx).await).unwrap();
    world.clock().advance(DAY * 40);
    let error = world.host().login.unwrap().check_session(&cx, CheckSessionRequest {}).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Session, Some(-13001)));
    assert_eq!(server.sign(&session.openid, "raw").await, Err(SignatureError::NoSession));

    let user = world.host().user.unwrap();
    let error = user.get_user_info(&cx, GetUserInfoRequest { with_credentials: Some(true), lang: None }).await.unwrap_err();
    assert_eq!(error.to_string(), "getUserInfo:fail session time out, need relogin");
    let plain = user.get_user_info(&cx, GetUserInfoRequest::default()).await.unwrap();
    assert_eq!((plain.signature, plain.encrypted_data, plain.iv), (None, None, None));
}

#[tokio::test]
async fn a_checked_session_still_signs_and_verifies_in_its_life_cycle() {
    let (world, cx) = (World::new(1), cx());
    let session = world.server(cx.app()).exchange(&code(&world, &cx).await).unwrap();
    let host = world.host();
    host.login.unwrap().check_session(&cx, CheckSessionRequest {}).await.unwrap();
    world.clock().advance(DAY * 40);
    let info = host.user.unwrap().get_user_info(&cx, GetUserInfoRequest::default()).await.unwrap();
    let verified = world.server(cx.app()).verify(&session.openid, &info.raw_data, &info.signature.unwrap()).await;
    assert_eq!(verified, Ok(()));
}

#[tokio::test]
async fn what_is_signed_and_sealed_is_the_page_s() {
    let (world, cx) = (World::new(1), cx());
    let server = world.server(cx.app());
    server.bind(true);
    let session = server.exchange(&code(&world, &cx).await).unwrap();
    let user = world.host().user.unwrap();
    let info = user.get_user_info(&cx, GetUserInfoRequest { with_credentials: None, lang: Some(Lang::ZhCn) }).await.unwrap();
    let avatar = &info.user_info.avatar_url;
    let fields = |language| {
        format!(
            r#""nickName":"Band","gender":1,"language":"{language}","city":"广州","province":"广东","country":"中国","avatarUrl":"{avatar}""#
        )
    };
    assert_eq!(info.raw_data, format!("{{{}}}", fields("zh_CN")));
    assert_eq!(info.signature.unwrap(), signature::sign(info.raw_data.as_bytes(), &session.session_key));

    let plain = open_data::decrypt(&info.encrypted_data.unwrap(), &info.iv.unwrap(), &session.session_key).unwrap();
    let expected = format!(
        r#"{{"openId":"{}",{},"unionId":"{}","watermark":{{"timestamp":{},"appid":"wx4f4bc4dec97d474b"}}}}"#,
        session.openid,
        fields("zh_CN"),
        session.unionid.unwrap(),
        world.clock().now().as_secs(),
    );
    assert_eq!(String::from_utf8(plain).unwrap(), expected);
}

#[tokio::test]
async fn removing_an_app_ends_its_sessions_and_keeps_who_its_users_are() {
    let (world, cx) = (World::new(1), cx());
    let server = world.server(cx.app());
    let before = server.exchange(&code(&world, &cx).await).unwrap();
    let pending = code(&world, &cx).await;
    world.remove_app(cx.app());
    assert!(world.host().login.unwrap().check_session(&cx, CheckSessionRequest {}).now_or_never().unwrap().is_err());
    assert_eq!(server.exchange(&pending), Err(CodeError::Unknown));
    assert_eq!(server.exchange(&code(&world, &cx).await).unwrap().openid, before.openid);
}
