//! What a command costs from a PC/SC program to a mini-program and back: `cargo xtask bench hce`.
//!
//! Through libpcsclite, pcscd, vpcd and card emulation, against a ping-pong of the same bytes over loopback in the same run. The
//! program is Python's, and its own share is in the figure.

#![allow(clippy::print_stdout)] // a benchmark reports to its user

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
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
use wx_rig::{Stack, Terminal};
use wx_tests::bench::{Bound, Figure, median, report};

/// How often program and ping-pong take turns, and how many round trips each has per turn.
const TURNS: usize = 9;
const ROUNDS: u32 = 1_000;
const BOUND: f64 = 6.0;

const SELECT: &[u8] = &[0x00, 0xA4, 0x04, 0x00, 0x05, 0xF2, 0x22, 0x22, 0x22, 0x22, 0x00];

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    if let Some(missing) = wx_rig::PCSC.missing() {
        println!("no figure: the PC/SC stack is {missing}");
        return ExitCode::from(u8::from(wx_rig::PCSC.is_required()));
    }
    let mut figures = Vec::new();
    for (command, response) in [(20, 2), (20, 256), (250, 256)] {
        figures.push(round_trip(command, response).await.expect("the stack works"));
    }
    report(figures)
}

/// The median of a round trip against that of the ping-pong. Of all turns the best: what else runs on the
/// machine only ever adds.
async fn round_trip(command: usize, response: usize) -> Option<Figure> {
    let name = format!("PC/SC round trip, {command} bytes out, {response} back / ping-pong");
    let stack = Stack::new().ok()?;
    stack.start().ok()?;
    let terminal = stack.terminal().ok()?;
    let mini_program = plays(&stack, response).await.ok()?;
    terminal.present().await?;
    terminal.transmit(SELECT).await?;
    let command: Vec<u8> = [0x80, 0x10].into_iter().chain((2..command).map(|_| 0xA5)).collect();
    let (mut ours, mut floors) = (f64::MAX, f64::MAX);
    for _ in 0..TURNS {
        ours = ours.min(program(&terminal, &command).await?);
        floors = floors.min(floor(command.len() + 2, response + 2).ok()?);
    }
    mini_program.abort();
    let _ = mini_program.await; // its card must not turn up in the next stack, which may have the same port
    let detail = format!("median {:.1} µs against {:.1} µs over loopback", ours / 1e3, floors / 1e3);
    Some(Figure { name, measured: ours / floors, bound: Bound::AtMost(BOUND), unit: "x", detail })
}

/// A mini-program that answers every command with so many bytes, through the layers of a host.
async fn plays(stack: &Stack, response: usize) -> wx_api::Result<tokio::task::JoinHandle<()>> {
    let vpcd = Vpcd::at(stack.vpcd()).expect("it is on this machine").with_pcscd(stack.socket());
    let hce = Arc::new(DesktopHce::new(Arc::new(vpcd), Arc::new(TokioClock)));
    let (wx, cx) = (Wx::builder(Host { hce: Some(hce), ..Host::default() }).build(), Cx::new("wx4f4bc4dec97d474b"));
    let mut messages = wx.subscribe(&cx, Api::OnHceMessage)?;
    wx.call(&cx, StartHceRequest { aid_list: vec!["F222222222".to_owned()] }).await?;
    let data: Bytes = [vec![0x5A; response - 2], vec![0x90, 0x00]].concat().into();
    Ok(tokio::spawn(async move {
        while let Some(Ok(Event::HceMessage(message))) = messages.next().await {
            if message.data.is_some() {
                let _ = wx.call(&cx, SendHceMessageRequest { data: data.clone() }).await; // the reader shows whether it worked
            }
        }
    }))
}

async fn program(terminal: &Terminal, command: &[u8]) -> Option<f64> {
    let (median, _) = terminal.time(ROUNDS, command).await?;
    Some(f64::from(u32::try_from(median).ok()?))
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
