//! What hosts ask that run mini-programs. The real platform keeps this side private, so the paths and shapes are our own.
//!
//! Every request is a POST of JSON with the host's key in the header: `authorization: Bearer <key>`. A refusal is a
//! [`Refusal`](super::Refusal) with the fitting HTTP status.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::{Deserialize, Serialize};
use wx_api::user::{Lang, UserInfo};

use super::Hidden;

/// The prefix of all of them.
pub const PREFIX: &str = "/host/v1";
/// [`LoginRequest`] to [`LoginAnswer`].
pub const LOGIN: &str = "/host/v1/login";
/// [`SessionRequest`] to [`SessionAnswer`].
pub const CHECK_SESSION: &str = "/host/v1/check-session";
/// [`UserInfoRequest`] to [`UserInfoAnswer`], or a refusal with -13001 when the credentials are asked for without a living session.
pub const USER_INFO: &str = "/host/v1/user-info";
/// [`SoterKey`] to [`SoterKeyAnswer`].
pub const SOTER_KEY: &str = "/host/v1/soter-key";
/// [`SoterEnrolment`] to [`SoterEnrolled`].
pub const ENROL_SOTER_KEY: &str = "/host/v1/enrol-soter-key";
/// [`App`] to [`AppAnswer`]: makes the app or changes it. Administrators only.
pub const APP: &str = "/host/v1/app";
/// [`User`] to a bare ok: makes the user or changes them. Administrators only.
pub const USER: &str = "/host/v1/user";

/// [`Page`] to [`Apps`]. Administrators only.
pub const APPS: &str = "/host/v1/apps";
/// [`RemoveApp`] to [`Removed`]: removes the app with all that belongs to it. Administrators only.
pub const REMOVE_APP: &str = "/host/v1/remove-app";
/// [`Page`] to [`Users`]. Administrators only.
pub const USERS: &str = "/host/v1/users";

/// The most apps or users in one answer.
pub const PAGE: usize = 100;

/// A code for this user of this app, and a new session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginRequest {
    /// The app.
    pub app: String,
    /// The user, by the name the host knows them.
    pub user: String,
}

/// The code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginAnswer {
    /// For the mini-program's own server: good for five minutes and one exchange.
    pub code: Hidden,
}

/// Whether the user's session lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRequest {
    /// The app.
    pub app: String,
    /// The user.
    pub user: String,
    /// The life cycle that asks: any text of at most 64 bytes that no other life cycle uses, in this process or another.
    pub launch: String,
}

/// Whether it does. If so, it does for the rest of that life cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionAnswer {
    /// Whether it does.
    pub alive: bool,
}

/// The user's profile, signed and sealed. The host has asked the user before: the server trusts it in that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserInfoRequest {
    /// The app.
    pub app: String,
    /// The user.
    pub user: String,
    /// The life cycle, as in [`SessionRequest`].
    pub launch: String,
    /// The language of place names.
    #[serde(default)]
    pub lang: Lang,
    /// As the parameter of `wx.getUserInfo`: required, unwanted, or as there is a session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with_credentials: Option<bool>,
}

/// The profile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UserInfoAnswer {
    /// The profile.
    pub user_info: UserInfo,
    /// The profile as the JSON text that was signed.
    pub raw_data: Hidden,
    /// `sha1(rawData + session_key)`; absent without a session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    /// The profile with identifiers and watermark, sealed with the session key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encrypted_data: Option<String>,
    /// Its initial vector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iv: Option<String>,
}

/// Whether a device's key is enrolled for this user of this app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoterKey {
    /// The app.
    pub app: String,
    /// The user.
    pub user: String,
    /// RSA-2048 as SPKI in PEM.
    pub public_key: String,
}

/// Whether it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoterKeyAnswer {
    /// Whether it is.
    pub enrolled: bool,
    /// If it is not: what a TPM's attestation of it must be for, 32 bytes in base64. Good for five minutes and one enrolment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
}

/// A device's key, for this user of this app, and who vouches for it: the records of [`wx_crypto::record`], each in base64.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoterEnrolment {
    /// The app.
    pub app: String,
    /// The user.
    pub user: String,
    /// The record of the device's key.
    pub attk: String,
    /// The record of the host application's key.
    pub ask: String,
    /// The record of the key that signs results.
    pub auth_key: String,
    /// What the device's TPM says of that key, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attestation: Option<SoterAttestation>,
}

/// A key and its counter, as a TPM attests them: an [`Attestation`](wx_crypto::attestation::Attestation).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoterAttestation {
    /// As in [`SoterKeyAnswer`].
    pub nonce: String,
    /// The key.
    pub key: SoterCertified,
    /// The counter.
    pub counter: SoterCertified,
}

/// Something that a TPM attests, each part in base64.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoterCertified {
    /// What it is.
    pub public: String,
    /// What the TPM says of it.
    pub attest: String,
    /// Its signature over that.
    pub signature: String,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoterEnrolled {
    /// Whether a TPM attested the key. What that proves depends on whether the server knows the TPM.
    pub attested: bool,
}

/// An app. Fields that are left out stay as they are; a new app begins with their defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct App {
    /// The app.
    pub app: String,
    /// Whether to make a new secret. A new app gets one anyway.
    pub new_secret: bool,
    /// Whether the secret is frozen. False for a new app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frozen: Option<bool>,
    /// The open-platform account that the app is bound to; the empty text for none. None for a new app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The addresses and networks (`10.0.0.0/8`) its server may call from; none for any. Any for a new app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_ips: Option<Vec<String>>,
    /// The endpoints, by path, that the app was not given. None for a new app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withheld: Option<BTreeSet<String>>,
}

/// What became of the app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppAnswer {
    /// The app.
    pub app: String,
    /// Its new secret, if one was made. It is shown this once: the server keeps a hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Hidden>,
}

/// The next part of a list: at most [`PAGE`], in the order of their ids.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Page {
    /// The last id that is known; the empty text for the beginning.
    pub after: String,
}

/// Apps, with every field but the secret's. Fewer than [`PAGE`], and there are no more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Apps {
    /// The apps.
    pub apps: Vec<App>,
}

/// An app that is to go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoveApp {
    /// The app.
    pub app: String,
}

/// Whether there was one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {
    /// Whether there was.
    pub removed: bool,
}

/// Users, with every field. Fewer than [`PAGE`], and there are no more.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Users {
    /// The users.
    pub users: Vec<User>,
}

/// A user. Fields that are left out stay as they are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct User {
    /// The user, by the name the host knows them.
    pub user: String,
    /// Whether they are blocked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocked: Option<bool>,
    /// Their profile, except for the places: [`places`](Self::places) has them in each language.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<UserInfo>,
    /// Where they live, in each language. Where a language lacks, English stands in for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub places: Option<BTreeMap<Lang, Place>>,
}

/// Where a user lives, in one language. `Debug` does not tell.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Place {
    /// The city.
    pub city: String,
    /// The province.
    pub province: String,
    /// The country.
    pub country: String,
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").finish_non_exhaustive()
    }
}
