//! What a command costs from a PC/SC program to a mini-program and back: `cargo xtask bench hce`.
//!
//! Through libpcsclite, pcscd, vpcd and card emulation, against a ping-pong of the same bytes over loopback in the same run. The
//! mini-program is Rust behind a host's layers, then JavaScript. The program calls the C library itself, as programs do; what it
//! takes through pyscard, which turns every byte into a number and back, is told beside it.

#![allow(clippy::print_stdout)] // a benchmark reports to its user

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    pin::Pin,
    process::ExitCode,
    sync::Arc,
    thread,
    time::Instant,
};

use bytes::Bytes;
use wx_api::{
    Api, Cx, Event, Host,
    hce::{SendHceMessageRequest, StartHceRequest},
};
use wx_desktop::hce::{DesktopHce, Vpcd};
use wx_host::{TokioClock, Wx};
use wx_js::Engine;
use wx_rig::{Stack, Terminal};
use wx_tests::bench::{Bound, Figure, median, report};

/// How often program and ping-pong take turns, and how many round trips each has per turn.
const TURNS: usize = 9;
const ROUNDS: u32 = 1_000;

const SELECT: &[u8] = &[0x00, 0xA4, 0x04, 0x00, 0x05, 0xF2, 0x22, 0x22, 0x22, 0x22, 0x00];

/// What a mini-program is written in, and how many ping-pongs a command to it may take.
#[derive(Clone, Copy)]
struct Language {
    name: &'static str,
    bound: f64,
    plays: fn(Wx, Cx, usize) -> Pin<Box<dyn Future<Output = ()>>>,
}

const LANGUAGES: [Language; 2] = [
    Language { name: "Rust", bound: 6.0, plays: |wx, cx, response| Box::pin(rust(wx, cx, response)) },
    Language { name: "JavaScript", bound: 10.0, plays: |wx, cx, response| Box::pin(javascript(wx, cx, response)) },
];

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    if let Some(missing) = wx_rig::missing() {
        println!("no figure: the PC/SC stack is {missing}");
        return ExitCode::from(u8::from(std::env::var_os(wx_rig::REQUIRED).is_some()));
    }
    let mut figures = Vec::new();
    for language in LANGUAGES {
        for (command, response) in [(20, 2), (20, 256), (250, 256)] {
            figures.push(round_trip(language, command, response).await.expect("the stack works"));
        }
    }
    report(figures)
}

/// The median of a round trip against that of the ping-pong. Of all turns the best: what else runs on the machine only ever adds.
async fn round_trip(language: Language, command: usize, response: usize) -> Option<Figure> {
    let name = format!("{}: {command} bytes out, {response} back / ping-pong", language.name);
    let stack = Stack::new().ok()?;
    stack.start().ok()?;
    let terminal = stack.terminal().ok()?;
    let vpcd = Vpcd::at(stack.vpcd()).expect("it is on this machine").with_pcscd(stack.socket());
    let hce = Arc::new(DesktopHce::new(Arc::new(vpcd), Arc::new(TokioClock)));
    let wx = Wx::builder(Host { hce: Some(hce), ..Host::default() }).build();
    let times = tokio::select! {
        times = turns(&terminal, command, response) => times?,
        () = (language.plays)(wx, Cx::new("wx4f4bc4dec97d474b"), response) => return None,
    };
    let [ours, theirs, floor] = times.map(|time| time / 1e3);
    let detail = format!("median {ours:.1} µs against {floor:.1} µs over loopback; {theirs:.1} µs through pyscard");
    Some(Figure { name, measured: ours / floor, bound: Bound::AtMost(language.bound), unit: "x", detail })
}

/// How long a round trip takes through the C library and through pyscard, and the ping-pong.
async fn turns(terminal: &Terminal, command: usize, response: usize) -> Option<[f64; 3]> {
    terminal.present().await?;
    terminal.transmit(SELECT).await?;
    let command: Vec<u8> = [0x80, 0x10].into_iter().chain((2..command).map(|_| 0xA5)).collect();
    let mut best = [f64::MAX; 3];
    for _ in 0..TURNS {
        let (library, pyscard) = terminal.time(ROUNDS, &command).await?;
        let floor = floor(command.len() + 2, response + 2).ok()?;
        let nanoseconds = |time| u32::try_from(time).map(f64::from).ok();
        for (best, time) in best.iter_mut().zip([nanoseconds(library)?, nanoseconds(pyscard)?, floor]) {
            *best = best.min(time);
        }
    }
    Some(best)
}

/// A mini-program that answers every command with so many bytes, through the layers of a host.
async fn rust(wx: Wx, cx: Cx, response: usize) {
    let mut messages = wx.subscribe(&cx, Api::OnHceMessage).expect("the backend has it");
    let start = StartHceRequest { aid_list: vec!["F222222222".to_owned()] };
    wx.call(&cx, start).await.expect("the reader is free");
    let data: Bytes = [vec![0x5A; response - 2], vec![0x90, 0x00]].concat().into();
    while let Some(Ok(Event::HceMessage(message))) = messages.next().await {
        if message.data.is_some() {
            let _ = wx.call(&cx, SendHceMessageRequest { data: data.clone() }).await; // the reader shows whether it worked
        }
    }
}

/// The same in JavaScript, as `wx run` runs it.
async fn javascript(wx: Wx, cx: Cx, response: usize) {
    let script = format!(
        "const answer = new Uint8Array({response}).fill(0x5A)
         answer.set([0x90, 0x00], {response} - 2)
         wx.onHCEMessage(message => {{ if (message.messageType === 1) wx.sendHCEMessage({{ data: answer.buffer }}) }})
         wx.startHCE({{ aid_list: ['F222222222'], fail(error) {{ throw new Error(error.errMsg) }} }})"
    );
    let mut engine = Engine::builder(wx, cx).while_listening().build().expect("the limits are generous");
    engine.run_source("app.js", &script).await.expect("the script runs well");
}

/// The median of a ping-pong of so many bytes over loopback, in nanoseconds: one write each way, two reads each, as vpcd's frames ask.
fn floor(out: usize, back: usize) -> io::Result<f64> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let mut here = TcpStream::connect(listener.local_addr()?)?;
    here.set_nodelay(true)?;
    let (mut there, _) = listener.accept()?;
    there.set_nodelay(true)?;
    let answering = thread::spawn(move || {
        let (mut ping, pong) = (vec![0; out], vec![0; back]);
        while there.read_exact(&mut ping[..2]).is_ok() {
            if there.read_exact(&mut ping[2..]).is_err() || there.write_all(&pong).is_err() {
                break;
            }
        }
    });
    let (ping, mut pong) = (vec![0; out], vec![0; back]);
    let mut taken = Vec::new();
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        here.write_all(&ping)?;
        here.read_exact(&mut pong[..2])?;
        here.read_exact(&mut pong[2..])?;
        taken.push(begin.elapsed().as_secs_f64() * 1e9);
    }
    drop(here);
    let _ = answering.join();
    Ok(median(&mut taken))
}
