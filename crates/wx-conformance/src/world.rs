//! The outside as cases drive it: the user, the server, the reader, the finger, time. A harness supplies what it has.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use wx_api::{
    AppId, Scope, Timestamp,
    signature::Signature,
    user::{Lang, UserInfo},
};

use crate::case::Outcome;

/// The handles on the outside of one bench. A case that needs one which is missing is reported as ignored, with that reason.
#[derive(Clone, Default)]
pub struct World {
    /// Time.
    pub clock: Option<Arc<dyn ClockHandle>>,
    /// The person at the device.
    pub user: Option<Arc<dyn UserHandle>>,
    /// The developer's servers.
    pub server: Option<Arc<dyn ServerHandle>>,
    /// The way to the platform.
    pub network: Option<Arc<dyn NetworkHandle>>,
    /// The fingerprint reader.
    pub finger: Option<Arc<dyn FingerHandle>>,
    /// The NFC part of the device.
    pub radio: Option<Arc<dyn RadioHandle>>,
    /// A card reader next to the device.
    pub reader: Option<Arc<dyn ReaderHandle>>,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World")
            .field("clock", &self.clock.is_some())
            .field("user", &self.user.is_some())
            .field("server", &self.server.is_some())
            .field("network", &self.network.is_some())
            .field("finger", &self.finger.is_some())
            .field("radio", &self.radio.is_some())
            .field("reader", &self.reader.is_some())
            .finish()
    }
}

/// Time that a case can move.
#[async_trait]
pub trait ClockHandle: Send + Sync {
    /// This moment on the bench's clock.
    fn now(&self) -> Timestamp;

    /// Moves time on and lets everything that was due happen.
    async fn advance(&self, by: Duration);
}

/// What the user does with a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Choice {
    /// Taps allow.
    Allow,
    /// Taps deny.
    Deny,
    /// Closes the prompt without deciding.
    Dismiss,
    /// Leaves the prompt open.
    Ignore,
}

/// A prompt that was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The app it named.
    pub app: AppId,
    /// The scope it named.
    pub scope: Scope,
}

/// The person at the device. Until told otherwise, allows every scope and leaves settings as they are.
#[async_trait]
pub trait UserHandle: Send + Sync {
    /// What to do with every prompt for this scope from now on, those on the screen included.
    fn answer(&self, scope: Scope, choice: Choice);

    /// Every prompt shown so far, in order.
    fn prompts(&self) -> Vec<Shown>;

    /// The scopes whose prompts are on the screen now.
    fn open_prompts(&self) -> Vec<Scope>;

    /// Waits until this many prompts were shown since the beginning.
    async fn wait_for_prompts(&self, count: usize);

    /// Turns this switch on the next settings page.
    fn turn(&self, scope: Scope, on: bool);

    /// Every settings page shown so far: its switches as they were when it opened.
    fn settings_pages(&self) -> Vec<BTreeMap<Scope, bool>>;

    /// The user's profile as `getUserInfo` must answer it in this language.
    fn profile(&self, lang: Lang) -> UserInfo;

    /// Takes another name. `getUserInfo` answers it once this has ended.
    async fn rename(&self, nick_name: &str) -> Outcome;

    /// Removes the app and everything kept for it.
    async fn remove_app(&self, app: &AppId) -> Outcome;
}

/// The servers of the developers.
pub trait ServerHandle: Send + Sync {
    /// The server of this app.
    fn of(&self, app: &AppId) -> Arc<dyn AppServer>;
}

/// The server of one app's developer, with the credentials that takes.
#[async_trait]
pub trait AppServer: Send + Sync {
    /// Exchanges a code.
    async fn exchange(&self, code: &str) -> Result<Exchanged, ServerError>;

    /// Signing and sealing with the session keys of this app's users.
    fn signature(&self) -> &dyn Signature;

    /// Binds the app to an open-platform account, or takes it out.
    async fn bind(&self, bound: bool) -> Outcome;
}

/// What a code was exchanged for.
#[derive(Clone, PartialEq, Eq)]
pub struct Exchanged {
    /// The user in this app.
    pub openid: String,
    /// The session key in base64.
    pub session_key: String,
    /// The user across the apps of one open-platform account.
    pub unionid: Option<String>,
}

impl fmt::Debug for Exchanged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchanged").field("openid", &self.openid).field("unionid", &self.unionid).finish_non_exhaustive()
    }
}

/// A refusal by the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerError {
    /// Its number, such as 40029.
    pub errcode: i32,
    /// Its text.
    pub errmsg: String,
}

/// The way from the device to the platform.
pub trait NetworkHandle: Send + Sync {
    /// Requests are swallowed: no answer ever comes.
    fn stall(&self);

    /// Requests are kept waiting, in order, until [`release`](Self::release).
    fn hold(&self);

    /// Lets the requests that were held go on, in the order in which they came, and everything works again.
    fn release(&self);

    /// Requests fail at once.
    fn cut(&self);

    /// Everything works again.
    fn restore(&self);
}

/// What a finger does on the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Touch {
    /// The enrolled finger.
    Match,
    /// Another finger.
    NoMatch,
    /// The user cancels the dialog.
    Cancel,
    /// The reader breaks down.
    Fault,
}

/// The fingerprint reader. Until told otherwise it is supported and allowed, and one finger is enrolled.
#[async_trait]
pub trait FingerHandle: Send + Sync {
    /// What happens next on the reader. Touches wait for their dialogs in order; a dialog without one stays open.
    fn touch(&self, touch: Touch);

    /// Drops every touch that no dialog has taken yet.
    fn lift(&self);

    /// Whether the device supports SOTER at all.
    fn support(&self, supported: bool);

    /// Whether the user allows it to this host.
    fn authorize(&self, allowed: bool);

    /// Whether a finger is enrolled.
    fn enroll(&self, enrolled: bool);

    /// The text of every dialog shown so far.
    fn dialogs(&self) -> Vec<String>;

    /// Waits until this many dialogs were shown since the beginning.
    async fn wait_for_dialogs(&self, count: usize);

    /// The device's public key as PEM (`SubjectPublicKeyInfo`).
    fn public_key(&self) -> String;
}

/// What the NFC part of a device is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Nfc {
    /// There is none.
    Absent,
    /// It is switched off.
    Off,
    /// It is on.
    On,
}

/// The NFC part of the device. Until told otherwise it is on, can emulate cards, and the host is the default payment app.
pub trait RadioHandle: Send + Sync {
    /// What the NFC part is like from now on.
    fn nfc(&self, nfc: Nfc);

    /// Whether it can emulate a card.
    fn emulation(&self, possible: bool);

    /// Whether the host is the default payment app.
    fn default_app(&self, default: bool);

    /// Whether the system refuses to register AIDs.
    fn refuse_registration(&self, refuse: bool);
}

/// A card reader next to the device.
#[async_trait]
pub trait ReaderHandle: Send + Sync {
    /// Sends a command and waits for the response, as long as it takes; `None` when there is no card or it went away.
    async fn transceive(&self, command: &[u8]) -> Option<Bytes>;

    /// Takes the reader away: the field is lost.
    async fn leave(&self);
}
