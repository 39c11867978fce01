//! Subscriptions over a link that breaks.

use wx_api::{Api, Lagged};

use crate::{backend::number, linked, listen, proxy::State};

#[tokio::test]
async fn events_come_in_order_and_once_over_any_number_of_connections() {
    let (held, pair, device) = linked().await;
    let mut stream = listen(&device).await;
    for sent in 0..500_u16 {
        held.send(sent);
        if sent % 50 == 25 {
            pair.proxy.break_once();
        }
        let came = stream.next().await.unwrap().unwrap();
        assert_eq!(number(&came), sent);
    }
}

#[tokio::test]
async fn what_happens_while_the_link_is_down_comes_afterwards_and_what_was_too_much_is_told() {
    let (held, pair, device) = linked().await;
    let mut stream = listen(&device).await;
    pair.proxy.is(State::Cut);
    for sent in 0..1000_u16 {
        held.send(sent);
        tokio::task::yield_now().await; // the agent takes them as they come
    }
    pair.proxy.is(State::Open);
    let (mut came, mut lost) = (0_u16, 0);
    while u64::from(came) + lost < 1000 {
        match stream.next().await.unwrap() {
            Ok(event) => {
                assert_eq!(u64::from(number(&event)), u64::from(came) + lost, "in order, with the gap told in its place");
                came += 1;
            }
            Err(Lagged { event, count }) => {
                assert_eq!(event, Api::OnHceMessage);
                lost += count;
            }
        }
    }
    assert!(came >= 256 && lost > 0, "{came} came, {lost} were lost");
}

#[tokio::test]
async fn a_stream_that_is_dropped_ends_the_subscription_on_the_device() {
    let (held, _pair, device) = linked().await;
    let stream = listen(&device).await;
    assert!(held.has_listener());
    drop(stream);
    device.ping().await.unwrap();
    assert!(!held.has_listener());
}

#[tokio::test]
async fn a_subscription_ends_with_the_life_of_the_agent() {
    let (held, mut pair, device) = linked().await;
    let mut stream = listen(&device).await;
    pair.restart(held.host()).await;
    assert_eq!(stream.next().await, None);
    // A new one works.
    let mut stream = listen(&device).await;
    held.send(7);
    assert_eq!(number(&stream.next().await.unwrap().unwrap()), 7);
}
