//! Card emulation: whether a device can, and which app a reader's command goes to.

use std::{error, fmt};

use wx_api::{Api, Error, Profile, hce::HceCode};

use crate::{
    aid::{AidPattern, parse_aid_list},
    apdu::{ResponseError, check_response, selected_aid},
};

/// What a device is, as far as card emulation goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Radio {
    /// Its NFC.
    pub nfc: Nfc,
    /// Whether its NFC can emulate a card.
    pub hce: bool,
    /// Whether the host is the default payment app.
    pub default_app: bool,
}

/// Whether NFC is there, and on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nfc {
    /// The device has none.
    Absent,
    /// It is there, switched off.
    Off,
    /// It is there, switched on.
    On,
}

/// Whether the device can emulate a card at all: all that `wx.stopHCE` and `wx.sendHCEMessage` need. NFC may be switched off.
///
/// # Errors
///
/// [`HceCode::NoNfc`], then [`HceCode::NoHce`], which is also the answer of a platform without card emulation.
pub fn present(radio: Radio, profile: &Profile) -> Result<(), HceCode> {
    match radio {
        Radio { nfc: Nfc::Absent, .. } => Err(HceCode::NoNfc),
        Radio { hce: false, .. } => Err(HceCode::NoHce),
        _ if !profile.has_hce() => Err(HceCode::NoHce),
        _ => Ok(()),
    }
}

/// Whether the device can emulate a card now: what `wx.getHCEState` answers.
///
/// What is missing for good is told before what the user can switch on.
///
/// ```
/// use wx_api::{Platform, Profile, hce::HceCode};
/// use wx_rules::hce::{Nfc, Radio, ready};
///
/// let radio = Radio { nfc: Nfc::Off, hce: true, default_app: true };
/// assert_eq!(ready(radio, &Profile::default()), Err(HceCode::NfcOff));
/// assert_eq!(ready(radio, &Profile::new(Platform::Ios)), Err(HceCode::NoHce));
/// ```
///
/// # Errors
///
/// As [`present`], then [`HceCode::NfcOff`], then [`HceCode::NotDefault`].
pub fn ready(radio: Radio, profile: &Profile) -> Result<(), HceCode> {
    present(radio, profile)?;
    match radio {
        Radio { nfc: Nfc::Off, .. } => Err(HceCode::NfcOff),
        Radio { default_app: false, .. } => Err(HceCode::NotDefault),
        _ => Ok(()),
    }
}

/// What `wx.startHCE` registers: the device is judged before the list, as SOTER does it.
///
/// # Errors
///
/// The failure of [`ready`], then that of [`parse_aid_list`], both in the name of `startHCE`.
pub fn start(radio: Radio, profile: &Profile, aid_list: &[String]) -> Result<Vec<AidPattern>, Error> {
    ready(radio, profile).map_err(|code| code.error(Api::StartHce))?;
    Ok(parse_aid_list(aid_list)?)
}

/// The system's answer to a command before any selection, and to one whose app stopped: something went wrong.
pub const NOTHING_SELECTED: &[u8] = &[0x6F, 0x00];
/// The system's answer to the selection of an AID nobody registered: file not found.
pub const NOT_FOUND: &[u8] = &[0x6A, 0x82];
/// The AID by which readers ask whether a system of this kind is there.
pub const PING_AID: &[u8] = b"\xA0\x00\x00\x04\x76Android\x48\x43\x45";
/// The system's answer to the ping.
pub const PONG: &[u8] = &[0x14, 0x81, 0x00, 0x00, 0x90, 0x00];

/// Routes the commands of one reader to services, by the AIDs it selects, as Android's host card emulation does.
///
/// `S` names a service: whoever registers AIDs, such as an app. One selection and one command outstanding at most; the command
/// belongs to the service that is selected.
#[derive(Clone, Debug)]
pub struct Router<S> {
    services: Vec<(S, Vec<AidPattern>)>,
    selected: Option<S>,
    /// Whether the selected service owes the reader an answer. Never without a selection.
    outstanding: bool,
}

/// What becomes of a reader's command.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Step<S> {
    /// The system answers this by itself; nobody is told.
    Answer(&'static [u8]),
    /// It goes to a service, which owes the reader an answer from now on.
    Deliver {
        /// The service.
        to: S,
        /// Another service, whose selection this ends: it gets a departure with reason 1, before the command goes out.
        deselected: Option<S>,
    },
    /// The command before it is not answered yet. Nothing has changed: hand it in again once the answer is sent, and drop it if
    /// the field is lost first.
    Wait,
}

/// What becomes of a service's response. The service is told ok in either case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Respond {
    /// It goes to the reader.
    Send,
    /// It goes nowhere.
    Dropped(Dropped),
}

/// Why a legal response goes nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// The service is not selected: never, no longer, or the reader is gone.
    NotSelected,
    /// The service owes no answer: the command was answered before.
    NothingOutstanding,
}

/// Why a response is refused. Becomes the failure of `wx.sendHCEMessage`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RespondError {
    /// The service has registered nothing.
    NotStarted,
    /// The response is illegal. The reader still waits for a legal one.
    Illegal(ResponseError),
}

impl<S: Clone + Eq> Router<S> {
    /// Registers the AIDs of a service, in place of those it had. A selection it has stays until the reader selects again.
    ///
    /// No selection may mean two services. Android would ask the user which; here the first to register has it.
    ///
    /// # Errors
    ///
    /// [`HceCode::NotRegistered`] when another service holds an AID that overlaps; nothing changes then.
    pub fn register(&mut self, service: S, aids: Vec<AidPattern>) -> Result<(), HceCode> {
        let mut others = self.services.iter().filter(|(other, _)| *other != service).flat_map(|(_, held)| held);
        if others.any(|held| aids.iter().any(|aid| aid.overlaps(held))) {
            return Err(HceCode::NotRegistered);
        }
        match self.services.iter_mut().find(|(known, _)| *known == service) {
            Some((_, held)) => *held = aids,
            None => self.services.push((service, aids)),
        }
        Ok(())
    }

    /// Gives the AIDs of a service back, and its selection with them. Answers what a reader gets that still waits for this
    /// service, if one does. Of a service that is not registered, nothing.
    #[must_use = "a reader may wait for the answer"]
    pub fn unregister(&mut self, service: &S) -> Option<&'static [u8]> {
        self.services.retain(|(known, _)| known != service);
        let waits = self.outstanding && self.selected.as_ref() == Some(service);
        if self.selected.as_ref() == Some(service) {
            self.deselect();
        }
        waits.then_some(NOTHING_SELECTED)
    }

    /// Whether no service has registered.
    pub fn is_empty(&self) -> bool {
        self.services.is_empty()
    }

    /// Whether this service has registered.
    pub fn is_registered(&self, service: &S) -> bool {
        self.services.iter().any(|(known, _)| known == service)
    }

    /// The service that the reader has selected.
    pub fn selected(&self) -> Option<&S> {
        self.selected.as_ref()
    }

    /// Whether the selected service owes the reader an answer.
    pub fn is_outstanding(&self) -> bool {
        self.outstanding
    }

    /// Takes a command of the reader.
    pub fn command(&mut self, command: &[u8]) -> Step<S> {
        if self.outstanding {
            return Step::Wait;
        }
        let to = match (selected_aid(command), &self.selected) {
            (Some(PING_AID), _) => return Step::Answer(PONG),
            (Some(aid), _) => match self.resolve(aid) {
                Some(service) => service.clone(),
                None => return Step::Answer(NOT_FOUND),
            },
            (None, Some(service)) => service.clone(),
            (None, None) => return Step::Answer(NOTHING_SELECTED),
        };
        let deselected = self.selected.replace(to.clone()).filter(|before| *before != to);
        self.outstanding = true;
        Step::Deliver { to, deselected }
    }

    /// Takes a response of a service.
    ///
    /// # Errors
    ///
    /// [`RespondError`]; nothing changes then, and a reader that waits still does.
    pub fn respond(&mut self, from: &S, response: &[u8]) -> Result<Respond, RespondError> {
        if !self.is_registered(from) {
            return Err(RespondError::NotStarted);
        }
        check_response(response).map_err(RespondError::Illegal)?;
        if self.selected.as_ref() != Some(from) {
            return Ok(Respond::Dropped(Dropped::NotSelected));
        }
        if !self.outstanding {
            return Ok(Respond::Dropped(Dropped::NothingOutstanding));
        }
        self.outstanding = false;
        Ok(Respond::Send)
    }

    /// The reader is gone, and what it had selected with it. Answers who gets a departure with reason 0.
    #[must_use = "the service that was selected is told"]
    pub fn field_lost(&mut self) -> Option<S> {
        self.deselect()
    }

    fn deselect(&mut self) -> Option<S> {
        self.outstanding = false;
        self.selected.take()
    }

    /// The service this AID means. At most one does: `register` sees to it.
    fn resolve(&self, aid: &[u8]) -> Option<&S> {
        let (service, _) = self.services.iter().find(|(_, held)| held.iter().any(|pattern| pattern.matches(aid)))?;
        Some(service)
    }
}

impl<S> Default for Router<S> {
    fn default() -> Self {
        Self { services: Vec::new(), selected: None, outstanding: false }
    }
}

impl fmt::Display for RespondError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStarted => write!(f, "nothing is registered: call startHCE first"),
            Self::Illegal(error) => write!(f, "illegal response: {error}"),
        }
    }
}

impl error::Error for RespondError {}

impl From<RespondError> for Error {
    fn from(error: RespondError) -> Self {
        match error {
            RespondError::NotStarted => HceCode::NotRegistered.error(Api::SendHceMessage).with_detail(error).with_source(error),
            RespondError::Illegal(error) => error.into(),
        }
    }
}
