//! What a platform seals: whose data it is, and for whom.

use std::{collections::HashSet, fmt};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, MapAccess, Visitor},
};
use serde_json::value::{RawValue, to_raw_value};
use wx_api::{AppId, Timestamp, signature::SignatureError, user::UserInfo};

/// A user's profile as only the developer's server may read it, in the order of the documentation.
///
/// ```
/// use wx_api::{Timestamp, user::UserInfo};
/// use wx_rules::open_data::user_info;
///
/// let profile = UserInfo { nick_name: "Li".to_owned(), ..UserInfo::default() };
/// let json = user_info(&profile, "o1", None, &"wx1".into(), Timestamp::from_millis(7_000))?;
/// assert!(json.starts_with(r#"{"openId":"o1","nickName":"Li","#));
/// assert!(json.ends_with(r#","watermark":{"timestamp":7,"appid":"wx1"}}"#));
/// # Ok::<(), wx_api::signature::SignatureError>(())
/// ```
///
/// # Errors
///
/// [`SignatureError::BadData`], for a profile that is no JSON. There is none yet.
pub fn user_info(
    profile: &UserInfo,
    openid: &str,
    unionid: Option<&str>,
    app: &AppId,
    now: Timestamp,
) -> Result<String, SignatureError> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Sealed<'a> {
        open_id: &'a str,
        #[serde(flatten)]
        profile: &'a UserInfo,
        #[serde(skip_serializing_if = "Option::is_none")]
        union_id: Option<&'a str>,
        watermark: Mark<'a>,
    }

    let sealed = Sealed { open_id: openid, profile, union_id: unionid, watermark: Mark::new(app, now) };
    serde_json::to_string(&sealed).map_err(|_| SignatureError::BadData("the profile is not JSON".to_owned()))
}

/// The same JSON object with this watermark, in place of one it had. Every other member keeps its place and its text.
///
/// ```
/// use wx_api::Timestamp;
/// use wx_rules::open_data::marked;
///
/// let json = marked(r#"{"steps":[1.50]}"#, &"wx1".into(), Timestamp::from_millis(7_000))?;
/// assert_eq!(json, r#"{"steps":[1.50],"watermark":{"timestamp":7,"appid":"wx1"}}"#);
/// # Ok::<(), wx_api::signature::SignatureError>(())
/// ```
///
/// # Errors
///
/// [`SignatureError::BadData`] for what is no JSON object, or one in which a name stands twice. It says where, and quotes nothing.
pub fn marked(json: &str, app: &AppId, now: Timestamp) -> Result<String, SignatureError> {
    // The position only: serde_json's own message may quote the data.
    let refused = |error: serde_json::Error| {
        SignatureError::BadData(format!("not a JSON object (line {}, column {})", error.line(), error.column()))
    };
    let mut object: Object = serde_json::from_str(json).map_err(refused)?;
    object.0.retain(|(name, _)| name != "watermark");
    object.0.push(("watermark".to_owned(), to_raw_value(&Mark::new(app, now)).map_err(refused)?));
    serde_json::to_string(&object).map_err(refused)
}

/// A watermark as the real platform writes it.
#[derive(Serialize)]
struct Mark<'a> {
    timestamp: u64,
    appid: &'a str,
}

impl<'a> Mark<'a> {
    fn new(app: &'a AppId, now: Timestamp) -> Self {
        Self { timestamp: now.as_secs(), appid: app.as_str() }
    }
}

/// The members of an object, in their order and with the texts of their values.
struct Object(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut members = Vec::new();
                let mut names = HashSet::new();
                while let Some((name, value)) = map.next_entry::<String, _>()? {
                    if !names.insert(name.clone()) {
                        return Err(A::Error::custom("a name stands twice")); // whoever opens it would refuse it
                    }
                    members.push((name, value));
                }
                Ok(Object(members))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

    use super::*;

    fn mark(json: &str) -> Result<String, SignatureError> {
        marked(json, &"wx1".into(), Timestamp::from_millis(7_999))
    }

    #[test]
    fn a_watermark_is_added_and_every_other_member_keeps_its_text() {
        let marked = mark(r#"{"z": 1.50, "a":12345678901234567890123, "é":{"watermark":null}}"#).unwrap();
        assert_eq!(
            marked,
            r#"{"z":1.50,"a":12345678901234567890123,"é":{"watermark":null},"watermark":{"timestamp":7,"appid":"wx1"}}"#
        );
    }

    #[test]
    fn a_watermark_is_replaced() {
        let marked = mark(r#"{"watermark":{"timestamp":1,"appid":"other"},"a":1}"#).unwrap();
        assert_eq!(marked, r#"{"a":1,"watermark":{"timestamp":7,"appid":"wx1"}}"#);
    }

    #[test]
    fn what_is_no_object_is_refused_without_quoting_it() {
        for json in ["", "[]", "null", r#""secret""#, r#"{"secret"}"#, r#"{"secret":1} x"#, r#"{"secret":1,"secret":2}"#] {
            let SignatureError::BadData(reason) = mark(json).unwrap_err() else { panic!("{json}") };
            assert!(reason.starts_with("not a JSON object") && !reason.contains("secret"), "{reason}");
        }
    }
}
