//! The handles as the cases have them.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use wx_api::{
    AppId, Scope, Timestamp,
    signature::{self, Sealed, Signature, SignatureError, Watermark},
    user::{Lang, UserInfo},
};
use wx_conformance::{
    AppServer, Choice, ClockHandle, Exchanged, Failure, FingerHandle, NetworkHandle, Nfc, Outcome, RadioHandle, ReaderHandle,
    ServerError, ServerHandle, Shown, Touch, UserHandle, World,
};

use super::ops::{Op, Opened, Ops, Switches};

#[derive(Clone)]
struct Handle(Arc<Ops>);

pub(super) fn world(ops: &Arc<Ops>, opened: &Opened) -> World {
    let handle = |name: &str| opened.handles.iter().any(|there| there == name).then(|| Arc::new(Handle(ops.clone())));
    World {
        clock: handle("clock").map(|handle| handle as _),
        user: handle("user").map(|handle| handle as _),
        server: handle("server").map(|handle| handle as _),
        network: handle("network").map(|handle| handle as _),
        finger: handle("finger").map(|handle| handle as _),
        radio: handle("radio").map(|handle| handle as _),
        reader: handle("reader").map(|handle| handle as _),
    }
}

impl Handle {
    fn set(&self, op: &Op) {
        let () = self.0.now(op);
    }

    async fn try_to(&self, op: Op) -> Outcome {
        let done: Result<(), String> = self.0.later(op).await;
        done.map_err(Failure)
    }
}

#[async_trait]
impl ClockHandle for Handle {
    fn now(&self) -> Timestamp {
        self.0.now(&Op::Now)
    }

    async fn advance(&self, by: Duration) {
        let () = self.0.later(Op::Advance(by)).await;
    }
}

#[async_trait]
impl UserHandle for Handle {
    fn answer(&self, scope: Scope, choice: Choice) {
        self.set(&Op::Answer(scope, choice));
    }

    fn prompts(&self) -> Vec<Shown> {
        let shown: Vec<(String, Scope)> = self.0.now(&Op::Prompts);
        shown.into_iter().map(|(app, scope)| Shown { app: app.into(), scope }).collect()
    }

    fn open_prompts(&self) -> Vec<Scope> {
        self.0.now(&Op::OpenPrompts)
    }

    async fn wait_for_prompts(&self, count: usize) {
        let () = self.0.later(Op::WaitForPrompts(count)).await;
    }

    fn turn(&self, scope: Scope, on: bool) {
        self.set(&Op::Turn(scope, on));
    }

    fn settings_pages(&self) -> Vec<BTreeMap<Scope, bool>> {
        let pages: Vec<Switches> = self.0.now(&Op::SettingsPages);
        pages
    }

    fn profile(&self, lang: Lang) -> UserInfo {
        self.0.now(&Op::UserProfile(lang))
    }

    async fn rename(&self, nick_name: &str) -> Outcome {
        self.try_to(Op::Rename(nick_name.to_owned())).await
    }

    async fn remove_app(&self, app: &AppId) -> Outcome {
        self.try_to(Op::RemoveApp(app.to_string())).await
    }
}

impl ServerHandle for Handle {
    fn of(&self, app: &AppId) -> Arc<dyn AppServer> {
        Arc::new(Server { handle: self.clone(), app: app.to_string() })
    }
}

struct Server {
    handle: Handle,
    app: String,
}

/// A failed signature as JSON has it: which, and its text.
pub(super) type Refused = (String, String);

pub(super) fn refused(error: SignatureError) -> Refused {
    match error {
        SignatureError::BadData(why) => ("BadData".to_owned(), why),
        other => (format!("{other:?}"), String::new()),
    }
}

fn refusal((which, why): Refused) -> SignatureError {
    match which.as_str() {
        "NoSession" => SignatureError::NoSession,
        "Mismatch" => SignatureError::Mismatch,
        "BadKey" => SignatureError::BadKey,
        "BadIv" => SignatureError::BadIv,
        "BadData" => SignatureError::BadData(why),
        "BadBase64" => SignatureError::BadBase64,
        other => panic!("a refusal of a kind nobody knows: {other}"),
    }
}

#[async_trait]
impl AppServer for Server {
    async fn exchange(&self, code: &str) -> Result<Exchanged, ServerError> {
        let done: Result<(String, String, Option<String>), ServerError> =
            self.handle.0.later(Op::Exchange(self.app.clone(), code.to_owned())).await;
        done.map(|(openid, session_key, unionid)| Exchanged { openid, session_key, unionid })
    }

    fn signature(&self) -> &dyn Signature {
        self
    }

    async fn bind(&self, bound: bool) -> Outcome {
        self.handle.try_to(Op::Bind(self.app.clone(), bound)).await
    }
}

#[async_trait]
impl Signature for Server {
    async fn sign(&self, openid: &str, raw_data: &str) -> Result<String, SignatureError> {
        let op = Op::Sign(self.app.clone(), openid.to_owned(), raw_data.to_owned());
        let done: Result<String, Refused> = self.handle.0.later(op).await;
        done.map_err(refusal)
    }

    async fn verify(&self, openid: &str, raw_data: &str, signature: &str) -> Result<(), SignatureError> {
        let op = Op::Verify(self.app.clone(), openid.to_owned(), raw_data.to_owned(), signature.to_owned());
        let done: Result<(), Refused> = self.handle.0.later(op).await;
        done.map_err(refusal)
    }

    async fn seal(&self, openid: &str, json: &str) -> Result<Sealed, SignatureError> {
        let op = Op::Seal(self.app.clone(), openid.to_owned(), json.to_owned());
        let done: Result<Sealed, Refused> = self.handle.0.later(op).await;
        done.map_err(refusal)
    }

    async fn open(&self, openid: &str, sealed: &Sealed) -> Result<signature::Opened, SignatureError> {
        let op = Op::Open(self.app.clone(), openid.to_owned(), sealed.clone());
        let done: Result<(String, Watermark), Refused> = self.handle.0.later(op).await;
        done.map(|(json, watermark)| signature::Opened { json, watermark }).map_err(refusal)
    }
}

impl NetworkHandle for Handle {
    fn stall(&self) {
        self.set(&Op::Stall);
    }

    fn hold(&self) {
        self.set(&Op::Hold);
    }

    fn release(&self) {
        self.set(&Op::Release);
    }

    fn cut(&self) {
        self.set(&Op::Cut);
    }

    fn restore(&self) {
        self.set(&Op::Restore);
    }
}

#[async_trait]
impl FingerHandle for Handle {
    fn touch(&self, touch: Touch) {
        self.set(&Op::Touch(touch));
    }

    fn lift(&self) {
        self.set(&Op::Lift);
    }

    fn support(&self, supported: bool) {
        self.set(&Op::Support(supported));
    }

    fn authorize(&self, allowed: bool) {
        self.set(&Op::AuthorizeFinger(allowed));
    }

    fn enroll(&self, enrolled: bool) {
        self.set(&Op::Enroll(enrolled));
    }

    fn dialogs(&self) -> Vec<String> {
        self.0.now(&Op::Dialogs)
    }

    async fn wait_for_dialogs(&self, count: usize) {
        let () = self.0.later(Op::WaitForDialogs(count)).await;
    }

    fn public_key(&self) -> String {
        self.0.now(&Op::PublicKey)
    }
}

impl RadioHandle for Handle {
    fn nfc(&self, nfc: Nfc) {
        self.set(&Op::Nfc(nfc));
    }

    fn emulation(&self, possible: bool) {
        self.set(&Op::Emulation(possible));
    }

    fn default_app(&self, default: bool) {
        self.set(&Op::DefaultApp(default));
    }

    fn refuse_registration(&self, refuse: bool) {
        self.set(&Op::RefuseRegistration(refuse));
    }
}

#[async_trait]
impl ReaderHandle for Handle {
    async fn transceive(&self, command: &[u8]) -> Option<Bytes> {
        let answer: Option<Vec<u8>> = self.0.later(Op::Transceive(command.to_vec())).await;
        answer.map(Bytes::from)
    }

    async fn leave(&self) {
        let () = self.0.later(Op::Leave).await;
    }
}
