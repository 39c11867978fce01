//! The numbers that the platform refuses with.

use std::fmt;

/// Why the platform refuses, as the number `errcode` of its answer.
///
/// A number that is not listed here is kept as it came, so that a client can tell it on.
///
/// ```
/// use wx_platform::Errcode;
///
/// assert_eq!(Errcode::BAD_CODE.number(), 40029);
/// assert_eq!(Errcode::BAD_CODE.to_string(), "40029 invalid code");
/// assert_eq!(Errcode::new(61451).to_string(), "61451");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Errcode(i32);

macro_rules! errcodes {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $text:literal;)+) => {
        impl Errcode {
            $($(#[$doc])* pub const $name: Self = Self($number);)+

            /// Every known one, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The platform's short text, if the number is known.
            pub const fn text(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some($text),)+
                    _ => None,
                }
            }
        }
    };
}

errcodes! {
    /// The platform has too much to do: the same request may work a moment later. Whether this one was done is not known: a code may be
    /// used up, a session key may be another.
    BUSY = -1, "system error";
    /// The access token is not one, or belongs to an app whose secret has changed.
    INVALID_CREDENTIAL = 40001, "invalid credential, access_token is invalid or not latest";
    /// Another `grant_type` than the endpoint's own.
    BAD_GRANT_TYPE = 40002, "invalid grant_type";
    /// No user of this app has this `openid`.
    BAD_OPENID = 40003, "invalid openid";
    /// No app has this `appid`.
    BAD_APPID = 40013, "invalid appid";
    /// The code was given to nobody, to another app, or more than five minutes ago.
    BAD_CODE = 40029, "invalid code";
    /// No endpoint has this path.
    BAD_PATH = 40066, "invalid url";
    /// The secret is not this app's.
    BAD_SECRET = 40125, "invalid appsecret";
    /// The code was exchanged before.
    CODE_USED = 40163, "code been used";
    /// The caller's address is not on the app's list.
    IP_NOT_ALLOWED = 40164, "invalid ip, not in whitelist";
    /// The user is blocked.
    USER_BLOCKED = 40226, "code blocked";
    /// The app's secret is frozen: its owner must thaw it.
    SECRET_FROZEN = 40243, "AppSecret is frozen";
    /// The request has no `access_token`.
    TOKEN_MISSING = 41001, "access_token missing";
    /// The request has no `appid`.
    APPID_MISSING = 41002, "appid missing";
    /// The request has no `secret`.
    SECRET_MISSING = 41004, "appsecret missing";
    /// The request has no `js_code`.
    CODE_MISSING = 41008, "missing code";
    /// The access token was good once.
    TOKEN_EXPIRED = 42001, "access_token expired";
    /// The endpoint wants GET.
    GET_REQUIRED = 43001, "require GET method";
    /// The endpoint wants POST.
    POST_REQUIRED = 43002, "require POST method";
    /// The app has used up its calls of today.
    DAILY_QUOTA = 45009, "reach max api daily quota limit";
    /// The app, or this user of it, called too often within a minute.
    TOO_OFTEN = 45011, "api minute-quota reach limit, must slow, retry next minute";
    /// The body or the query is not what the endpoint reads.
    BAD_FORMAT = 47001, "data format error";
    /// The app was not given this API.
    NOT_AUTHORISED = 48001, "api unauthorized";
    /// The signature was not made with the user's session key.
    BAD_SESSION_SIGNATURE = 87009, "invalid signature";
    /// To hosts alone: the user has no living session.
    NO_SESSION = -13001, "session time out, need relogin";
}

impl Errcode {
    /// The one with this number.
    pub const fn new(number: i32) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn number(self) -> i32 {
        self.0
    }
}

impl fmt::Display for Errcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.text() {
            Some(text) => write!(f, "{} {text}", self.0),
            None => write!(f, "{}", self.0),
        }
    }
}

impl fmt::Debug for Errcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Errcode({self})")
    }
}
