//! What a link keeps, measured in a process of its own: what other tests hold would count as well.
#![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed
#![allow(dead_code)] // of what tests share, no one uses all

#[path = "../link/backend.rs"]
mod backend;
#[path = "../link/pair.rs"]
mod pair;
#[path = "../link/proxy.rs"]
mod proxy;

use backend::Held;
use pair::{Pair, paired};
use wx_api::{
    Call, Cx, Invoke as _,
    login::{CheckSessionRequest, LoginRequest},
};
use wx_tests::bench::resident_kib;

fn cx() -> Cx {
    Cx::new("wx4f4bc4dec97d474b")
}

fn login() -> Call {
    LoginRequest::default().into()
}

#[tokio::test]
async fn a_hundred_thousand_calls_leave_nothing_behind() {
    let held = Held::new();
    let pair = paired(held.host()).await;
    let device = pair.connect().await;
    let cx = cx();
    let run = async |rounds| {
        for _ in 0..rounds {
            let reads = (0..490).map(|_| device.invoke(&cx, CheckSessionRequest {}.into()));
            futures_util::future::try_join_all(reads).await.unwrap();
            held.answer(10);
            futures_util::future::try_join_all((0..10).map(|_| device.invoke(&cx, login()))).await.unwrap();
        }
    };
    run(40).await;
    let before = resident_kib();
    run(200).await;
    let grown = resident_kib() - before;
    assert!(grown < 4096.0, "{grown} KiB more after 100,000 calls");
    assert_eq!((held.begun(), held.reads()), (2400, 240 * 490));
    let Pair { agent, .. } = &pair;
    device.ping().await.unwrap();
    let kept = format!("{agent:?}");
    assert!(kept.contains("sessions: 1") && kept.contains("kept_calls: 0"), "{kept}");
}
