//! A platform that says and does what a test tells it to, over real HTTP, and counts what it was asked.
#![allow(dead_code, clippy::unwrap_used, missing_docs, unreachable_pub)] // each test uses what it needs, and fails if it cannot have it

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};
use wx_api::AppId;
use wx_crypto::{Secret, SessionKey};
use wx_platform::client::{Client, ClientBuilder};

pub const APP: &str = "wx4f4bc4dec97d474b";
pub const SECRET: &str = "app-secret-0123456789abcdef";
pub const KEY: &str = "HyVFkGl5F5OQWJZZaNzBBg==";

/// What a request was.
#[derive(Clone, Debug)]
pub struct Asked {
    pub path: String,
    pub query: String,
    pub authorization: Option<String>,
    pub body: String,
}

/// What becomes of a request.
#[derive(Clone, Debug)]
pub enum Say {
    /// This JSON, as the real service sends it: 200 and `text/plain`.
    Json(serde_json::Value),
    /// These bytes in place of an answer.
    Raw(String),
    /// Nothing: the connection stays open.
    Nothing,
    /// The connection breaks.
    Break,
    /// What is said once [`Scripted::release`] was called.
    Held(Box<Say>),
}

/// The platform.
pub struct Scripted {
    url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    arrived: watch::Receiver<usize>,
    released: watch::Sender<bool>,
}

impl Scripted {
    pub async fn start(script: impl Fn(&Asked) -> Say + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (arrivals, arrived) = watch::channel(0);
        let (released, release) = watch::channel(false);
        let (script, list) = (Arc::new(script), asked.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (script, list, arrivals, release) = (script.clone(), list.clone(), arrivals.clone(), release.clone());
                tokio::spawn(async move {
                    let mut stream = stream;
                    while let Some(request) = read(&mut stream).await {
                        let say = script(&request);
                        list.lock().unwrap().push(request);
                        arrivals.send_modify(|count| *count += 1);
                        if !answer(&mut stream, say, release.clone()).await {
                            break;
                        }
                    }
                });
            }
        });
        Self { url, asked, arrived, released }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// A client for the test's app.
    pub fn client(&self) -> ClientBuilder {
        Client::builder(&self.url, AppId::from(APP), Secret::from(SECRET.to_owned()))
    }

    /// Everything it was asked.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// How often it was asked at this path.
    pub fn count(&self, path: &str) -> usize {
        self.asked().iter().filter(|asked| asked.path == path).count()
    }

    /// Waits until it was asked this often in all.
    pub async fn until_asked(&self, times: usize) {
        self.arrived.clone().wait_for(|count| *count >= times).await.unwrap();
    }

    /// Lets what is held go.
    pub fn release(&self) {
        self.released.send_replace(true);
    }
}

async fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        read_more(stream, &mut bytes).await?;
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).ok()?;
    let header = |name: &str| {
        let mut headers = head.lines().filter_map(|line| line.split_once(':'));
        headers.find(|(it, _)| it.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned())
    };
    let end = head_end + header("content-length").map_or(0, |length| length.parse().unwrap());
    while bytes.len() < end {
        read_more(stream, &mut bytes).await?;
    }
    let target = head.split(' ').nth(1)?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let body = String::from_utf8(bytes[head_end..end].to_vec()).ok()?;
    Some(Asked { path: path.to_owned(), query: query.to_owned(), authorization: header("authorization"), body })
}

async fn read_more(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<()> {
    let mut more = [0; 4096];
    let count = stream.read(&mut more).await.ok().filter(|count| *count > 0)?;
    bytes.extend_from_slice(&more[..count]);
    Some(())
}

/// Answers whether the connection goes on.
async fn answer(stream: &mut TcpStream, say: Say, mut release: watch::Receiver<bool>) -> bool {
    let say = match say {
        Say::Held(say) => {
            if release.wait_for(|released| *released).await.is_err() {
                return false;
            }
            *say
        }
        say => say,
    };
    let text = match say {
        Say::Json(json) => http("200 OK", "", &json.to_string()),
        Say::Raw(text) => text,
        Say::Break => return false,
        Say::Nothing | Say::Held(_) => std::future::pending().await,
    };
    stream.write_all(text.as_bytes()).await.is_ok()
}

/// An answer with this status, these further headers (each ended with a line break) and this body.
pub fn http(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-type: text/plain\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
}

/// A refusal.
pub fn refusal(errcode: i32, errmsg: &str) -> Say {
    Say::Json(json!({ "errcode": errcode, "errmsg": errmsg }))
}

/// A successful exchange.
pub fn session(openid: &str, key: &str) -> Say {
    Say::Json(json!({ "openid": openid, "session_key": key }))
}

/// Tokens `token-1`, `token-2` and so on, a new one each time, with this life in seconds.
pub fn fresh_tokens(expires_in: u64) -> impl Fn() -> Say + Send + Sync {
    let given = AtomicUsize::new(0);
    move || {
        let number = given.fetch_add(1, Ordering::SeqCst) + 1;
        Say::Json(json!({ "access_token": format!("token-{number}"), "expires_in": expires_in }))
    }
}

pub fn key() -> SessionKey {
    SessionKey::from_base64(KEY).unwrap()
}
