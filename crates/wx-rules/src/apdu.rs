//! Commands and responses of ISO 7816-4, as far as a router looks into them.

use std::{error, fmt};

use wx_api::{Api, Error, hce::HceCode};

use crate::aid::MIN_AID;

/// The most bytes a response has: reader stacks count them in 16 bits, status word included.
pub const MAX_RESPONSE: usize = 65_535;

/// The AID that this command selects, if it is one that the system routes by.
///
/// As on Android, that is a command of at least 10 bytes that is a SELECT of class 00 by name (P1 04) and whose name lies within
/// it; P2 does not matter. Any other command is data for the application already selected: a SELECT of another class, a shorter
/// one, and one that is cut off too. A name of fewer than 5 or more than 16 bytes is returned as it stands.
///
/// ```
/// use wx_rules::apdu::selected_aid;
///
/// let select = [0x00, 0xA4, 0x04, 0x00, 0x05, 0xF2, 0x22, 0x22, 0x22, 0x22, 0x00];
/// assert_eq!(selected_aid(&select), Some(&[0xF2, 0x22, 0x22, 0x22, 0x22][..]));
/// assert_eq!(selected_aid(&[0x00, 0xB0, 0x00, 0x00, 0x10]), None);
/// ```
pub fn selected_aid(command: &[u8]) -> Option<&[u8]> {
    selection(command).ok()
}

/// The AID that this command selects, as [`selected_aid`], or why it selects none.
///
/// ```
/// use wx_rules::apdu::{NoSelection, selection};
///
/// let no = selection(&[0x80, 0xA4, 0x04, 0x00, 0x05, 0xF2, 0x22, 0x22, 0x22, 0x22]).unwrap_err();
/// assert_eq!(no, NoSelection::Class(0x80));
/// assert_eq!(no.to_string(), "class 80, but only SELECTs of class 00 are routed");
/// ```
///
/// # Errors
///
/// [`NoSelection`]: the command is data.
pub fn selection(command: &[u8]) -> Result<&[u8], NoSelection> {
    let [class, instruction, p1, _, length, data @ ..] = command else { return Err(NoSelection::Short(command.len())) };
    match (class, instruction, p1) {
        (_, 0xA4, _) if *class != 0x00 => Err(NoSelection::Class(*class)),
        (_, 0xA4, 0x04) => {
            let name = data.get(..usize::from(*length)).ok_or(NoSelection::CutOff(*length))?;
            if data.len() >= MIN_AID { Ok(name) } else { Err(NoSelection::Short(command.len())) }
        }
        (_, 0xA4, _) => Err(NoSelection::NotByName(*p1)),
        _ => Err(NoSelection::Instruction(*instruction)),
    }
}

/// Why a command is not one that the system routes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoSelection {
    /// It has this many bytes, fewer than 10.
    Short(usize),
    /// It is a SELECT of this class.
    Class(u8),
    /// It is this instruction, no SELECT.
    Instruction(u8),
    /// It is a SELECT with this P1, not by name.
    NotByName(u8),
    /// Its name has this many bytes, says its length, and does not lie within it.
    CutOff(u8),
}

impl fmt::Display for NoSelection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short(bytes) => write!(f, "{bytes} bytes, but no SELECT that is routed has fewer than 10"),
            Self::Class(class) => write!(f, "class {class:02X}, but only SELECTs of class 00 are routed"),
            Self::Instruction(instruction) => write!(f, "instruction {instruction:02X}, no SELECT"),
            Self::NotByName(p1) => write!(f, "a SELECT with P1 {p1:02X}, but only those by name (04) are routed"),
            Self::CutOff(bytes) => write!(f, "a SELECT that says its name has {bytes} bytes, and ends before"),
        }
    }
}

/// Whether these bytes may go back to a reader: data if any, then a status word that starts with 6 or 9 but not with 60, which
/// the transmission keeps for itself.
///
/// ```
/// use wx_rules::apdu::{ResponseError, check_response};
///
/// assert_eq!(check_response(&[0x90, 0x00]), Ok(()));
/// assert_eq!(check_response(&[0x00]), Err(ResponseError::Short(1)));
/// ```
///
/// # Errors
///
/// [`ResponseError`] says what is illegal.
pub fn check_response(response: &[u8]) -> Result<(), ResponseError> {
    let [.., sw1, sw2] = *response else { return Err(ResponseError::Short(response.len())) };
    if response.len() > MAX_RESPONSE {
        return Err(ResponseError::Long(response.len()));
    }
    match sw1 {
        0x61..=0x6F | 0x90..=0x9F => Ok(()),
        _ => Err(ResponseError::Status(sw1, sw2)),
    }
}

/// Why a response is illegal. Becomes the failure of `wx.sendHCEMessage` with code 13005.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseError {
    /// It has this many bytes: no room for a status word.
    Short(usize),
    /// It has this many bytes, more than any response can.
    Long(usize),
    /// It ends in two bytes that are no status word.
    Status(u8, u8),
}

impl ResponseError {
    /// The code a mini-program sees: 13005.
    pub const fn code(self) -> HceCode {
        HceCode::BadResponse
    }
}

impl fmt::Display for ResponseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short(bytes) => write!(f, "{bytes} bytes, but a response ends in two status bytes"),
            Self::Long(bytes) => write!(f, "{bytes} bytes, but a response has at most {MAX_RESPONSE}"),
            Self::Status(sw1, sw2) => write!(f, "{sw1:02X}{sw2:02X} is no status word: end the response in one, such as 9000"),
        }
    }
}

impl error::Error for ResponseError {}

impl From<ResponseError> for Error {
    fn from(error: ResponseError) -> Self {
        error.code().error(Api::SendHceMessage).with_detail(error).with_source(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_select_by_name_names_its_aid() {
        for (what, command, aid) in [
            ("the shortest", &b"\x00\xA4\x04\x00\x05ABCDE"[..], Some(&b"ABCDE"[..])),
            ("with Le", b"\x00\xA4\x04\x00\x05ABCDE\x00", Some(b"ABCDE")),
            ("next occurrence: P2 is ignored", b"\x00\xA4\x04\x02\x05ABCDE", Some(b"ABCDE")),
            ("the longest", b"\x00\xA4\x04\x00\x10ABCDEFGHIJKLMNOP\x00", Some(b"ABCDEFGHIJKLMNOP")),
            ("longer than any AID", b"\x00\xA4\x04\x00\x11ABCDEFGHIJKLMNOPQ", Some(b"ABCDEFGHIJKLMNOPQ")),
            ("nothing", b"", None),
            ("another class", b"\x01\xA4\x04\x00\x05ABCDE", None),
            ("a logical channel's class", b"\x80\xA4\x04\x00\x05ABCDE", None),
            ("another instruction", b"\x00\xB0\x04\x00\x05ABCDE", None),
            ("by file identifier", b"\x00\xA4\x00\x00\x05ABCDE", None),
            ("shorter than any AID", b"\x00\xA4\x04\x00\x04ABCD\x00", Some(b"ABCD")),
            ("shorter than any AID, without Le", b"\x00\xA4\x04\x00\x04ABCD", None),
            ("name cut off", b"\x00\xA4\x04\x00\x06ABCDE", None),
            ("a length of 128 that does not fit", b"\x00\xA4\x04\x00\x80ABCDE", None),
            ("no name", b"\x00\xA4\x04\x00\x00", None),
            ("extended length: read as no name", b"\x00\xA4\x04\x00\x00\x00\x05ABCDE", Some(b"")),
            ("header only", b"\x00\xA4\x04\x00", None),
        ] {
            assert_eq!(selected_aid(command), aid, "{what}");
            assert!(aid.is_none() || command.len() >= 10, "{what}: Android routes no command this short");
        }
    }

    #[test]
    fn a_command_that_selects_nothing_says_why() {
        for (command, why) in [
            (&b""[..], NoSelection::Short(0)),
            (b"\x00\xA4\x04\x00", NoSelection::Short(4)),
            (b"\x00\xA4\x04\x00\x04ABCD", NoSelection::Short(9)),
            (b"\x80\xA4\x04\x00\x05ABCDE", NoSelection::Class(0x80)),
            (b"\x80\xB0\x04\x00\x05ABCDE", NoSelection::Instruction(0xB0)),
            (b"\x00\xA4\x00\x00\x05ABCDE", NoSelection::NotByName(0)),
            (b"\x00\xA4\x04\x00\x06ABCDE", NoSelection::CutOff(6)),
        ] {
            assert_eq!(selection(command), Err(why), "{command:02X?}");
            assert!(!why.to_string().contains('\n'));
        }
    }

    #[test]
    fn a_response_ends_in_a_status_word() {
        for sw1 in 0..=0xFF {
            let legal = (0x61..=0x6F).contains(&sw1) || (0x90..=0x9F).contains(&sw1);
            let expected = if legal { Ok(()) } else { Err(ResponseError::Status(sw1, 0x00)) };
            assert_eq!(check_response(&[sw1, 0x00]), expected);
            assert_eq!(check_response(&[0x00, 0x60, sw1, 0x00]), expected, "data before it does not matter");
        }
    }

    #[test]
    fn a_response_has_2_to_65535_bytes() {
        let response = |bytes: usize| [vec![0; bytes - 2], vec![0x90, 0x00]].concat();
        assert_eq!(check_response(&[]), Err(ResponseError::Short(0)));
        assert_eq!(check_response(&[0x90]), Err(ResponseError::Short(1)));
        assert_eq!(check_response(&response(2)), Ok(()));
        assert_eq!(check_response(&response(MAX_RESPONSE)), Ok(()));
        assert_eq!(check_response(&response(MAX_RESPONSE + 1)), Err(ResponseError::Long(65_536)));
    }

    #[test]
    fn an_illegal_response_is_a_failure_of_send_hce_message() {
        let error = Error::from(ResponseError::Short(1));
        assert_eq!((error.api(), error.code()), (Api::SendHceMessage, Some(13005)));
        let told = "sendHCEMessage:fail invalid response APDU: 1 bytes, but a response ends in two status bytes";
        assert_eq!(error.to_string(), told);
    }
}
