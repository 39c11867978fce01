//! Who a user is to an app: identifiers that stay the same for good and tell no app about another.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use wx_api::{AppId, Timestamp, UserId};

use super::{Refused, random};
use crate::store::Identity;

/// Characters of the part of a code that stands for its user.
pub(super) const TAG: usize = 8;
/// Characters of the part of a code that stands for the millisecond when it was given out.
const MOMENT: usize = 7;
/// Six bits in a character, in the order of their value.
const IN_ORDER: &[u8; 64] = b"-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";

/// `o` and 27 characters of base64url.
pub(super) fn openid(identity: &Identity, app: &AppId, user: &UserId) -> String {
    text(&derive(identity, ["openid", app.as_str(), user.as_str()]))
}

/// The same in every app of one open-platform account.
pub(super) fn unionid(identity: &Identity, account: &str, user: &UserId) -> String {
    text(&derive(identity, ["unionid", account, user.as_str()]))
}

/// A new code: `0`, the moment, a tag of the user, and 16 random characters.
///
/// The moment lets stores keep together what is used up together: codes are exchanged in about the order in which they were given out. The
/// tag tells a server whose code it is before the code is used up, so that a call too many leaves it good for the next minute. It is a
/// keyed hash, so that nobody can make up codes with the tag of another user.
pub(super) fn code(identity: &Identity, openid: &str, now: Timestamp) -> Result<String, Refused> {
    let mut code = String::with_capacity(32);
    code.push('0');
    code.extend((0..MOMENT).rev().map(|place| char::from(IN_ORDER[(now.as_millis() >> (6 * place) & 63) as usize])));
    URL_SAFE_NO_PAD.encode_string(&derive(identity, ["code", openid, ""])[..TAG * 3 / 4], &mut code);
    URL_SAFE_NO_PAD.encode_string(random::bytes::<12>()?, &mut code);
    Ok(code)
}

/// The tag of a code, if it has the form of one.
pub(super) fn tag(code: &str) -> Option<[u8; TAG]> {
    code.as_bytes().get(1 + MOMENT..)?.first_chunk().copied()
}

fn derive(identity: &Identity, parts: [&str; 3]) -> [u8; 32] {
    // HMAC takes keys of any length; the type says otherwise only for other MACs.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(identity.0.expose().as_bytes()) else { return [0; 32] };
    for (index, part) in parts.into_iter().enumerate() {
        if index > 0 {
            mac.update(&[0]); // no identifier contains one
        }
        mac.update(part.as_bytes());
    }
    mac.finalize().into_bytes().into()
}

fn text(hash: &[u8; 32]) -> String {
    let mut text = String::with_capacity(29);
    text.push('o');
    URL_SAFE_NO_PAD.encode_string(&hash[..21], &mut text);
    text.truncate(28);
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

    use wx_crypto::Secret;

    use super::*;

    fn identity(text: &str) -> Identity {
        Identity(Secret::from(text.to_owned()))
    }

    #[test]
    fn an_openid_is_the_hash_that_is_promised() {
        // printf 'openid\0wx1\0li' | openssl dgst -sha256 -hmac key -binary | basenc --base64url | cut -c1-27
        assert_eq!(openid(&identity("key"), &"wx1".into(), &"li".into()), OPENID);
    }

    const OPENID: &str = "oR1GyFZMu1VcDJoXjke1VOUlwQoM";

    #[test]
    fn another_app_user_or_server_is_another_openid() {
        let known = openid(&identity("key"), &"wx1".into(), &"li".into());
        for (key, app, user) in [("yek", "wx1", "li"), ("key", "wx2", "li"), ("key", "wx1", "wang"), ("key", "wx1l", "i")] {
            assert_ne!(openid(&identity(key), &app.into(), &user.into()), known, "{key} {app} {user}");
        }
        assert_ne!(unionid(&identity("key"), "wx1", &"li".into()), known, "an account by the name of the app");
    }

    #[test]
    fn codes_of_a_user_differ_and_share_their_tag() {
        let identity = identity("key");
        let code = |openid: &str| code(&identity, openid, Timestamp::from_millis(1_526_000_000_000)).unwrap();
        let [one, two] = [(); 2].map(|()| code("o1"));
        assert_eq!((one.len(), one.starts_with('0')), (32, true));
        assert_ne!(one, two);
        assert_eq!(tag(&one), tag(&two));
        assert_ne!(tag(&one), tag(&code("o2")), "another user's");
    }

    #[test]
    fn codes_are_in_the_order_of_their_moments_for_a_century() {
        let identity = identity("key");
        let code = |millis: u64| code(&identity, "o1", Timestamp::from_millis(millis)).unwrap();
        let year = 31_556_952_000;
        let moments = [0, 1, 63, 64, 65, 4_095, 4_096, 1_526_000_000_000, 1_526_000_000_001, 57 * year, 100 * year];
        assert!(moments.map(code).is_sorted(), "as texts");
    }

    #[test]
    fn what_is_too_short_for_a_code_has_no_tag() {
        assert_eq!(tag(""), None);
        assert_eq!(tag("0-------1234567"), None);
    }
}
