use std::{fmt, str::FromStr, time::Duration};

use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::{
    Address, KeyRing, LinkError, PairingSecret,
    address::{self, Stream},
    secure::{Purpose, greet, pair_as_host},
};

/// How long all of it may take: the agent answers by itself.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a device shows, as text and as a code to be read by a camera: where it is, and the secret to pair by.
///
/// ```
/// use wx_device::Invitation;
///
/// let text = "wx-pair:tcp://192.168.1.7:7411#AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
/// let invitation: Invitation = text.parse()?;
/// assert_eq!(invitation.address().to_string(), "tcp://192.168.1.7:7411");
/// assert_eq!(*invitation.expose(), text);
/// assert!(!format!("{invitation:?}").contains("AAAA"));
/// # Ok::<(), wx_device::InvitationError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    address: Address,
    secret: PairingSecret,
}

/// A text that is no invitation. It is not repeated: it may have a secret in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not what `wx agent pair` shows: wx-pair:ADDRESS#SECRET, all of it")]
pub struct InvitationError;

impl Invitation {
    /// To the agent at this address, by this secret.
    pub fn new(address: Address, secret: PairingSecret) -> Self {
        Self { address, secret }
    }

    /// Where the agent is.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// As text, for the person who is to bring it to the other end. It must not reach a log or an error.
    pub fn expose(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("wx-pair:{}#{}", self.address, *self.secret.expose()))
    }

    /// Pairs with the agent. An invitation to `exec://` runs the command in it, which whoever wrote it has chosen: ask before, unless that was you.
    ///
    /// From then on the agent knows this host by `name`, and `keys` know the agent. Its name.
    ///
    /// # Errors
    ///
    /// The agent cannot be reached, expects nobody, or does not take the secret.
    pub async fn accept(&self, keys: &KeyRing, name: &str) -> Result<String, LinkError> {
        let paired = async {
            let mut stream = self.address.connect().await?;
            let (bare, greetings) = greet(&mut stream.reader, &mut stream.writer, Purpose::Pair).await?;
            let paired = pair_as_host(bare, &greetings, keys.identity(), &self.secret, name).await;
            let Stream { reader, writer, child } = stream;
            drop((reader, writer));
            address::ended(child).await;
            paired
        };
        let paired = timeout(PATIENCE, paired).await.map_err(|_| LinkError::Silent(PATIENCE.as_secs()))??;
        keys.add(&paired.name, paired.key, Some(&self.address.to_string()))?;
        Ok(paired.name)
    }
}

impl FromStr for Invitation {
    type Err = InvitationError;

    /// # Errors
    ///
    /// [`InvitationError`] for any other form.
    fn from_str(text: &str) -> Result<Self, InvitationError> {
        let (address, secret) = text.strip_prefix("wx-pair:").and_then(|rest| rest.rsplit_once('#')).ok_or(InvitationError)?;
        let address = address.parse().map_err(|_| InvitationError)?;
        Ok(Self { address, secret: PairingSecret::from_text(secret).ok_or(InvitationError)? })
    }
}

impl fmt::Display for Invitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an invitation to {}", self.address)
    }
}
