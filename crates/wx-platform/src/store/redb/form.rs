//! What a record looks like in the file: JSON, whose fields are a promise to files that exist.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use redb::ReadableTable;
use serde::{Deserialize, Serialize};
use wx_api::{
    AppId, Timestamp, UserId,
    user::{Lang, UserInfo},
};
use wx_crypto::{Secret, SessionKey};
use zeroize::Zeroizing;

use super::disk::Trouble;
use crate::{
    store::{App, Code, HostKey, Identity, Session, SoterKey, Token, TokenKind, User},
    wire::host::Place,
};

/// A record that can be kept.
pub(super) trait Stored: Sized {
    /// What it is, for an error. What it holds may be secret.
    const WHAT: &'static str;

    /// Its form, wiped from memory on drop.
    fn to_stored(&self) -> Result<Zeroizing<Vec<u8>>, Trouble>;

    /// What has this form.
    fn from_stored(form: &[u8]) -> Result<Self, Trouble>;
}

/// The record of this key.
pub(super) fn get<K: redb::Key + 'static, R: Stored>(
    table: &impl ReadableTable<K, &'static [u8]>,
    key: K::SelfType<'_>,
) -> Result<Option<R>, Trouble> {
    table.get(key)?.map(|form| R::from_stored(form.value())).transpose()
}

/// Keeps the record under this key.
pub(super) fn put<K: redb::Key + 'static>(
    table: &mut redb::Table<'_, K, &'static [u8]>,
    key: K::SelfType<'_>,
    record: &impl Stored,
) -> Result<(), Trouble> {
    table.insert(key, record.to_stored()?.as_slice())?;
    Ok(())
}

/// The usual length of a record. A buffer that grows leaves copies behind.
const USUAL: usize = 512;

/// `Stored` by a form that serde derived.
macro_rules! stored {
    ($record:ty, $form:literal, $what:literal) => {
        impl Stored for $record {
            const WHAT: &'static str = $what;

            fn to_stored(&self) -> Result<Zeroizing<Vec<u8>>, Trouble> {
                #[derive(Serialize)]
                struct Form<'a>(#[serde(with = $form)] &'a $record);

                let mut form = Zeroizing::new(Vec::with_capacity(USUAL));
                serde_json::to_writer(&mut *form, &Form(self))
                    .map_err(|_| Trouble::Failed(format!("{} cannot be written", Self::WHAT)))?;
                Ok(form)
            }

            fn from_stored(form: &[u8]) -> Result<Self, Trouble> {
                #[derive(Deserialize)]
                struct Form(#[serde(with = $form)] $record);

                // The text of a JSON error would repeat values.
                serde_json::from_slice(form).map(|Form(record)| record).map_err(|error| {
                    Trouble::Record(format!("{} is not what it should be at byte {}", Self::WHAT, error.column()))
                })
            }
        }
    };
}

stored!(Identity, "IdentityForm", "the identity of the server");
stored!(HostKey, "HostKeyForm", "the key of a host");
stored!(App, "AppForm", "an app");
stored!(User, "UserForm", "a user");
stored!(Code, "CodeForm", "a code");
stored!(Session, "SessionForm", "a session");
stored!(Token, "TokenForm", "a token");
stored!(Vec<SoterKey>, "soter_keys", "the SOTER keys of a user");

#[derive(Serialize, Deserialize)]
#[serde(remote = "Identity", deny_unknown_fields)]
struct IdentityForm(#[serde(with = "secret")] Secret);

#[derive(Serialize, Deserialize)]
#[serde(remote = "HostKey", deny_unknown_fields)]
struct HostKeyForm {
    name: String,
    admin: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "App", deny_unknown_fields)]
struct AppForm {
    #[serde(with = "text")]
    id: AppId,
    secret: [u8; 32],
    frozen: bool,
    account: Option<String>,
    #[serde(with = "networks")]
    allowed_ips: Vec<IpNet>,
    withheld: BTreeSet<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "User", deny_unknown_fields)]
struct UserForm {
    #[serde(with = "text")]
    id: UserId,
    blocked: bool,
    profile: UserInfo,
    places: BTreeMap<Lang, Place>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Code", deny_unknown_fields)]
struct CodeForm {
    #[serde(with = "text")]
    app: AppId,
    openid: String,
    #[serde(with = "CodeStateForm")]
    state: wx_rules::login::Code,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "wx_rules::login::Code", deny_unknown_fields)]
struct CodeStateForm {
    issued: Timestamp,
    used: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Session", deny_unknown_fields)]
struct SessionForm {
    #[serde(with = "text")]
    app: AppId,
    openid: String,
    #[serde(with = "text")]
    user: UserId,
    #[serde(with = "session_key")]
    key: SessionKey,
    #[serde(with = "life")]
    life: wx_rules::login::Session,
    version: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Token", deny_unknown_fields)]
struct TokenForm {
    #[serde(with = "secret")]
    text: Secret,
    #[serde(with = "text")]
    app: AppId,
    #[serde(with = "TokenKindForm")]
    kind: TokenKind,
    expires: Timestamp,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "TokenKind", rename_all = "lowercase")]
enum TokenKindForm {
    Plain,
    Stable,
}

mod text {
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(text: &impl ToString, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&text.to_string())
    }

    pub(super) fn deserialize<'de, T: From<String>, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
        String::deserialize(from).map(T::from)
    }
}

mod secret {
    use serde::{Deserializer, Serialize as _, Serializer};
    use wx_crypto::Secret;

    use crate::wire::Hidden;

    pub(super) fn serialize<S: Serializer>(secret: &Secret, to: S) -> Result<S::Ok, S::Error> {
        Hidden::from(secret).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Secret, D::Error> {
        serde::Deserialize::deserialize(from).map(|hidden: Hidden| Secret::from(&hidden))
    }
}

mod session_key {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};
    use wx_crypto::SessionKey;
    use zeroize::Zeroizing;

    pub(super) fn serialize<S: Serializer>(key: &SessionKey, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&key.expose_base64())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<SessionKey, D::Error> {
        let text = Zeroizing::new(String::deserialize(from)?);
        SessionKey::from_base64(&text).map_err(D::Error::custom)
    }
}

mod life {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use wx_api::Timestamp;
    use wx_rules::login::Session;

    #[derive(Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Form {
        last_use: Timestamp,
        uses: u32,
        checked_in: Vec<u64>,
    }

    pub(super) fn serialize<S: Serializer>(life: &Session, to: S) -> Result<S::Ok, S::Error> {
        Form { last_use: life.last_use(), uses: life.uses(), checked_in: life.checked_in().to_vec() }.serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Session, D::Error> {
        Form::deserialize(from).map(|form| Session::restore(form.last_use, form.uses, &form.checked_in))
    }
}

mod networks {
    use ipnet::IpNet;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(networks: &[IpNet], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(networks.iter().map(ToString::to_string))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<IpNet>, D::Error> {
        let networks = Vec::<String>::deserialize(from)?;
        networks.iter().map(|network| network.parse().map_err(D::Error::custom)).collect()
    }
}

mod soter_keys {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::store::SoterKey;

    #[derive(Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Form {
        public_key: String,
        counter: Option<u64>,
    }

    pub(super) fn serialize<S: Serializer>(keys: &[SoterKey], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(keys.iter().map(|key| Form { public_key: key.public_key.clone(), counter: key.counter }))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<SoterKey>, D::Error> {
        let keys = Vec::<Form>::deserialize(from)?;
        Ok(keys.into_iter().map(|Form { public_key, counter }| SoterKey { public_key, counter }).collect())
    }
}
