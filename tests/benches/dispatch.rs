//! What the way through the layers costs: `cargo xtask bench dispatch`.
//!
//! Every figure is a ratio or a bound measured in this one run, so a slow machine changes both sides. A figure out of bounds fails
//! the command.

use std::{
    hint::black_box,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use futures_util::FutureExt;
use wx_api::{
    Api, ApiSet, Clock, Cx, Event, EventHub, EventSender, Host, Request, Result, event_channel,
    hce::{GetHceStateRequest, GetHceStateResult, Hce, HceMessage, SendHceMessageRequest, SendHceMessageResult},
    login::{Login, LoginRequest, LoginResult},
    soter::{AuthMode, Soter, StartSoterAuthenticationRequest, StartSoterAuthenticationResult},
};
use wx_host::{Consent, Fault, MemoryStore, Record, Timeout, TokioClock, Wx};
use wx_mock::World;
use wx_tests::bench::{Bound, Figure, report, resident_kib, undisturbed};

const ROUNDS: usize = 301;
const CALLS: u32 = 2_000;

fn main() -> ExitCode {
    // Not all arguments are ours: `cargo bench` adds `--bench`.
    let confirm = StartSoterAuthenticationRequest {
        request_auth_modes: vec![AuthMode::FingerPrint],
        challenge: "order 20261120-000042, 128.50 CNY".to_owned(),
        auth_content: Some("confirm your order".to_owned()),
    };
    let figures = [
        typed_call(),
        json_edge("JSON edge / serde_json alone: startSoterAuthentication", &confirm),
        json_edge(
            "JSON edge / serde_json alone: sendHCEMessage, 256 bytes",
            &SendHceMessageRequest { data: vec![0x90; 256].into() },
        ),
        json_edge("JSON edge / serde_json alone: login with a timeout", &LoginRequest { timeout: Some(5000) }),
        idle_memory(),
        start_up(),
        slow_subscriber(),
    ];
    report(figures)
}

/// A backend that does nothing, so that only the way to it is measured.
struct Nothing;

#[async_trait]
impl Hce for Nothing {
    fn supported(&self) -> ApiSet {
        Api::GetHceState.into()
    }

    async fn get_hce_state(&self, _: &Cx, _: GetHceStateRequest) -> Result<GetHceStateResult> {
        Ok(GetHceStateResult {})
    }

    async fn send_hce_message(&self, _: &Cx, _: SendHceMessageRequest) -> Result<SendHceMessageResult> {
        Ok(SendHceMessageResult {})
    }
}

#[async_trait]
impl Login for Nothing {
    fn supported(&self) -> ApiSet {
        Api::Login.into()
    }

    async fn login(&self, _: &Cx, _: LoginRequest) -> Result<LoginResult> {
        Ok(LoginResult { code: "033aB2cD4eF6gH8iJ0kL2mN4oP6qR8sT".to_owned() })
    }
}

#[async_trait]
impl Soter for Nothing {
    fn supported(&self) -> ApiSet {
        Api::StartSoterAuthentication.into()
    }

    async fn start_soter_authentication(
        &self,
        _: &Cx,
        req: StartSoterAuthenticationRequest,
    ) -> Result<StartSoterAuthenticationResult> {
        Ok(StartSoterAuthenticationResult {
            auth_mode: AuthMode::FingerPrint,
            result_json: req.challenge,
            result_json_signature: "c2lnbmF0dXJl".repeat(28),
        })
    }
}

fn bare_host() -> Host {
    Host { hce: Some(Arc::new(Nothing)), login: Some(Arc::new(Nothing)), soter: Some(Arc::new(Nothing)), ..Host::default() }
}

fn all_layers(host: Host) -> Wx {
    let clock: Arc<dyn Clock> = Arc::new(TokioClock);
    Wx::builder(host)
        .trace()
        .record(Record::new(std::io::sink()))
        .timeout(Timeout::new(clock.clone()).default_after(Duration::from_secs(60)))
        .fault(Fault::new(clock, 1))
        .build()
}

/// A typed call through Trace, Record, Timeout, Gate and Fault against the same call on the trait object.
fn typed_call() -> Figure {
    let (wx, cx) = (all_layers(bare_host()), Cx::new("wx00000000000000a1"));
    let bare: Arc<dyn Hce> = Arc::new(Nothing);
    let (ratio, ours, theirs) = compare(
        || {
            let answer = wx.call(&cx, GetHceStateRequest {}).now_or_never();
            assert!(matches!(answer, Some(Ok(_))), "a backend that does nothing answers at once");
        },
        || {
            let answer = black_box(&bare).get_hce_state(&cx, GetHceStateRequest {}).now_or_never();
            assert!(matches!(answer, Some(Ok(_))), "a backend that does nothing answers at once");
        },
    );
    Figure {
        name: "typed call through all layers / bare dyn call".to_owned(),
        measured: ratio,
        bound: Bound::AtMost(15.0),
        unit: "x",
        detail: format!("{ours:.0} ns against {theirs:.0} ns"),
    }
}

/// Text in, text out through the JSON edge against `serde_json` alone on the same two texts. Short texts are the hard ones: there
/// the conventions weigh most.
fn json_edge<R: Request>(name: &str, req: &R) -> Figure {
    let (wx, cx) = (Wx::builder(bare_host()).build(), Cx::new("wx00000000000000a1"));
    let (api, text) = (R::FACTS.name, serde_json::to_string(req).expect("the request serialises"));
    let reply = wx.call(&cx, req.clone()).now_or_never().expect("answers at once").expect("answers ok");
    let (ratio, ours, theirs) = compare(
        || {
            let answer = wx.call_json(&cx, api, black_box(&text)).now_or_never();
            assert!(answer.is_some_and(|answer| answer.is_ok()), "a backend that does nothing answers at once");
        },
        || {
            let req: R = serde_json::from_str(black_box(&text)).expect("the text is valid");
            black_box(req);
            let text = serde_json::to_string(black_box(&reply)).expect("the result serialises");
            assert!(!black_box(text).is_empty(), "the result has fields");
        },
    );
    Figure {
        name: name.to_owned(),
        measured: ratio,
        bound: Bound::AtMost(4.0),
        unit: "x",
        detail: format!("{ours:.0} ns against {theirs:.0} ns, {} bytes in", text.len()),
    }
}

fn instance(seed: u64) -> (World, Wx, Cx) {
    let world = World::new(seed);
    let consent = Consent::new(world.user().clone(), Arc::new(MemoryStore::default()));
    let wx = all_layers(Host { authorization: Some(Arc::new(consent)), ..world.host() });
    (world, wx, Cx::new(format!("wx{seed:016x}")))
}

/// Resident memory that 10,000 idle instances add, each with its own world, layers, consent and one call behind it.
fn idle_memory() -> Figure {
    const INSTANCES: u32 = 10_000;
    let before = resident_kib();
    let instances: Vec<_> = (0..u64::from(INSTANCES))
        .map(|seed| {
            let instance = instance(seed);
            let answer = instance.1.call(&instance.2, GetHceStateRequest {}).now_or_never();
            assert!(matches!(answer, Some(Ok(_))), "the mock answers at once");
            instance
        })
        .collect();
    let each = (resident_kib() - before) / f64::from(INSTANCES);
    drop(black_box(instances));
    Figure {
        name: "memory of an idle instance (Wx, layers, mock world)".to_owned(),
        measured: each,
        bound: Bound::AtMost(32.0),
        unit: "KiB",
        detail: format!("resident memory of {INSTANCES} instances, divided"),
    }
}

/// Milliseconds that a thousand instances take to start and answer their first call, out of 10,000 in one process.
fn start_up() -> Figure {
    let start = Instant::now();
    let instances: Vec<_> = (0..10_000).map(instance).collect();
    for (_, wx, cx) in &instances {
        let answer = wx.call(cx, GetHceStateRequest {}).now_or_never();
        assert!(matches!(answer, Some(Ok(_))), "the mock answers at once");
    }
    Figure {
        name: "start of a thousand instances, 10,000 in one process".to_owned(),
        measured: start.elapsed().as_secs_f64() * 1000.0 / 10.0,
        bound: Bound::AtMost(1000.0),
        unit: "ms",
        detail: "each with a world, all layers and a first call".to_owned(),
    }
}

/// A thousand subscribers, of whom one never reads, against a thousand who all read: time until the readers have everything.
fn slow_subscriber() -> Figure {
    const EVENTS: usize = 300; // more than a queue holds, so that the slow one overflows
    let deliver = |readers: usize| {
        let hub = EventHub::default();
        let mut streams: Vec<_> = (0..1000)
            .map(|_| {
                let (sender, stream): (EventSender, _) = event_channel(Api::OnHceMessage.into());
                hub.add(sender);
                stream
            })
            .collect();
        let event = Event::from(HceMessage::command(vec![0x00, 0xA4, 0x04, 0x00]));
        let start = Instant::now();
        let mut received = 0;
        for _ in 0..EVENTS {
            hub.send(&event);
            for stream in &mut streams[..readers] {
                if let Some(Some(Ok(_))) = stream.next().now_or_never() {
                    received += 1;
                }
            }
        }
        let elapsed = start.elapsed().as_secs_f64();
        assert_eq!(received, EVENTS * readers, "every reader gets every event");
        elapsed
    };
    let (mut with_slow, mut without) = (Vec::new(), Vec::new());
    for _ in 0..31 {
        with_slow.push(deliver(999) / 999.0);
        without.push(deliver(1000) / 1000.0);
    }
    Figure {
        name: "delivery per reader, one of 1,000 asleep / none asleep".to_owned(),
        measured: undisturbed(&mut with_slow) / undisturbed(&mut without),
        bound: Bound::AtMost(1.1),
        unit: "x",
        detail: format!("{EVENTS} events, every other subscriber got every one"),
    }
}

/// The two in turn, round by round: the ratio, and nanoseconds per call of each, all from the fastest tenth of the rounds. What
/// else runs on the machine only ever adds to a round, so the fast ones are those it left alone.
fn compare(mut ours: impl FnMut(), mut theirs: impl FnMut()) -> (f64, f64, f64) {
    let time = |work: &mut dyn FnMut()| {
        let start = Instant::now();
        for _ in 0..CALLS {
            work();
        }
        start.elapsed().as_secs_f64() / f64::from(CALLS) * 1e9
    };
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        a.push(time(&mut ours));
        b.push(time(&mut theirs));
    }
    let (ours, theirs) = (undisturbed(&mut a), undisturbed(&mut b));
    (ours / theirs, ours, theirs)
}
