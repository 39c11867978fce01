//! Texts that a user gives: on the command line, in a file or on standard input.

use std::{
    convert::Infallible,
    fmt, fs,
    io::{Read as _, stdin},
    path::PathBuf,
    str::FromStr,
};

use wx_crypto::Secret;
use zeroize::Zeroizing;

use crate::failure::Failure;

/// A text, or where it is: `@FILE`, or `@-` for standard input.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Text {
    /// As it stands.
    Here(String),
    /// The content of this file.
    File(PathBuf),
    /// What standard input has, to its end.
    Stdin,
}

impl Text {
    /// The text, byte for byte.
    pub(crate) fn read(&self) -> Result<Zeroizing<String>, Failure> {
        match self {
            Self::Here(text) => Ok(Zeroizing::new(text.clone())),
            Self::File(path) => {
                let read = fs::read_to_string(path).map(Zeroizing::new);
                read.map_err(|error| Failure::misuse(format!("{} cannot be read: {error}", path.display())))
            }
            Self::Stdin => {
                let mut text = Zeroizing::new(String::new());
                let read = stdin().read_to_string(&mut text);
                read.map_err(|error| Failure::misuse(format!("standard input cannot be read: {error}")))?;
                Ok(text)
            }
        }
    }

    /// The text without the line end that editors and `echo` add, where a line end cannot belong to it.
    pub(crate) fn read_line(&self) -> Result<Zeroizing<String>, Failure> {
        let text = self.read()?;
        Ok(match self {
            Self::Here(_) => text,
            Self::File(_) | Self::Stdin => Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()),
        })
    }
}

/// A text that is a secret from here on.
pub(crate) fn secret(text: &Zeroizing<String>) -> Secret {
    Secret::from(text.as_str().to_owned())
}

impl FromStr for Text {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text.strip_prefix('@') {
            None => Self::Here(text.to_owned()),
            Some("-") => Self::Stdin,
            Some(path) => Self::File(path.into()),
        })
    }
}

impl fmt::Debug for Text {
    /// Without the text, which may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Here(_) => f.write_str("Here(..)"),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Stdin => f.write_str("Stdin"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

    use super::*;

    #[test]
    fn a_text_says_where_it_is() {
        assert_eq!("a@b".parse(), Ok(Text::Here("a@b".to_owned())));
        assert_eq!("@-".parse(), Ok(Text::Stdin));
        assert_eq!("@key.txt".parse(), Ok(Text::File("key.txt".into())));
    }

    #[test]
    fn the_line_end_of_a_file_goes_only_where_it_may() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("text");
        fs::write(&path, "a\nb\r\n").unwrap();
        let text = Text::File(path);
        assert_eq!(text.read().unwrap().as_str(), "a\nb\r\n");
        assert_eq!(text.read_line().unwrap().as_str(), "a\nb");
    }

    #[test]
    fn debug_does_not_show_the_text() {
        assert_eq!(format!("{:?}", Text::Here("secret".to_owned())), "Here(..)");
    }

    #[test]
    fn a_missing_file_is_misuse_and_named() {
        let read = Text::File("/none/key".into()).read();
        assert!(matches!(&read, Err(Failure::Misuse(text)) if text.contains("/none/key")), "{read:?}");
    }
}
