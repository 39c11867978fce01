//! Who may link with whom.

use std::{sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use wx_api::{ErrorKind, Invoke as _, login::CheckSessionRequest};
use wx_device::{Address, Invitation, KeyRing, LinkError, PairingSecret};

use crate::{
    backend::Held,
    cx, linked, login,
    pair::{self, paired},
};

#[tokio::test]
async fn a_device_that_was_never_paired_is_told_apart_from_one_that_is_away() {
    let pair = paired(Held::new().host()).await;
    let stranger = tempfile::tempdir().unwrap();
    let keys = Arc::new(KeyRing::open(stranger.path()).unwrap());
    let error = pair::connect(&pair.address, &keys).await.unwrap_err();
    assert!(error.to_string().contains("no device is paired at"), "{error}");
    pair.agent.shutdown().await;
    let error = pair::connect(&pair.address, &pair.keys).await.unwrap_err();
    assert!(matches!(error, LinkError::Io(_)), "{error}");
}

#[tokio::test]
async fn a_host_that_the_device_does_not_know_is_refused() {
    let pair = paired(Held::new().host()).await;
    let stranger = tempfile::tempdir().unwrap();
    let keys = Arc::new(KeyRing::open(stranger.path()).unwrap());
    keys.add("kiosk", pair.agents.identity().public(), Some(&pair.address.to_string())).unwrap();
    let error = pair::connect(&pair.address, &keys).await.unwrap_err();
    assert!(matches!(error, LinkError::Refused), "{error}");
}

#[tokio::test]
async fn a_device_that_took_the_place_of_the_paired_one_is_refused() {
    let (pair, other) = (paired(Held::new().host()).await, paired(Held::new().host()).await);
    let Address::Tcp(there) = &other.address else { panic!("a port") };
    pair.proxy.lead_to(there.parse().unwrap());
    let error = pair::connect(&pair.address, &pair.keys).await.unwrap_err();
    assert!(matches!(error, LinkError::Refused), "{error}");
}

#[tokio::test]
async fn a_host_that_is_taken_off_the_list_is_cut_off_and_stays_out() {
    let held = Held::new();
    let pair = paired(held.host()).await;
    let device = pair::builder(&pair.address, &pair.keys).patience(Duration::from_millis(100)).connect().await.unwrap();
    assert_eq!(pair.agents.revoke("a test").unwrap(), 1);
    let cx = cx();
    let error = loop {
        match device.invoke(&cx, CheckSessionRequest {}.into()).await {
            Ok(_) => tokio::task::yield_now().await,
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("pair the two again"), "{error}");
    let begun = held.begun();
    assert!(device.invoke(&cx, login()).await.is_err());
    assert_eq!(held.begun(), begun);
}

#[tokio::test]
async fn a_wrong_secret_pairs_nobody_and_a_right_one_pairs_once() {
    let pair = paired(Held::new().host()).await;
    let folder = tempfile::tempdir().unwrap();
    let keys = KeyRing::open(folder.path()).unwrap();
    let nobody_expected = Invitation::new(pair.address.clone(), PairingSecret::from_text(&"A".repeat(43)).unwrap());
    let error = nobody_expected.accept(&keys, "late").await.unwrap_err();
    assert!(matches!(error, LinkError::NotPairing), "{error}");
    let secret = pair.agents.offer(Duration::from_secs(60)).unwrap();
    let error = nobody_expected.accept(&keys, "a guess").await.unwrap_err();
    assert!(matches!(error, LinkError::Refused), "{error}");
    assert_eq!(pair.agents.peers().unwrap().len(), 1, "only the first host");
    let invitation = Invitation::new(pair.address.clone(), secret);
    invitation.accept(&keys, "second").await.unwrap();
    let error = invitation.accept(&keys, "third").await.unwrap_err();
    assert!(matches!(error, LinkError::NotPairing), "{error}");
    let names: Vec<String> = pair.agents.peers().unwrap().into_iter().map(|peer| peer.name).collect();
    assert_eq!(names, ["a test", "second"]);
}

#[tokio::test]
async fn what_was_said_over_one_connection_is_worth_nothing_over_another() {
    let (held, pair, device) = linked().await;
    held.answer(1);
    device.invoke(&cx(), login()).await.unwrap();
    let recorded = pair.proxy.sent();
    let mut replay = TcpStream::connect(pair.proxy.address()).await.unwrap();
    let _ = replay.write_all(&recorded).await; // it may be hung up on at any byte
    let mut answer = Vec::new();
    let _ = replay.read_to_end(&mut answer).await;
    assert_eq!(held.begun(), 1, "the call was not run again");
    assert!(format!("{:?}", pair.agent).contains("sessions: 1"), "{:?}", pair.agent);
}

#[tokio::test]
async fn another_version_is_named_on_either_side() {
    let pair = paired(Held::new().host()).await;
    let mut newer = TcpStream::connect(pair.proxy.address()).await.unwrap();
    newer.write_all(b"wx-link\n\x02\x09\x00\x00").await.unwrap();
    let mut answer = Vec::new();
    newer.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer, b"wx-link\n\x00\x01\x01\x01");

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    pair.proxy.lead_to(listener.local_addr().unwrap());
    let newer = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_exact(&mut [0; 12]).await.unwrap();
        stream.write_all(b"wx-link\n\x00\x01\x02\x09").await.unwrap();
    };
    let (error, ()) = tokio::join!(pair::connect(&pair.address, &pair.keys), newer);
    let error = error.unwrap_err().to_string();
    assert!(error.contains("versions 2 to 9") && error.contains("update the older"), "{error}");
}
