//! What a command costs from a PC/SC program to a mini-program and back: `cargo xtask bench hce`.
//!
//! Through libpcsclite, pcscd, vpcd and card emulation, against a ping-pong of the same bytes over loopback in the same run. The
//! mini-program is Rust behind a host's layers, then JavaScript, then nobody. The program calls the C library itself, as programs do;
//! what it takes through pyscard, which turns every byte into a number and back, is told beside it.

#![allow(clippy::print_stdout)] // a benchmark reports to its user

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
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

/// What is in the reader, and how many ping-pongs a command to it may take.
#[derive(Clone, Copy)]
struct Card {
    name: &'static str,
    bound: Bound,
    /// Answers so many bytes to every command, without end: through card emulation, or on the reader's port itself.
    plays: fn(Vpcd, SocketAddr, usize) -> Playing,
}

type Playing = Pin<Box<dyn Future<Output = ()>>>;

const CARDS: [Card; 3] = [
    Card { name: "Rust", bound: Bound::AtMost(6.0), plays: |vpcd, _, response| Box::pin(rust(vpcd, response)) },
    Card { name: "JavaScript", bound: Bound::AtMost(10.0), plays: |vpcd, _, response| Box::pin(javascript(vpcd, response)) },
    Card { name: "no mini-program", bound: Bound::None, plays: |_, at, response| Box::pin(nobody(at, response)) },
];

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    if let Some(missing) = wx_rig::PCSC.missing() {
        println!("no figure: the PC/SC stack is {missing}");
        return ExitCode::from(u8::from(wx_rig::PCSC.is_required()));
    }
    let mut figures = Vec::new();
    for card in CARDS {
        for (command, response) in [(20, 2), (20, 256), (250, 256)] {
            figures.push(round_trip(card, command, response).await.expect("the stack works"));
        }
    }
    report(figures)
}

/// The median of a round trip against that of the ping-pong. Of all turns the best: what else runs on the machine only ever adds.
async fn round_trip(card: Card, command: usize, response: usize) -> Option<Figure> {
    let name = format!("{}: {command} bytes out, {response} back / ping-pong", card.name);
    let stack = Stack::new().ok()?;
    stack.start().ok()?;
    let terminal = stack.terminal().ok()?;
    let vpcd = Vpcd::at(stack.vpcd()).expect("it is on this machine").with_pcscd(stack.socket());
    let times = tokio::select! {
        times = turns(&terminal, command, response) => times?,
        () = (card.plays)(vpcd, stack.vpcd(), response) => return None,
    };
    let [ours, theirs, floor] = times.map(|time| time / 1e3);
    let detail = format!("median {ours:.1} µs against {floor:.1} µs over loopback; {theirs:.1} µs through pyscard");
    Some(Figure { name, measured: ours / floor, bound: card.bound, unit: "x", detail })
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

/// A host with card emulation on this reader, and a mini-program of it.
fn host(vpcd: Vpcd) -> (Wx, Cx) {
    let hce = Arc::new(DesktopHce::new(Arc::new(vpcd), Arc::new(TokioClock)));
    (Wx::builder(Host { hce: Some(hce), ..Host::default() }).build(), Cx::new("wx4f4bc4dec97d474b"))
}

/// A mini-program that answers every command with so many bytes, through the layers of a host.
async fn rust(vpcd: Vpcd, response: usize) {
    let (wx, cx) = host(vpcd);
    let mut messages = wx.subscribe(&cx, Api::OnHceMessage).expect("the backend has it");
    let start = StartHceRequest { aid_list: vec!["F222222222".to_owned()] };
    wx.call(&cx, start).await.expect("the reader is free");
    let data = Bytes::from(answer(response));
    while let Some(Ok(Event::HceMessage(message))) = messages.next().await {
        if message.data.is_some() {
            let _ = wx.call(&cx, SendHceMessageRequest { data: data.clone() }).await; // the reader shows whether it worked
        }
    }
}

/// The same in JavaScript, as `wx run` runs it.
async fn javascript(vpcd: Vpcd, response: usize) {
    let (wx, cx) = host(vpcd);
    let script = format!(
        "const answer = new Uint8Array({response}).fill(0x5A)
         answer.set([0x90, 0x00], {response} - 2)
         wx.onHCEMessage(message => {{ if (message.messageType === 1) wx.sendHCEMessage({{ data: answer.buffer }}) }})
         wx.startHCE({{ aid_list: ['F222222222'], fail(error) {{ throw new Error(error.errMsg) }} }})"
    );
    let mut engine = Engine::builder(wx, cx).while_listening().build().expect("the limits are generous");
    engine.run_source("app.js", &script).await.expect("the script runs well");
}

/// A thread that does nothing but answer: what is left is the share of libpcsclite, pcscd and vpcd.
async fn nobody(at: SocketAddr, response: usize) {
    let card = TcpStream::connect(at).expect("the reader is there");
    card.set_nodelay(true).expect("a socket takes it");
    let ended = tokio::task::spawn_blocking(move || answers_at_once(card, &answer(response)));
    let _ = ended.await; // with the stack
}

fn answers_at_once(mut card: TcpStream, answer: &[u8]) -> io::Result<()> {
    let mut length = [0; 2];
    loop {
        card.read_exact(&mut length)?;
        #[cfg(target_os = "linux")]
        std::os::linux::net::TcpStreamExt::set_quickack(&card, true)?;
        let mut body = vec![0; usize::from(u16::from_be_bytes(length))];
        card.read_exact(&mut body)?;
        let reply: &[u8] = match body[..] {
            [4] => &[0x3B, 0x80, 0x80, 0x01, 0x01],
            [_] => continue,
            _ => answer,
        };
        let length = u16::try_from(reply.len()).expect("it is short").to_be_bytes();
        card.write_all(&[&length, reply].concat())?;
    }
}

fn answer(bytes: usize) -> Vec<u8> {
    [vec![0x5A; bytes - 2], vec![0x90, 0x00]].concat()
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
