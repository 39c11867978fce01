//! A host and an agent over real sockets: what a link promises, whom it lets in, and what is left of its promises when things break.
#![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

mod backend;
mod broken;
mod events;
mod identity;
mod pair;
mod proxy;
mod restarted;

use std::{sync::Arc, time::Duration};

use backend::Held;
use pair::{Pair, paired};
use wx_api::{
    Api, Call, Clock, Cx, ErrorKind, EventStream, Invoke as _, Reply, Timestamp, event_channel,
    login::{CheckSessionRequest, LoginRequest},
};
use wx_device::Device;
use wx_mock::World;

pub(crate) fn cx() -> Cx {
    Cx::new("wx4f4bc4dec97d474b")
}

pub(crate) fn login() -> Call {
    LoginRequest::default().into()
}

pub(crate) fn code(reply: Reply) -> String {
    let Reply::Login(login) = reply else { panic!("{reply:?} is no login") };
    login.code
}

/// A backend in a test's hands, an agent over it, and a host that is connected.
pub(crate) async fn linked() -> (Arc<Held>, Pair, Device) {
    let held = Held::new();
    let pair = paired(held.host()).await;
    let device = pair.connect().await;
    (held, pair, device)
}

/// A subscription that has reached the device.
pub(crate) async fn listen(device: &Device) -> EventStream {
    let (out, stream) = event_channel(Api::OnHceMessage.into());
    device.subscribe(&cx(), out).unwrap();
    device.ping().await.unwrap();
    stream
}

/// Whether the future, asked once, has no answer yet.
pub(crate) async fn pending_once<F: Future + Unpin>(future: &mut F) -> bool {
    std::future::poll_fn(|task| std::task::Poll::Ready(std::pin::Pin::new(&mut *future).poll(task).is_pending())).await
}

#[tokio::test]
async fn calls_answer_as_they_would_without_a_link() {
    let pair = paired(World::new(1).host()).await;
    let device = pair.connect().await;
    let error = device.invoke(&cx(), CheckSessionRequest {}.into()).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Session, Some(-13001)));
    assert!(!code(device.invoke(&cx(), login()).await.unwrap()).is_empty());
    assert_eq!(device.supported(), pair.wx.supported(&cx()));
    device.close().await;
    let error = device.invoke(&cx(), login()).await.unwrap_err();
    assert_eq!(error.to_string(), "login:fail the link was closed");
}

#[tokio::test]
async fn thousands_of_calls_at_once_all_answer() {
    let pair = paired(World::new(1).host()).await;
    let device = pair.connect().await;
    let cx = cx();
    let calls = (0..3000).map(|_| device.invoke(&cx, login()));
    assert_eq!(futures_util::future::try_join_all(calls).await.unwrap().len(), 3000);
}

#[tokio::test]
async fn a_call_that_is_dropped_is_dropped_on_the_device_before_anything_later_runs() {
    let (held, _pair, device) = linked().await;
    let cx = cx();
    let mut call = device.invoke(&cx, login());
    assert!(pending_once(&mut call).await);
    held.wait_for_begun(1).await;
    drop(call);
    device.ping().await.unwrap();
    assert_eq!((held.begun(), held.dropped()), (1, 1));
}

#[tokio::test]
async fn a_deadline_is_so_much_time_on_both_ends_whatever_their_clocks_say() {
    /// A clock that is far from everybody's, and jumps.
    struct Wrong(std::sync::atomic::AtomicU64);
    #[async_trait::async_trait]
    impl Clock for Wrong {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(self.0.load(std::sync::atomic::Ordering::SeqCst))
        }
        async fn sleep_until(&self, _: Timestamp) {
            std::future::pending::<()>().await;
        }
    }
    let wrong = Arc::new(Wrong(1_000_000.into()));
    let held = Held::new();
    let pair = pair::paired_by(held.host(), wrong.clone(), Duration::from_secs(60)).await;
    let clock = wx_host::TokioClock;
    let device = pair.connect().await;
    held.answer(2);
    let mut remaining = Vec::new();
    for jump in [0, 86_400_000] {
        wrong.0.fetch_add(jump, std::sync::atomic::Ordering::SeqCst);
        let cx = cx().with_deadline(clock.now() + Duration::from_secs(100));
        device.invoke(&cx, login()).await.unwrap();
        remaining.push(held.deadlines().last().unwrap().unwrap() - wrong.now());
    }
    for left in remaining {
        assert!((Duration::from_secs(70)..=Duration::from_secs(100)).contains(&left), "{left:?}");
    }
    // A clock that jumps while a call runs ends it neither earlier nor later.
    let late = cx().with_deadline(clock.now() + Duration::from_secs(100));
    let mut call = device.invoke(&late, login());
    assert!(pending_once(&mut call).await);
    held.wait_for_begun(3).await;
    wrong.0.store(0, std::sync::atomic::Ordering::SeqCst);
    held.answer(1);
    assert_eq!(code(call.await.unwrap()), "code 3");
    let at_once = cx().with_deadline(clock.now());
    let error = device.invoke(&at_once, login()).await.unwrap_err();
    assert_eq!(error.to_string(), "login:fail timeout");
}
