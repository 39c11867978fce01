// Derived by `cargo xtask codegen` from the domain files. Do not edit.

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use crate::{Api, EventType, Policy, hce};

/// An event of any domain. Serialises as its payload alone.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Event {
    /// `wx.onHCEMessage`.
    HceMessage(hce::HceMessage),
}

impl Event {
    /// The `on..` it is heard through.
    pub fn api(&self) -> Api {
        match self {
            Self::HceMessage(_) => Api::OnHceMessage,
        }
    }

    /// What happens when a subscriber does not keep up.
    pub fn policy(&self) -> Policy {
        match self {
            Self::HceMessage(_) => hce::HceMessage::FACTS.policy,
        }
    }

    /// Reads a payload of the event `api`.
    ///
    /// # Errors
    ///
    /// A payload of another shape, or an API that is no event.
    pub fn deserialize<'de, D: Deserializer<'de>>(api: Api, payload: D) -> Result<Self, D::Error> {
        match api {
            Api::OnHceMessage => hce::HceMessage::deserialize(payload).map(Self::HceMessage),
            _ => Err(D::Error::custom(format_args!("{} is no event", api.name()))),
        }
    }
}

impl From<hce::HceMessage> for Event {
    fn from(payload: hce::HceMessage) -> Self {
        Self::HceMessage(payload)
    }
}
