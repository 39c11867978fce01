//! Secrets that are text: app secrets, access tokens, session tokens of developers.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A secret text. Like a [`SessionKey`](crate::SessionKey) it makes leaking an explicit act:
///
/// - [`Debug`](fmt::Debug) prints `Secret(..)`, and there is no `Display`;
/// - it is wiped from memory on drop;
/// - `==` takes a time that depends on the lengths alone;
/// - it has no serde implementation:
///
/// ```compile_fail
/// fn send<T: serde::Serialize>(_: T) {}
/// send(wx_crypto::Secret::from("the app secret".to_owned()));
/// ```
///
/// # Examples
///
/// ```
/// use wx_crypto::Secret;
///
/// let secret = Secret::from("the app secret".to_owned());
/// assert_eq!(format!("{secret:?}"), "Secret(..)");
/// assert_eq!(secret.expose(), "the app secret");
/// ```
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Secret(Box<str>);

impl Secret {
    /// The text, for the place that must have it. It must not reach a log, an error or a mini-program.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    /// Takes the text over without leaving a copy behind, unless it has spare room: make it of its final length.
    fn from(text: String) -> Self {
        Self(text.into_boxed_str())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Secret {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_even_inside_other_types() {
        assert_eq!(format!("{:?}", Some(Secret::from("abc".to_owned()))), "Some(Secret(..))");
    }

    #[test]
    fn secrets_are_equal_only_if_all_of_their_text_is() {
        let secret = |text: &str| Secret::from(text.to_owned());
        assert_eq!(secret("abc"), secret("abc"));
        for other in ["", "ab", "abd", "xbc", "abcd"] {
            assert_ne!(secret("abc"), secret(other));
        }
    }

    #[test]
    fn zeroising_wipes_the_text() {
        let mut secret = Secret::from("abc".to_owned());
        secret.zeroize();
        assert!(!secret.expose().contains(['a', 'b', 'c']));
    }
}
