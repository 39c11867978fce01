use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use ipnet::IpNet;
use wx_api::{
    AppId, Timestamp, UserId,
    user::{Lang, UserInfo},
};
use wx_crypto::{Secret, SessionKey};

use crate::wire::host::Place;

/// Who a server is: the secret from which it derives `openid` and `unionid`, so that a user keeps them for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity(pub Secret);

/// A host that may ask for codes and user data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostKey {
    /// What its owner calls it.
    pub name: String,
    /// Whether it may make apps and users as well.
    pub admin: bool,
}

/// A mini-program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    /// Its id.
    pub id: AppId,
    /// SHA-256 of its secret. The secret is random and long, so a plain hash will do.
    pub secret: [u8; 32],
    /// Whether the secret is frozen.
    pub frozen: bool,
    /// The open-platform account it is bound to.
    pub account: Option<String>,
    /// Where its server may call from; anywhere if empty.
    pub allowed_ips: Vec<IpNet>,
    /// The paths of the endpoints it was not given.
    pub withheld: BTreeSet<String>,
}

/// A person. What is personal stays out of `Debug`.
#[derive(Clone, PartialEq)]
pub struct User {
    /// By the name the host knows them.
    pub id: UserId,
    /// Whether they are blocked.
    pub blocked: bool,
    /// Their profile, without places.
    pub profile: UserInfo,
    /// Where they live, in each language.
    pub places: BTreeMap<Lang, Place>,
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User").field("id", &self.id).field("blocked", &self.blocked).finish_non_exhaustive()
    }
}

/// What a code is, in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// The app it was given for.
    pub app: AppId,
    /// The user it was given for.
    pub openid: String,
    /// When, and whether it was used.
    pub state: wx_rules::login::Code,
}

/// A user's session in an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The app.
    pub app: AppId,
    /// The user in this app.
    pub openid: String,
    /// The user.
    pub user: UserId,
    /// Its key.
    pub key: SessionKey,
    /// How long it lives.
    pub life: wx_rules::login::Session,
    /// Which state of which session of this `openid` this is: set by the store.
    pub version: u64,
}

/// Which endpoint a token is from: the two kinds do not disturb each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TokenKind {
    /// Of `token`.
    Plain,
    /// Of `stable_token`.
    Stable,
}

/// An access token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its text.
    pub text: Secret,
    /// Whose it is.
    pub app: AppId,
    /// Which endpoint it is from.
    pub kind: TokenKind,
    /// From when on it is no longer good.
    pub expires: Timestamp,
}

/// A device's public key, and how far its counter has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoterKey {
    /// RSA-2048 as SPKI in PEM.
    pub public_key: String,
    /// The last counter seen, if any.
    pub counter: Option<u64>,
}
