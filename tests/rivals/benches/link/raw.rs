//! The floor: frames with their lengths before them, sent back.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{Notify, oneshot},
};

use crate::{BYTES, Call};

async fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).await.expect("the server is there");
    stream.set_nodelay(true).expect("a socket");
    stream
}

/// Answers each frame with one of the answer's length.
pub(crate) async fn echo(listener: TcpListener) {
    let (mut stream, _) = listener.accept().await.expect("a client");
    stream.set_nodelay(true).expect("a socket");
    let mut frame = vec![0; BYTES.0.max(BYTES.1) + 4];
    while stream.read_exact(&mut frame[..4]).await.is_ok() {
        let length = u32::from_be_bytes(frame[..4].try_into().expect("four bytes")) as usize;
        stream.read_exact(&mut frame[4..4 + length]).await.expect("a whole frame");
        let answer = u32::try_from(BYTES.1).expect("a short frame");
        frame[..4].copy_from_slice(&answer.to_be_bytes());
        stream.write_all(&frame[..4 + BYTES.1]).await.expect("the client reads");
    }
}

pub(crate) async fn ping_pong(address: SocketAddr) -> Call {
    let stream = Arc::new(tokio::sync::Mutex::new(connect(address).await));
    Arc::new(move || {
        let stream = stream.clone();
        Box::pin(async move {
            let mut stream = stream.lock().await;
            let mut frame = vec![0; 4 + BYTES.0];
            frame[..4].copy_from_slice(&u32::try_from(BYTES.0).expect("a short frame").to_be_bytes());
            stream.write_all(&frame).await.expect("the server reads");
            let length = stream.read_u32().await.expect("an answer") as usize;
            frame.resize(length, 0);
            stream.read_exact(&mut frame).await.expect("a whole answer");
        })
    })
}

/// Frames that are whole in `bytes`, taken out.
fn frames(bytes: &mut Vec<u8>, mut each: impl FnMut(&[u8])) {
    let mut rest = &bytes[..];
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        let Some((frame, after)) = after.split_at_checked(length) else { break };
        each(frame);
        rest = after;
    }
    let used = bytes.len() - rest.len();
    bytes.drain(..used);
}

/// Answers all frames that have arrived by one write.
pub(crate) async fn echo_all(listener: TcpListener) {
    let (mut stream, _) = listener.accept().await.expect("a client");
    stream.set_nodelay(true).expect("a socket");
    let (mut arrived, mut answers) = (Vec::with_capacity(1 << 16), Vec::with_capacity(1 << 16));
    while stream.read_buf(&mut arrived).await.is_ok_and(|read| read > 0) {
        frames(&mut arrived, |frame| put(&mut answers, frame[..4].try_into().expect("a number"), BYTES.1));
        stream.write_all(&answers).await.expect("the client reads");
        answers.clear();
    }
}

/// A frame of this length that begins with a number.
fn put(out: &mut Vec<u8>, number: [u8; 4], length: usize) {
    out.extend_from_slice(&u32::try_from(length).expect("a short frame").to_be_bytes());
    out.extend_from_slice(&number);
    out.resize(out.len() + length - 4, 0x5a);
}

/// Any number of calls at once over one connection: what is to be written is gathered, answers find their callers by number.
pub(crate) async fn multiplexed(address: SocketAddr) -> Call {
    let (mut reader, mut writer) = connect(address).await.into_split();
    let out = Arc::new((Mutex::new(Vec::new()), Notify::new()));
    let waiting = Arc::new(Mutex::new(HashMap::<u32, oneshot::Sender<()>>::new()));
    let (written, answered) = (out.clone(), waiting.clone());
    tokio::spawn(async move {
        let mut bytes = Vec::new();
        loop {
            std::mem::swap(&mut bytes, &mut *written.0.lock().expect("no panic"));
            if bytes.is_empty() {
                written.1.notified().await;
                continue;
            }
            writer.write_all(&bytes).await.expect("the server reads");
            bytes.clear();
        }
    });
    tokio::spawn(async move {
        let mut arrived = Vec::with_capacity(1 << 16);
        while reader.read_buf(&mut arrived).await.is_ok_and(|read| read > 0) {
            frames(&mut arrived, |frame| {
                let number = u32::from_be_bytes(frame[..4].try_into().expect("a number"));
                let waiting = answered.lock().expect("no panic").remove(&number);
                let _ = waiting.expect("somebody waits").send(());
            });
        }
    });
    let next = Arc::new(AtomicU32::new(0));
    Arc::new(move || {
        let (out, waiting, next) = (out.clone(), waiting.clone(), next.clone());
        Box::pin(async move {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let (answer, answered) = oneshot::channel();
            waiting.lock().expect("no panic").insert(number, answer);
            put(&mut out.0.lock().expect("no panic"), number.to_be_bytes(), BYTES.0);
            out.1.notify_one();
            answered.await.expect("an answer");
        })
    })
}
