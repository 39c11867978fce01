//! What a call over a link costs: `cargo xtask bench link`.
//!
//! A call of `checkIsSupportSoterAuthentication`, which a backend answers at once, from a host to an agent over loopback, each on a thread of its
//! own; against echoes of as many bytes. Every figure is a ratio of sides measured in this one run, round by round in turn. A figure out of
//! bounds fails the command.

mod ours;
mod raw;
mod rivals;

use std::{future::Future, pin::Pin, process::ExitCode, sync::Arc, thread, time::Instant};

use tokio::{net::TcpListener, runtime};
use wx_tests::bench::{Bound, Figure, median, report};

/// One call and its answer.
pub(crate) type Call = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// As many bytes as a call has on our link, and its answer, before encryption.
const BYTES: (usize, usize) = (60, 40);

const ROUNDS: usize = 31;
const IN_TURN: usize = 500;
const AT_ONCE: usize = 64;
const EACH: usize = 200;

struct Side {
    name: &'static str,
    call: Call,
    /// Medians of one call after the other, in nanoseconds; calls each second with many at once.
    alone: Vec<f64>,
    many: Vec<f64>,
}

fn main() -> ExitCode {
    // Not all arguments are ours: `cargo bench` adds `--bench`.
    runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(async {
        // In a task, as callers usually are: the future that a runtime blocks on is woken in another way.
        tokio::spawn(compare()).await.expect("a comparison that ends")
    })
}

async fn compare() -> ExitCode {
    let mut sides = vec![
        Side::new("echo, one after the other", raw::ping_pong(serve(raw::echo)).await),
        Side::new("echo, many at once", raw::multiplexed(serve(raw::echo_all)).await),
        Side::new("this link, encrypted", ours::link().await),
        Side::new("this link, a call that must not run twice", ours::journaled().await),
        Side::new("tarpc with bincode, in the clear", rivals::tarpc(serve(rivals::serve_tarpc)).await),
        Side::new("tonic, in the clear", rivals::tonic(serve(rivals::serve_tonic)).await),
    ];
    if std::env::var_os("ONLY").is_some() { let a=std::env::var("ONLY").unwrap(); for _ in 0..60 { if a=="alone" { sides[2].alone().await; } else { sides[2].many().await; sides[2].many().await; } } println!("{:?} {:?}", sides[2].alone.iter().cloned().fold(1e9,f64::min), sides[2].many.iter().cloned().fold(0.,f64::max)); return ExitCode::SUCCESS; }
    for side in &mut sides {
        side.alone().await; // warms it up
        side.alone.clear();
    }
    for _ in 0..ROUNDS {
        for side in &mut sides {
            side.alone().await;
        }
        for side in &mut sides[1..] {
            side.many().await;
        }
    }
    let alone: Vec<f64> = sides.iter_mut().map(|side| median(&mut side.alone)).collect();
    let many: Vec<f64> = sides[1..].iter_mut().map(|side| median(&mut side.many)).collect();
    let mut figures = Vec::new();
    for (place, side) in sides.iter().enumerate().skip(1) {
        let bound = if place == 2 { Bound::AtMost(1.5) } else { Bound::None };
        let detail = format!("medians of {:.1} µs to {:.1} µs", alone[place] / 1e3, alone[0] / 1e3);
        figures.push(Figure { name: format!("{} / echo", side.name), measured: alone[place] / alone[0], bound, unit: "x", detail });
    }
    for (place, side) in sides.iter().enumerate().skip(2) {
        let bound = if place == 2 { Bound::AtLeast(0.4) } else { Bound::None };
        let (ours, theirs) = (many[place - 1], many[0]);
        let name = format!("{}, 64 at once / echo", side.name);
        let detail = format!("{:.0} k/s to {:.0} k/s", ours / 1e3, theirs / 1e3);
        figures.push(Figure { name, measured: ours / theirs, bound, unit: "x", detail });
    }
    report(figures)
}

impl Side {
    fn new(name: &'static str, call: Call) -> Self {
        Self { name, call, alone: Vec::new(), many: Vec::new() }
    }

    async fn alone(&mut self) {
        let mut times = Vec::with_capacity(IN_TURN);
        for _ in 0..IN_TURN {
            let start = Instant::now();
            (self.call)().await;
            times.push(start.elapsed().as_nanos() as f64);
        }
        self.alone.push(median(&mut times));
    }

    async fn many(&mut self) {
        let start = Instant::now();
        let callers: Vec<_> = (0..AT_ONCE)
            .map(|_| {
                let call = self.call.clone();
                tokio::spawn(async move {
                    for _ in 0..EACH {
                        call().await;
                    }
                })
            })
            .collect();
        for caller in callers {
            caller.await.expect("a caller that ends");
        }
        self.many.push((AT_ONCE * EACH) as f64 / start.elapsed().as_secs_f64());
    }
}

/// Serves on a thread of its own; where.
pub(crate) fn serve<F, S>(server: S) -> std::net::SocketAddr
where
    S: FnOnce(TcpListener) -> F + Send + 'static,
    F: Future<Output = ()>,
{
    let (bound, address) = std::sync::mpsc::channel();
    thread::spawn(move || {
        runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            bound.send(listener.local_addr().expect("an address")).expect("somebody waits");
            server(listener).await;
        });
    });
    address.recv().expect("it is bound")
}
