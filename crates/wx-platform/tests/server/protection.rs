//! Clients that take more than their share, and a server that stops.

use std::{pin::pin, sync::Arc, time::Duration};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tower::ServiceExt as _;
use wx_platform::{
    platform::Rules,
    server::{Limits, Server},
    wire::{host, token},
};

use crate::{
    disk::{Disk, OnDisk},
    rig::{APP, Rig, USER, post, read},
};

const SHORT: Duration = Duration::from_millis(50);

/// A request whose body has begun and not ended, seen by the server.
async fn half_sent(rig: &Rig) -> TcpStream {
    let mut stream = rig.connect().await;
    stream.write_all(half().0.as_bytes()).await.unwrap();
    while !rig.get("/metrics").await.text.contains("wx_platform_requests_in_flight 1\n") {
        tokio::task::yield_now().await;
    }
    stream
}

/// The two halves of a request for a made-up app's token.
fn half() -> (String, &'static str) {
    let body = r#"{"grant_type":"client_credential","appid":"wx0","secret":"s"}"#;
    let request = post(token::STABLE_TOKEN, "", body);
    (request[..request.len() - 9].to_owned(), &body[body.len() - 9..])
}

/// What the server sends before it closes, and an error is as good as an end.
async fn until_closed(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    bytes
}

#[tokio::test]
async fn a_client_that_does_not_finish_its_head_is_cut_off() {
    let rig = Rig::within(Limits { head_time: SHORT, ..Limits::default() }).await;
    for begun in ["", "GET /sns/jscode2session HTTP/1.1\r\nhost: x\r\n"] {
        let mut stream = rig.connect().await;
        stream.write_all(begun.as_bytes()).await.unwrap();
        let text = String::from_utf8(until_closed(&mut stream).await).unwrap();
        assert!(!text.contains("200 OK"), "{text}");
    }
}

#[tokio::test]
async fn a_client_that_takes_no_answers_is_cut_off() {
    let rig = Rig::within(Limits { head_time: SHORT, ..Limits::default() }).await;
    let mut stream = rig.connect().await;
    // It ends when the server closes, and not before: first it fills what lies between the two, then it waits.
    while stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n").await.is_ok() {}
    assert_eq!(rig.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn a_client_that_keeps_asking_is_not_cut_off() {
    let rig = Rig::within(Limits { head_time: SHORT, ..Limits::default() }).await;
    let (mut stream, start) = (rig.connect().await, std::time::Instant::now());
    while start.elapsed() < SHORT * 4 {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        assert_ne!(stream.read(&mut [0; 1024]).await.unwrap(), 0, "served, and kept open");
    }
}

#[tokio::test]
async fn a_client_that_does_not_finish_its_body_is_refused_and_cut_off() {
    let rig = Rig::within(Limits { body_time: SHORT, ..Limits::default() }).await;
    let mut stream = rig.connect().await;
    let keep_alive = half().0.replace("connection: close\r\n", "");
    stream.write_all(keep_alive.as_bytes()).await.unwrap();
    assert_eq!(read(&mut stream).await.errcode(), Some(47001));
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_refused() {
    let store = Arc::new(OnDisk::default());
    let rig = Rig::over(store.clone(), Rules::default(), Limits { request_time: SHORT, ..Limits::default() }).await;
    store.set(Disk::Stalls);
    assert_eq!(rig.exchange("0").await.errcode(), Some(-1));
    assert_eq!(rig.get("/healthz").await.status, 503);
    store.set(Disk::Works);
    assert_eq!(rig.exchange("0").await.errcode(), Some(40029));
}

#[tokio::test]
async fn a_body_may_have_as_many_bytes_as_the_limit_and_not_one_more() {
    let rig = Rig::within(Limits { body_bytes: 1000, ..Limits::default() }).await;
    let body = |length: usize| format!(r#"{{"appid":"{}"}}"#, "x".repeat(length - 12));
    assert_eq!(rig.post(token::STABLE_TOKEN, &body(1000)).await.errcode(), Some(41004));
    assert_eq!(rig.post(token::STABLE_TOKEN, &body(1001)).await.errcode(), Some(47001));

    let chunked = "POST /cgi-bin/stable_token HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
    let mut stream = rig.connect().await;
    stream.write_all(format!("{chunked}3e9\r\n{}\r\n", body(1001)).as_bytes()).await.unwrap();
    assert_eq!(read(&mut stream).await.errcode(), Some(47001), "without a length beforehand, and before its end");
}

#[tokio::test]
async fn a_head_that_never_ends_is_refused() {
    let rig = Rig::new().await;
    let mut stream = rig.connect().await;
    let _ = stream.write_all(format!("GET /{} HTTP/1.1\r\n", "x".repeat(100_000)).as_bytes()).await;
    let text = String::from_utf8(until_closed(&mut stream).await).unwrap();
    assert!(text.is_empty() || text.starts_with("HTTP/1.1 4"), "{text}");
}

#[tokio::test]
async fn what_is_no_http_is_answered_with_an_error_and_the_server_goes_on() {
    let rig = Rig::new().await;
    for noise in
        ["\0\0\0\0\r\n\r\n", "GET\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET / HTTP/1.1\r\ncontent-length: x\r\n\r\n"]
    {
        let mut stream = rig.connect().await;
        stream.write_all(noise.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let text = String::from_utf8(until_closed(&mut stream).await).unwrap();
        assert!(!text.contains("200 OK"), "{noise:?}: {text}");
    }
    assert_eq!(rig.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn a_connection_too_many_is_closed_and_another_one_is_served_when_there_is_room() {
    let rig = Rig::within(Limits { connections: 1, ..Limits::default() }).await;
    let mut first = rig.connect().await;
    first.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert_ne!(first.read(&mut [0; 1024]).await.unwrap(), 0, "served, and kept open");
    assert!(until_closed(&mut rig.connect().await).await.is_empty());

    drop(first);
    let metrics = loop {
        let mut stream = rig.connect().await;
        let _ = stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
        let bytes = until_closed(&mut stream).await;
        if !bytes.is_empty() {
            break String::from_utf8(bytes).unwrap();
        }
    };
    assert!(metrics.contains("wx_platform_connections 1\n"), "{metrics}");
    assert!(!metrics.contains("wx_platform_connections_turned_away_total 0\n"), "{metrics}");
}

#[tokio::test]
async fn a_request_too_many_is_refused_at_once() {
    let store = Arc::new(OnDisk::default());
    let rig = Rig::over(store.clone(), Rules::default(), Limits { requests: 1, ..Limits::default() }).await;
    store.set(Disk::Stalls);
    let (mut one, mut two) = (pin!(rig.exchange("0")), pin!(rig.exchange("0")));
    let (refused, waiting) = tokio::select! {
        answer = &mut one => (answer, two),
        answer = &mut two => (answer, one),
    };
    assert_eq!(refused.errcode(), Some(-1));
    store.set(Disk::Works);
    assert_eq!(waiting.await.errcode(), Some(40029));
    assert_eq!(rig.exchange("0").await.errcode(), Some(40029), "there is room again");
}

#[tokio::test]
async fn whoever_sends_slowly_takes_nobodys_place() {
    let rig = Rig::within(Limits { requests: 1, ..Limits::default() }).await;
    let mut slow = half_sent(&rig).await;
    assert_eq!(rig.exchange("0").await.errcode(), Some(40029));
    slow.write_all(half().1.as_bytes()).await.unwrap();
    assert_eq!(read(&mut slow).await.errcode(), Some(40013));
}

#[tokio::test]
async fn a_server_that_stops_finishes_what_is_under_way_and_accepts_nothing_new() {
    let mut rig = Rig::new().await;
    let mut idle = rig.connect().await;
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut under_way = half_sent(&rig).await;
    rig.stop();
    until_closed(&mut idle).await;
    assert!(TcpStream::connect(rig.address).await.is_err(), "the port is closed");
    under_way.write_all(half().1.as_bytes()).await.unwrap();
    assert_eq!(read(&mut under_way).await.errcode(), Some(40013));
    rig.stopped().await;
}

#[tokio::test]
async fn a_server_that_stops_does_not_wait_for_ever() {
    let mut rig = Rig::within(Limits { drain_time: SHORT, ..Limits::default() }).await;
    let mut under_way = half_sent(&rig).await;
    rig.stop();
    rig.stopped().await;
    assert!(until_closed(&mut under_way).await.is_empty());
}

#[tokio::test]
async fn what_has_expired_is_dropped_from_time_to_time() {
    let rig = Rig::new().await;
    let code = rig.code().await;
    rig.exchange(&code).await;
    assert_eq!(rig.exchange(&code).await.errcode(), Some(40163));
    let token = rig.token().await;
    let use_token = async || rig.get(&format!("/wxa/checksession?access_token={token}")).await.errcode();
    rig.clock.advance(Rules::default().token_life + Duration::from_secs(60));
    assert_eq!(use_token().await, Some(42001), "expired, and still known");
    rig.clock.advance(Duration::from_secs(300));
    while use_token().await == Some(42001) {
        tokio::task::yield_now().await; // until housekeeping has seen the new time
    }
    assert_eq!(use_token().await, Some(40001), "nobody knows it any more");
}

#[tokio::test]
async fn a_broken_store_is_told_as_busy_and_as_unhealthy() {
    let store = Arc::new(OnDisk::default());
    let rig = Rig::over(store.clone(), Rules::default(), Limits::default()).await;
    assert_eq!(rig.get("/healthz").await.status, 200);
    store.set(Disk::Breaks);
    assert_eq!(rig.get("/healthz").await.status, 503);
    let answer = rig.exchange("0").await;
    assert_eq!((answer.status, answer.errcode()), (200, Some(-1)));
    assert!(!answer.text.contains("disk"), "why is for the log: {}", answer.text);
    let answer = rig.ask(&rig.host, host::LOGIN, &json!({ "app": APP, "user": USER })).await;
    assert_eq!((answer.status, answer.errcode()), (503, Some(-1)));
}

#[tokio::test]
async fn requests_are_counted_by_endpoint_and_errcode() {
    let rig = Rig::new().await;
    rig.sign_in().await;
    rig.exchange("0").await;
    rig.exchange("0").await;
    let figures = rig.get("/metrics").await.text;
    for line in [
        r#"wx_platform_requests_total{endpoint="/sns/jscode2session",errcode="0"} 1"#,
        r#"wx_platform_requests_total{endpoint="/sns/jscode2session",errcode="40029"} 2"#,
        r#"wx_platform_request_seconds_count{endpoint="/sns/jscode2session"} 3"#,
    ] {
        assert!(figures.lines().any(|known| known == line), "{line}\n{figures}");
    }
}

#[tokio::test]
async fn the_routes_are_there_whatever_a_host_puts_behind_them() {
    let rig = Rig::new().await;
    let router = Server::new(rig.platform.clone()).router().fallback(|| async { "a page of the host's" });
    let ask = |path: &str| {
        let request = axum::http::Request::get(path).body(axum::body::Body::empty()).unwrap();
        let answer = router.clone().oneshot(request);
        async move {
            let Ok(answer) = answer.await;
            String::from_utf8(axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap().to_vec()).unwrap()
        }
    };
    assert!(ask("/sns/jscode2session").await.contains("41002"), "an endpoint");
    assert_eq!(ask("/healthz").await, "ok\n");
    assert_eq!(ask("/elsewhere").await, "a page of the host's");
}
