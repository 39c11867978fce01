//! The access token: one request for many callers, renewed ahead of its end, replaced when it is refused.

use std::{
    future::ready,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::Duration,
};

use serde_json::json;
use wx_platform::{
    Errcode,
    client::Tokens,
    wire::{
        session::CHECK_SESSION,
        token::{STABLE_TOKEN, TOKEN},
    },
};

use super::scripted::{APP, SECRET, Say, Scripted, fresh_tokens, key, refusal};

/// Moves the clock while nothing is under way.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_hundred_callers_share_one_request() {
    let token = fresh_tokens(7200);
    let platform = Scripted::start(move |_| Say::Held(Box::new(token()))).await;
    let client = platform.client().build().unwrap();
    let callers: Vec<_> = (0..100)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.access_token().await })
        })
        .collect();
    platform.until_asked(1).await;
    platform.release();
    for caller in callers {
        assert_eq!(caller.await.unwrap().unwrap().expose(), "token-1");
    }
    assert_eq!(platform.asked().len(), 1);
}

#[tokio::test]
async fn a_hundred_callers_share_one_failure() {
    let platform = Scripted::start(|_| Say::Held(Box::new(refusal(40125, "invalid appsecret")))).await;
    let client = platform.client().build().unwrap();
    let callers: Vec<_> = (0..100)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.access_token().await })
        })
        .collect();
    platform.until_asked(1).await;
    platform.release();
    for caller in callers {
        assert_eq!(caller.await.unwrap().unwrap_err().errcode(), Some(Errcode::BAD_SECRET));
    }
    assert_eq!(platform.asked().len(), 1);
    assert!(client.access_token().await.is_err());
    assert_eq!(platform.asked().len(), 2, "a failure is not kept");
}

#[tokio::test]
async fn a_caller_who_leaves_takes_nobodys_answer_along() {
    let token = fresh_tokens(7200);
    let platform = Scripted::start(move |_| Say::Held(Box::new(token()))).await;
    let client = platform.client().build().unwrap();
    let mut first = Box::pin(client.access_token());
    tokio::select! {
        _ = &mut first => panic!("the answer is held"),
        () = platform.until_asked(1) => {}
    }
    let mut second = Box::pin(client.access_token());
    tokio::select! {
        biased;
        _ = &mut second => panic!("the answer is held"),
        () = ready(()) => {}
    }
    drop(first);
    platform.release();
    assert_eq!(second.await.unwrap().expose(), "token-1");
    assert_eq!(platform.asked().len(), 1);
}

#[tokio::test]
async fn a_flight_that_everybody_left_is_begun_anew() {
    let token = fresh_tokens(7200);
    let asked_before = AtomicBool::new(false);
    let platform =
        Scripted::start(move |_| if asked_before.swap(true, Ordering::SeqCst) { token() } else { Say::Nothing }).await;
    let client = platform.client().build().unwrap();
    tokio::select! {
        _ = client.access_token() => panic!("there is no answer"),
        () = platform.until_asked(1) => {}
    }
    assert_eq!(client.access_token().await.unwrap().expose(), "token-1");
}

#[tokio::test]
async fn both_endpoints_are_asked_as_documented() {
    let token = fresh_tokens(7200);
    let platform = Scripted::start(move |_| token()).await;
    platform.client().tokens(Tokens::Plain).build().unwrap().access_token().await.unwrap();
    platform.client().build().unwrap().access_token().await.unwrap();
    let asked = platform.asked();
    assert_eq!(asked[0].path, TOKEN);
    assert_eq!(asked[0].query, format!("grant_type=client_credential&appid={APP}&secret={SECRET}"));
    assert_eq!((asked[1].path.as_str(), asked[1].query.as_str()), (STABLE_TOKEN, ""));
    let body: serde_json::Value = serde_json::from_str(&asked[1].body).unwrap();
    assert_eq!(body, json!({ "grant_type": "client_credential", "appid": APP, "secret": SECRET }));
}

#[tokio::test]
async fn a_token_is_kept_until_five_minutes_before_its_end_and_then_renewed() {
    let token = fresh_tokens(7200);
    let platform = Scripted::start(move |_| token()).await;
    let client = platform.client().build().unwrap();
    assert_eq!(client.access_token().await.unwrap().expose(), "token-1");
    pass(Duration::from_secs(6800)).await;
    assert_eq!(client.access_token().await.unwrap().expose(), "token-1");
    pass(Duration::from_secs(100)).await;
    while client.access_token().await.unwrap().expose() == "token-1" {
        tokio::task::yield_now().await; // the new one is on its way
    }
    assert_eq!(client.access_token().await.unwrap().expose(), "token-2");
}

#[tokio::test]
async fn nobody_waits_for_a_renewal_while_the_token_at_hand_is_good() {
    let (token, first) = (fresh_tokens(7200), AtomicBool::new(true));
    let platform = Scripted::start(move |_| {
        let token = token();
        if first.swap(false, Ordering::SeqCst) { token } else { Say::Held(Box::new(token)) }
    })
    .await;
    let client = platform.client().build().unwrap();
    client.access_token().await.unwrap();
    pass(Duration::from_secs(6900)).await;
    for _ in 0..100 {
        assert_eq!(client.access_token().await.unwrap().expose(), "token-1");
    }
    platform.until_asked(2).await;
    assert_eq!(client.access_token().await.unwrap().expose(), "token-1", "the answer is held");
    platform.release();
    while client.access_token().await.unwrap().expose() == "token-1" {
        tokio::task::yield_now().await; // nobody asks for it any more, and still it comes
    }
    assert_eq!(platform.asked().len(), 2, "a hundred callers began one renewal");
}

#[tokio::test]
async fn a_renewal_that_fails_is_nobodys_failure_before_the_token_has_expired() {
    let asked_before = AtomicUsize::new(0);
    let platform = Scripted::start(move |_| match asked_before.fetch_add(1, Ordering::SeqCst) {
        0 => Say::Json(json!({ "access_token": "token-1", "expires_in": 7200 })),
        _ => refusal(45009, "reach max api daily quota limit"),
    })
    .await;
    let client = platform.client().build().unwrap();
    client.access_token().await.unwrap();
    pass(Duration::from_secs(6900)).await;
    assert_eq!(client.access_token().await.unwrap().expose(), "token-1");
    platform.until_asked(2).await;
    assert_eq!(client.access_token().await.unwrap().expose(), "token-1");
    pass(Duration::from_secs(300)).await;
    assert_eq!(client.access_token().await.unwrap_err().errcode(), Some(Errcode::DAILY_QUOTA), "now it has expired");
}

#[tokio::test]
async fn a_token_of_no_text_or_no_life_is_not_kept() {
    let platform = Scripted::start(|_| Say::Json(json!({ "access_token": "", "expires_in": 7200 }))).await;
    assert!(platform.client().build().unwrap().access_token().await.is_err());

    let token = fresh_tokens(0);
    let platform = Scripted::start(move |_| token()).await;
    let client = platform.client().build().unwrap();
    for expected in ["token-1", "token-2"] {
        assert_eq!(client.access_token().await.unwrap().expose(), expected);
    }
}

#[tokio::test]
async fn a_life_without_end_breaks_nothing() {
    let token = fresh_tokens(u64::MAX);
    let platform = Scripted::start(move |_| token()).await;
    assert!(platform.client().build().unwrap().access_token().await.is_ok());
}

/// A platform that refuses `token-1` wherever it is shown.
async fn refusing_the_first_token(code: i32, held: bool) -> Scripted {
    let token = fresh_tokens(7200);
    Scripted::start(move |asked| match asked.path.as_str() {
        STABLE_TOKEN => token(),
        _ if asked.query.contains("access_token=token-1&") => {
            let refusal = refusal(code, "access_token expired");
            if held { Say::Held(Box::new(refusal)) } else { refusal }
        }
        _ => refusal(0, "ok"),
    })
    .await
}

#[tokio::test]
async fn a_refused_token_is_replaced_and_the_request_sent_once_more() {
    for code in [40001, 40014, 42001] {
        let platform = refusing_the_first_token(code, false).await;
        let client = platform.client().build().unwrap();
        assert_eq!(client.check_session("o1", &key()).await, Ok(true), "{code}");
        assert_eq!((platform.count(CHECK_SESSION), platform.count(STABLE_TOKEN)), (2, 2), "{code}");
    }
}

#[tokio::test]
async fn two_callers_with_one_refused_token_replace_it_once() {
    let platform = refusing_the_first_token(42001, true).await;
    let client = platform.client().build().unwrap();
    let callers: Vec<_> = (0..2)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.check_session("o1", &key()).await })
        })
        .collect();
    platform.until_asked(3).await; // the token, and both with it
    platform.release();
    for caller in callers {
        assert_eq!(caller.await.unwrap(), Ok(true));
    }
    assert_eq!((platform.count(CHECK_SESSION), platform.count(STABLE_TOKEN)), (4, 2));
}

#[tokio::test]
async fn a_caller_who_learns_late_that_a_token_was_refused_takes_the_one_that_came_since() {
    let (token, first) = (fresh_tokens(7200), AtomicBool::new(true));
    let platform = Scripted::start(move |asked| match asked.path.as_str() {
        STABLE_TOKEN => token(),
        _ if asked.query.contains("access_token=token-1&") => {
            let refusal = refusal(42001, "access_token expired");
            if first.swap(false, Ordering::SeqCst) { Say::Held(Box::new(refusal)) } else { refusal }
        }
        _ => refusal(0, "ok"),
    })
    .await;
    let client = platform.client().build().unwrap();
    let late = client.clone();
    let late = tokio::spawn(async move { late.check_session("o1", &key()).await });
    platform.until_asked(2).await; // the token, and the late caller with it
    assert_eq!(client.check_session("o1", &key()).await, Ok(true));
    platform.release();
    assert_eq!(late.await.unwrap(), Ok(true));
    assert_eq!((platform.count(CHECK_SESSION), platform.count(STABLE_TOKEN)), (4, 2));
}

#[tokio::test]
async fn a_second_refusal_is_told_and_not_tried_again() {
    let token = fresh_tokens(7200);
    let platform =
        Scripted::start(move |asked| if asked.path == STABLE_TOKEN { token() } else { refusal(40001, "invalid credential") })
            .await;
    let client = platform.client().build().unwrap();
    let checked = client.check_session("o1", &key()).await;
    assert_eq!(checked.unwrap_err().errcode(), Some(Errcode::INVALID_CREDENTIAL));
    assert_eq!((platform.count(CHECK_SESSION), platform.count(STABLE_TOKEN)), (2, 2));
}

#[tokio::test]
async fn a_token_is_forced_only_if_the_refused_one_is_offered_again() {
    let platform = Scripted::start(|asked| match asked.path.as_str() {
        STABLE_TOKEN if asked.body.contains("force_refresh") => Say::Json(json!({ "access_token": "new", "expires_in": 7200 })),
        STABLE_TOKEN => Say::Json(json!({ "access_token": "old", "expires_in": 7200 })),
        _ if asked.query.contains("access_token=old&") => refusal(40001, "invalid credential"),
        _ => refusal(0, "ok"),
    })
    .await;
    let client = platform.client().build().unwrap();
    assert_eq!(client.check_session("o1", &key()).await, Ok(true));
    let forced: Vec<bool> =
        platform.asked().iter().filter(|asked| asked.path == STABLE_TOKEN).map(|asked| asked.body.contains("true")).collect();
    assert_eq!(forced, [false, false, true]);
}
