//! Requests to the platform's endpoints, in any order and of any content: each has an answer, and none of them tells a secret.

#![no_main]

use std::sync::{Arc, LazyLock, Mutex};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Method, Request, StatusCode},
};
use libfuzzer_sys::{arbitrary, arbitrary::Arbitrary, fuzz_target};
use serde_json::Value;
use tokio::runtime::Runtime;
use tower::ServiceExt as _;
use wx_host::TokioClock;
use wx_platform::{
    platform::{Platform, Rules},
    server::Server,
    store::MemoryStore,
    wire::{host, session, soter, token},
};

const APP: &str = "wx4f4bc4dec97d474b";

/// A request of parts, so that the fuzzer need not find out about HTTP first.
#[derive(Arbitrary, Debug)]
struct Call<'a> {
    post: bool,
    path: Path<'a>,
    query: Vec<(&'a str, Text<'a>)>,
    /// 0: none, 1: the host's key, 2: the administrator's, 3: another.
    key: u8,
    body: Content<'a>,
}

#[derive(Arbitrary, Debug)]
enum Path<'a> {
    Known(u8),
    Other(&'a str),
}

#[derive(Arbitrary, Debug)]
enum Text<'a> {
    App,
    Secret,
    Token,
    Code,
    OpenId,
    Free(&'a str),
}

#[derive(Arbitrary, Debug)]
enum Content<'a> {
    Bytes(&'a [u8]),
    Fields(Vec<(&'a str, Text<'a>)>),
}

const PATHS: [&str; 18] = [
    session::CODE_TO_SESSION,
    session::CHECK_SESSION,
    session::RESET_SESSION_KEY,
    token::TOKEN,
    token::STABLE_TOKEN,
    soter::VERIFY_SIGNATURE,
    host::LOGIN,
    host::CHECK_SESSION,
    host::USER_INFO,
    host::SOTER_KEY,
    host::ENROL_SOTER_KEY,
    host::APP,
    host::USER,
    host::APPS,
    host::REMOVE_APP,
    host::USERS,
    "/healthz",
    "/metrics",
];

/// One app, one user, one session, one token, one code that was used.
struct World {
    router: Router,
    secret: String,
    token: String,
    code: String,
    openid: String,
    session_key: String,
    host_key: String,
    admin_key: String,
}

static WORLD: LazyLock<(Runtime, Mutex<World>)> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let world = runtime.block_on(world()).expect("a platform over an empty store");
    (runtime, Mutex::new(world))
});

async fn world() -> Result<World, Box<dyn std::error::Error>> {
    let platform = Platform::open(Arc::new(MemoryStore::default()), Arc::new(TokioClock), Rules::default()).await?;
    let made = platform.set_app(&host::App { app: APP.to_owned(), ..host::App::default() }).await?;
    let secret = made.secret.ok_or("a new app has a secret")?;
    let login = host::LoginRequest { app: APP.to_owned(), user: "li".to_owned() };
    let from = [127, 0, 0, 1].into();
    let exchange = session::CodeToSession {
        appid: APP.to_owned(),
        secret: secret.clone(),
        js_code: platform.login(&login).await?.code,
        grant_type: session::GRANT_TYPE.to_owned(),
    };
    let known = platform.code_to_session(from, &exchange).await?;
    let wanted = token::TokenRequest {
        grant_type: token::GRANT_TYPE.to_owned(),
        appid: APP.to_owned(),
        secret: secret.clone(),
        force_refresh: false,
    };
    let token = platform.stable_token(from, &wanted).await?.access_token;
    let host_key = platform.add_host_key("fuzz", false).await?;
    let admin_key = platform.add_host_key("fuzz admin", true).await?;
    Ok(World {
        router: Server::new(Arc::new(platform)).router(),
        secret: secret.expose().to_owned(),
        token: token.expose().to_owned(),
        code: exchange.js_code.expose().to_owned(),
        openid: known.openid,
        session_key: known.session_key.expose().to_owned(),
        host_key: host_key.expose().to_owned(),
        admin_key: admin_key.expose().to_owned(),
    })
}

impl World {
    fn text<'a>(&'a self, text: &Text<'a>) -> &'a str {
        match text {
            Text::App => APP,
            Text::Secret => &self.secret,
            Text::Token => &self.token,
            Text::Code => &self.code,
            Text::OpenId => &self.openid,
            Text::Free(text) => text,
        }
    }

    fn request(&self, call: &Call<'_>) -> Option<Request<Body>> {
        let mut uri = match &call.path {
            Path::Known(index) => PATHS[usize::from(*index) % PATHS.len()].to_owned(),
            Path::Other(path) => format!("/{path}"),
        };
        for (index, (name, value)) in call.query.iter().enumerate() {
            let mark = if index == 0 { '?' } else { '&' };
            uri.push_str(&format!("{mark}{name}={}", self.text(value)));
        }
        let body = match &call.body {
            Content::Bytes(bytes) => bytes.to_vec(),
            Content::Fields(fields) => {
                let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), Value::from(self.text(value))));
                Value::Object(fields.collect()).to_string().into_bytes()
            }
        };
        let method = if call.post { Method::POST } else { Method::GET };
        let request = Request::builder().method(method).uri(uri);
        let request = match call.key {
            0 => request,
            1 => request.header("authorization", format!("Bearer {}", self.host_key)),
            2 => request.header("authorization", format!("Bearer {}", self.admin_key)),
            _ => request.header("authorization", "Bearer another"),
        };
        request.body(Body::from(body)).ok() // what is no URI never reaches the router
    }
}

fuzz_target!(|calls: Vec<Call<'_>>| {
    let (runtime, world_of_all) = &*WORLD;
    let mut world = world_of_all.lock().expect("one thread");
    for call in calls {
        let Some(request) = world.request(&call) else { continue };
        let path = request.uri().path().to_owned();
        let (status, body) = runtime.block_on(async {
            let Ok(response) = world.router.clone().oneshot(request).await;
            let status = response.status();
            (status, to_bytes(response.into_body(), usize::MAX).await.expect("a body in memory"))
        });
        judge(&world, &path, status, &body);
        if path == host::REMOVE_APP && body.ends_with(b"true}") {
            *world = runtime.block_on(self::world()).expect("a platform over an empty store");
        }
    }
});

fn judge(world: &World, path: &str, status: StatusCode, body: &[u8]) {
    let text = str::from_utf8(body).expect("answers are text");
    let tells = |text: &str| {
        // The token is the answer of the endpoint that gives it out.
        let secrets = [&world.secret, &world.host_key, &world.admin_key, &world.code, &world.session_key];
        secrets.iter().any(|secret| text.contains(secret.as_str()))
    };
    if path == "/healthz" || path == "/metrics" {
        assert!(!tells(text), "{path} tells a secret");
        return;
    }
    assert_ne!(status, StatusCode::INTERNAL_SERVER_ERROR);
    let mut json: Value = serde_json::from_str(text).expect("answers are JSON");
    // An administrator may call an app or a user by the text of a secret.
    if path == host::APP && json.get("app").is_some() {
        json["app"] = "as asked".into();
    }
    for list in ["apps", "users"] {
        if (path == host::APPS || path == host::USERS) && json.get(list).is_some() {
            json[list] = "as asked".into();
        }
    }
    assert!(!tells(&json.to_string()), "{path} tells a secret");
    let Some(code) = json.get("errcode") else {
        assert_eq!(status, StatusCode::OK, "a success is 200: {path}");
        let success = ["session_key", "access_token", "code", "alive", "enrolled", "attested", "user_info", "app", "apps", "users", "removed"];
        assert!(success.iter().any(|field| json.get(field).is_some()), "neither a refusal nor a success: {text}");
        return;
    };
    if code != 0 || json.get("is_ok") == Some(&Value::Bool(false)) {
        let message = json["errmsg"].as_str().expect("a refusal says why");
        assert!(message.contains(", rid: "), "{message}");
    }
}
