//! When the network breaks.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use wx_api::{
    ErrorKind, Invoke as _, hce::SendHceMessageRequest, login::CheckSessionRequest,
    soter::CheckIsSupportSoterAuthenticationRequest,
};
use wx_mock::World;

use crate::{
    backend::{Held, LONG_ANSWER, number},
    code, cx, linked, listen, login,
    pair::{self, paired, paired_by},
    pending_once,
    proxy::State,
};

#[tokio::test]
async fn a_call_under_way_when_the_link_breaks_is_run_once_and_answered() {
    let (held, pair, device) = linked().await;
    let cx = cx();
    let (reply, ()) = tokio::join!(device.invoke(&cx, login()), async {
        held.wait_for_begun(1).await;
        pair.proxy.break_once();
        held.answer(1);
    });
    assert_eq!(code(reply.unwrap()), "code 1");
    device.ping().await.unwrap();
    assert_eq!(held.begun(), 1);
    assert!(pair.proxy.connections() >= 2);
}

#[tokio::test]
async fn an_answer_that_is_lost_on_its_way_is_said_again() {
    let (held, pair, device) = linked().await;
    let cx = cx();
    held.answer(1);
    pair.proxy.is(State::Deaf);
    let (reply, ()) = tokio::join!(device.invoke(&cx, login()), async {
        held.wait_for_begun(1).await;
        pair.proxy.break_once();
    });
    assert_eq!(code(reply.unwrap()), "code 1");
    assert_eq!(held.begun(), 1);
}

#[tokio::test]
async fn a_hundred_breaks_under_load_run_nothing_twice_and_lose_nothing() {
    let (held, pair, device) = linked().await;
    let cx = cx();
    let calls = async {
        let mut codes = Vec::new();
        for _ in 0..100 {
            held.answer(10);
            let ten = (0..10).map(|_| device.invoke(&cx, login()));
            codes.extend(futures_util::future::try_join_all(ten).await.unwrap().into_iter().map(code));
        }
        codes
    };
    let breaks = async {
        for count in 1..=100 {
            held.wait_for_begun(count * 10 - 5).await;
            pair.proxy.break_once();
        }
    };
    let (mut codes, ()) = tokio::join!(calls, breaks);
    codes.sort();
    codes.dedup();
    assert_eq!((codes.len(), held.begun()), (1000, 1000));
    // Whatever acknowledgements were lost on the way, nothing is kept that nobody waits for.
    pair.proxy.break_once();
    while !format!("{:?}", pair.agent).contains("kept_calls: 0") {
        device.ping().await.ok();
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_nobody_wants_any_more_ends_on_the_device_though_the_link_was_down_when_it_was_dropped() {
    let (held, pair, device) = linked().await;
    let stream = listen(&device).await;
    let cx = cx();
    let mut call = device.invoke(&cx, login());
    assert!(pending_once(&mut call).await);
    held.wait_for_begun(1).await;
    pair.proxy.is(State::Cut);
    while device.ping().await.is_ok() {}
    drop((stream, call));
    pair.proxy.is(State::Open);
    while device.ping().await.is_err() {
        tokio::task::yield_now().await;
    }
    assert_eq!((held.dropped(), held.has_listener()), (1, false));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn calls_events_and_breaks_on_many_threads_get_in_nobodys_way() {
    let (held, pair, device) = linked().await;
    let mut stream = listen(&device).await;
    let callers: Vec<_> = (0..8)
        .map(|_| {
            let (device, held, cx) = (device.clone(), held.clone(), cx());
            tokio::spawn(async move {
                for _ in 0..200 {
                    held.answer(1);
                    device.invoke(&cx, login()).await.unwrap();
                }
            })
        })
        .collect();
    let events = {
        let held = held.clone();
        tokio::spawn(async move {
            for number in 0..3000 {
                held.send(number);
                tokio::task::yield_now().await;
            }
        })
    };
    let listener = tokio::spawn(async move {
        let (mut came, mut lost) = (0, 0);
        while came + lost < 3000 {
            match stream.next().await.unwrap() {
                Ok(event) => {
                    assert_eq!(u64::from(number(&event)), came + lost);
                    came += 1;
                }
                Err(lagged) => lost += lagged.count,
            }
        }
    });
    for place in 1..=20 {
        held.wait_for_begun(place * 75).await;
        pair.proxy.break_once();
    }
    for task in callers {
        task.await.unwrap();
    }
    events.await.unwrap();
    listener.await.unwrap();
    assert_eq!(held.begun(), 1600);
}

#[tokio::test]
async fn a_connection_whose_place_was_taken_is_not_listened_to_any_more() {
    let held = Held::new();
    let pair = paired(held.host()).await;
    let device = pair::builder(&pair.address, &pair.keys).silence(Duration::from_millis(300)).connect().await.unwrap();
    held.answer(3);
    assert_eq!(code(device.invoke(&cx(), login()).await.unwrap()), "code 1");
    // The network holds back what the host says, a call among it, until the host has given the connection up and made another.
    let before = pair.proxy.connections();
    pair.proxy.hold_this_one();
    assert_eq!(code(device.invoke(&cx(), login()).await.unwrap()), "code 2");
    assert!(pair.proxy.connections() > before);
    pair.proxy.let_go();
    device.ping().await.unwrap();
    assert_eq!(code(device.invoke(&cx(), login()).await.unwrap()), "code 3");
    assert_eq!(held.begun(), 3);
}

#[tokio::test]
async fn what_is_too_long_for_a_link_fails_alone() {
    let pair = paired(World::new(1).host()).await;
    let device = pair.connect().await;
    let data = SendHceMessageRequest { data: vec![0; 20 << 20].into() };
    let error = device.invoke(&cx(), data.into()).await.unwrap_err();
    assert_eq!(error.to_string(), "sendHCEMessage:fail the request is longer than the device takes");
    // Long, and in parts, but not too long.
    let data = SendHceMessageRequest { data: vec![0; 5 << 20].into() };
    let error = device.invoke(&cx(), data.into()).await.unwrap_err();
    assert_eq!(error.code(), Some(13006), "the device has read it: {error}");
    assert_eq!(pair.proxy.connections(), 2, "one to pair, one to call");
}

#[tokio::test]
async fn a_slow_network_is_only_slow() {
    let (held, pair, device) = linked().await;
    pair.proxy.is(State::Slow(Duration::from_millis(50)));
    held.answer(20);
    let cx = cx();
    let calls = (0..20).map(|_| device.invoke(&cx, login()));
    assert_eq!(futures_util::future::try_join_all(calls).await.unwrap().len(), 20);
    assert_eq!((held.begun(), pair.proxy.connections()), (20, 2), "one to pair, one to call");
}

#[tokio::test]
async fn a_device_that_stays_away_is_told_and_what_it_had_begun_is_answered_when_it_is_back() {
    let held = Held::new();
    let pair = paired(held.host()).await;
    let device = pair::builder(&pair.address, &pair.keys).patience(Duration::from_millis(200)).connect().await.unwrap();
    let cx = cx();
    let mut begun = device.invoke(&cx, login());
    assert!(pending_once(&mut begun).await);
    held.wait_for_begun(1).await;
    pair.proxy.is(State::Cut);
    // Each of these is made while nobody knows yet whether the device will soon be back, or once it is clear that it will not.
    let error = loop {
        match device.invoke(&cx, CheckSessionRequest {}.into()).await {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().starts_with("checkSession:fail the device is away: "), "{error}");
    let at_once = device.invoke(&cx, login()).await.unwrap_err();
    assert_eq!(at_once.kind(), ErrorKind::Unavailable);
    assert_eq!(held.begun(), 1, "what failed was not run");
    pair.proxy.is(State::Open);
    held.answer(1);
    assert_eq!(code(begun.await.unwrap()), "code 1");
}

#[tokio::test]
async fn a_network_that_swallows_everything_is_noticed() {
    let held = Held::new();
    let pair = paired(held.host()).await;
    let device = pair::builder(&pair.address, &pair.keys).silence(Duration::from_millis(300)).connect().await.unwrap();
    let cx = cx();
    let before = pair.proxy.connections();
    pair.proxy.is(State::Silent);
    let (reply, ()) = tokio::join!(device.invoke(&cx, login()), async {
        while pair.proxy.connections() == before {
            tokio::task::yield_now().await;
        }
        pair.proxy.is(State::Open);
        held.answer(1);
    });
    assert_eq!(code(reply.unwrap()), "code 1");
    assert_eq!(held.begun(), 1);
}

#[tokio::test]
async fn a_byte_that_was_changed_on_its_way_breaks_the_link_and_nothing_else() {
    let (held, pair, device) = linked().await;
    held.answer(1);
    pair.proxy.spoil();
    assert_eq!(code(device.invoke(&cx(), login()).await.unwrap()), "code 1");
    assert_eq!((held.begun(), pair.proxy.connections()), (1, 3));
}

#[tokio::test]
async fn a_host_that_reads_nothing_is_not_worked_for_without_end_and_harms_no_other() {
    let held = Held::new();
    let pair = paired(held.host()).await;
    let (stalled, well) = (pair.connect().await, pair.connect_past_the_proxy().await);
    let cx = cx();
    pair.proxy.is(State::Deaf);
    let calls: Vec<_> = (0..500).map(|_| stalled.invoke(&cx, CheckIsSupportSoterAuthenticationRequest {}.into())).collect();
    let mut calls = futures_util::future::join_all(calls);
    assert!(pending_once(&mut calls).await);
    // The other is answered all the while, until the agent has stopped answering the one that does not read.
    let (mut answered, mut turns) = (0, 0);
    while answered == 0 || turns < 200 {
        well.invoke(&cx, CheckSessionRequest {}.into()).await.unwrap();
        turns = if held.long_reads() == answered { turns + 1 } else { 0 };
        answered = held.long_reads();
    }
    assert!(answered * LONG_ANSWER < 32 << 20, "{answered} answers wait for a host that does not read");
    pair.proxy.is(State::Open);
    assert!(calls.await.into_iter().all(|call| call.is_ok()));
}

#[tokio::test]
async fn a_host_that_is_gone_for_good_leaves_nothing_running() {
    let held = Held::new();
    let pair = paired_by(held.host(), std::sync::Arc::new(wx_host::TokioClock), Duration::from_millis(50)).await;
    let device = pair.connect().await;
    let cx = cx();
    let mut call = device.invoke(&cx, login());
    assert!(pending_once(&mut call).await);
    held.wait_for_begun(1).await;
    pair.proxy.is(State::Cut);
    while held.dropped() == 0 {
        tokio::task::yield_now().await;
    }
    // Back too late: the agent no longer knows what became of it.
    pair.proxy.is(State::Open);
    let error = call.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown, "{error}");
    assert_eq!(held.begun(), 1);
}

#[tokio::test]
async fn garbage_ends_its_own_connection_only() {
    let (_held, pair, device) = linked().await;
    let greeting = b"wx-link\n\x01\x01\x00\x00";
    let mut long_handshake = greeting.to_vec();
    long_handshake.extend(std::iter::repeat_n(0xff, 70_000));
    let garbage: [&[u8]; 5] = [b"GET / HTTP/1.1\r\n\r\n", b"wx-link\n\x01\x01\x07\x00", greeting, &long_handshake, &[0; 100]];
    for bytes in garbage {
        let mut stranger = TcpStream::connect(pair.proxy.address()).await.unwrap();
        let _ = stranger.write_all(bytes).await; // it may be hung up on at any byte
        let _ = stranger.shutdown().await;
        let mut answer = Vec::new();
        let _ = stranger.read_to_end(&mut answer).await;
        assert!(answer.len() <= 12, "no stranger is told more than a greeting: {answer:?}");
    }
    device.invoke(&cx(), CheckSessionRequest {}.into()).await.unwrap();
}
