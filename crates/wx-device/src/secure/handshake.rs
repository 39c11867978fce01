use bytes::BytesMut;
use snow::{Builder, HandshakeState};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::{
    Identity, Opener, PairingSecret, PublicKey, Sealer,
    greeting::{self, Answer, LENGTH, Purpose, VERSIONS},
    keys::{LINK, PAIR},
    records,
};
use crate::LinkError;

/// The longest message of a handshake that anybody has to read.
const LONGEST: usize = 1024;

/// The longest name that an end may introduce itself by.
const LONGEST_NAME: usize = 64;

/// Both greetings, as both ends saw them.
pub(crate) type Greetings = [u8; 2 * LENGTH];

/// Who was at the other end of a pairing.
#[derive(Debug)]
pub(crate) struct Paired {
    pub(crate) key: PublicKey,
    pub(crate) name: String,
}

/// The two directions of a connection that has no protection yet.
pub(crate) struct Bare<'a, R, W> {
    reader: &'a mut R,
    writer: &'a mut W,
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Bare<'_, R, W> {
    async fn say(&mut self, handshake: &mut HandshakeState, payload: &[u8]) -> Result<(), LinkError> {
        let mut message = [0; LONGEST];
        let length = handshake.write_message(payload, &mut message[2..])?;
        message[..2].copy_from_slice(&u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes()); // LONGEST is less
        self.writer.write_all(&message[..2 + length]).await?;
        Ok(self.writer.flush().await?)
    }

    /// The other end's next message; what is in it.
    async fn hear(&mut self, handshake: &mut HandshakeState) -> Result<Vec<u8>, LinkError> {
        let length = usize::from(self.reader.read_u16().await?);
        if length > LONGEST {
            return Err(LinkError::Garbage(format!("a handshake of {length} bytes")));
        }
        let mut message = [0; LONGEST];
        self.reader.read_exact(&mut message[..length]).await?;
        let mut payload = vec![0; LONGEST];
        let length = handshake.read_message(&message[..length], &mut payload).map_err(|_| LinkError::Refused)?;
        payload.truncate(length);
        Ok(payload)
    }
}

/// Greets an agent; what both said, if it goes on.
pub(crate) async fn greet<'a, R, W>(
    reader: &'a mut R,
    writer: &'a mut W,
    purpose: Purpose,
) -> Result<(Bare<'a, R, W>, Greetings), LinkError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mine = greeting::host(VERSIONS, purpose);
    writer.write_all(&mine).await?;
    writer.flush().await?;
    let mut theirs = [0; LENGTH];
    reader.read_exact(&mut theirs).await?;
    match greeting::read_agent(&theirs).ok_or(LinkError::NoAgent)? {
        Answer::Version(version) if greeting::common((version, version)) == Some(version) => {}
        Answer::Version(version) => return Err(LinkError::Version { theirs: (version, version) }),
        Answer::NoVersion(least, most) => return Err(LinkError::Version { theirs: (least, most) }),
        Answer::Busy => return Err(LinkError::Busy),
        Answer::NotPairing => return Err(LinkError::NotPairing),
    }
    Ok((Bare { reader, writer }, both(&mine, &theirs)))
}

/// Takes a host's greeting and goes on if `admit` lets it, for this purpose.
pub(crate) async fn accept<'a, R, W>(
    reader: &'a mut R,
    writer: &'a mut W,
    admit: impl FnOnce(Purpose) -> Result<(), LinkError>,
) -> Result<(Bare<'a, R, W>, Greetings, Purpose), LinkError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut theirs = [0; LENGTH];
    reader.read_exact(&mut theirs).await?;
    let (versions, purpose) = greeting::read_host(&theirs).ok_or_else(|| LinkError::Garbage("no greeting".into()))?;
    let (answer, refusal) = match (greeting::common(versions), admit(purpose)) {
        (None, _) => (Answer::NoVersion(VERSIONS.0, VERSIONS.1), Some(LinkError::Version { theirs: versions })),
        (Some(_), Err(LinkError::Busy)) => (Answer::Busy, Some(LinkError::Busy)),
        (Some(_), Err(refusal)) => (Answer::NotPairing, Some(refusal)),
        (Some(version), Ok(())) => (Answer::Version(version), None),
    };
    let mine = greeting::agent(answer);
    writer.write_all(&mine).await?;
    writer.flush().await?;
    match refusal {
        Some(refusal) => Err(refusal),
        None => Ok((Bare { reader, writer }, both(&theirs, &mine), purpose)),
    }
}

/// A host and an agent that know one another: the host is sure of the agent once this is over, the agent of the host once the first
/// record opens.
pub(crate) async fn link_as_host<R, W>(
    mut bare: Bare<'_, R, W>,
    greetings: &Greetings,
    identity: &Identity,
    agent: PublicKey,
) -> Result<(Sealer, Opener), LinkError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let builder = builder(LINK)?.local_private_key(identity.private())?.prologue(greetings)?;
    let mut handshake = builder.remote_public_key(agent.as_bytes())?.build_initiator()?;
    bare.say(&mut handshake, &[]).await?;
    bare.hear(&mut handshake).await.map_err(refused)?;
    Ok(records::pair(handshake.into_stateless_transport_mode()?))
}

/// The other side of [`link_as_host`]: only for hosts that are `known`.
pub(crate) async fn link_as_agent<R, W>(
    mut bare: Bare<'_, R, W>,
    greetings: &Greetings,
    identity: &Identity,
    known: impl FnOnce(PublicKey) -> bool,
) -> Result<(Sealer, Opener, PublicKey), LinkError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let builder = builder(LINK)?.local_private_key(identity.private())?.prologue(greetings)?;
    let mut handshake = builder.build_responder()?;
    bare.hear(&mut handshake).await?;
    let host = handshake.get_remote_static().and_then(PublicKey::read).filter(|&host| known(host)).ok_or(LinkError::Refused)?;
    bare.say(&mut handshake, &[]).await?;
    let (sealer, opener) = records::pair(handshake.into_stateless_transport_mode()?);
    Ok((sealer, opener, host))
}

/// Gets to know an agent by the secret it showed; `name` is what this host is called there. Over once the agent has kept it.
pub(crate) async fn pair_as_host<R, W>(
    mut bare: Bare<'_, R, W>,
    greetings: &Greetings,
    identity: &Identity,
    secret: &PairingSecret,
    name: &str,
) -> Result<Paired, LinkError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let builder = builder(PAIR)?.local_private_key(identity.private())?.prologue(greetings)?;
    let mut handshake = builder.psk(0, secret.bytes())?.build_initiator()?;
    bare.say(&mut handshake, &[]).await?;
    let theirs = bare.hear(&mut handshake).await.map_err(refused)?;
    bare.say(&mut handshake, name.as_bytes()).await?;
    let paired = introduced(&handshake, theirs)?;
    // The agent hangs up, or says one thing once it has written us down: encrypted, so that nobody else can say it.
    let mut sealed = [0; REMEMBERED];
    bare.reader.read_exact(&mut sealed).await.map_err(|error| refused(error.into()))?;
    let (_, mut opener) = records::pair(handshake.into_stateless_transport_mode()?);
    let (mut sealed, mut plain) = (BytesMut::from(&sealed[..]), BytesMut::new());
    opener.open(&mut sealed, &mut plain)?;
    if plain[..] == [1] { Ok(paired) } else { Err(LinkError::Refused) }
}

/// The other side of [`pair_as_host`]. The host waits until [`remembered`].
pub(crate) async fn pair_as_agent<R, W>(
    bare: &mut Bare<'_, R, W>,
    greetings: &Greetings,
    identity: &Identity,
    secret: &PairingSecret,
    name: &str,
) -> Result<(Paired, Sealer), LinkError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let builder = builder(PAIR)?.local_private_key(identity.private())?.prologue(greetings)?;
    let mut handshake = builder.psk(0, secret.bytes())?.build_responder()?;
    bare.hear(&mut handshake).await?;
    bare.say(&mut handshake, name.as_bytes()).await?;
    let theirs = bare.hear(&mut handshake).await?;
    let paired = introduced(&handshake, theirs)?;
    let (sealer, _) = records::pair(handshake.into_stateless_transport_mode()?);
    Ok((paired, sealer))
}

/// How long the record is that ends a pairing: its length, one byte, and what encryption adds.
const REMEMBERED: usize = 2 + 1 + 16;

impl<R, W: AsyncWrite + Unpin> Bare<'_, R, W> {
    /// Tells the host that it is known from now on.
    pub(crate) async fn remembered(&mut self, mut sealer: Sealer) -> Result<(), LinkError> {
        let mut sealed = Vec::with_capacity(REMEMBERED);
        sealer.seal(&[1], &mut sealed)?;
        self.writer.write_all(&sealed).await?;
        Ok(self.writer.flush().await?)
    }
}

/// Tells a host that there is no room for it, without having heard it.
pub(crate) async fn busy(writer: &mut (impl AsyncWrite + Unpin)) -> Result<(), LinkError> {
    writer.write_all(&greeting::agent(Answer::Busy)).await?;
    Ok(writer.shutdown().await?)
}

fn introduced(handshake: &HandshakeState, name: Vec<u8>) -> Result<Paired, LinkError> {
    let key = handshake.get_remote_static().and_then(PublicKey::read).ok_or(LinkError::Refused)?;
    let name = String::from_utf8(name).map_err(|_| LinkError::Garbage("a name that is no text".into()))?;
    if name.len() > LONGEST_NAME || name.chars().any(char::is_control) {
        return Err(LinkError::Garbage("a name that nobody can have".into()));
    }
    Ok(Paired { key, name })
}

/// An agent that does not know us hangs up instead of answering.
fn refused(error: LinkError) -> LinkError {
    match error {
        LinkError::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => LinkError::Refused,
        other => other,
    }
}

/// Noise by this pattern, with the cipher this crate was built with.
fn builder<'a>(pattern: &str) -> Result<Builder<'a>, LinkError> {
    let pattern = pattern.parse()?;
    #[cfg(feature = "aws-lc-rs")]
    let builder = Builder::with_resolver(pattern, super::cipher::resolver());
    #[cfg(not(feature = "aws-lc-rs"))]
    let builder = Builder::new(pattern);
    Ok(builder)
}

fn both(host: &[u8; LENGTH], agent: &[u8; LENGTH]) -> Greetings {
    let mut both = [0; 2 * LENGTH];
    both[..LENGTH].copy_from_slice(host);
    both[LENGTH..].copy_from_slice(agent);
    both
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that unwraps wrongly fails, as it should")]
pub(crate) mod tests {
    use super::{super::keys::Identity, *};

    /// The bytes of both handshakes between ends whose keys are known, and the first record of each direction after linking.
    pub(crate) fn vectors() -> Vec<(String, Vec<u8>)> {
        let (host, agent, secret) = ([0x41; 32], [0x42; 32], [0x45; 32]);
        let (of_host, of_agent) = ([0x43; 32], [0x44; 32]);
        let public = |private: &[u8; 32]| {
            // Noise's own way of getting at it: the first message of XX is the ephemeral key, and nothing else.
            let mut first = builder("Noise_XX_25519_ChaChaPoly_BLAKE2s").unwrap().fixed_ephemeral_key_for_testing_only(private);
            first = first.local_private_key(private).unwrap();
            let mut message = [0; 64];
            first.build_initiator().unwrap().write_message(&[], &mut message).unwrap();
            PublicKey::read(&message[..32]).unwrap()
        };
        let mut vectors = vec![
            ("private key of the host".to_owned(), host.to_vec()),
            ("private key of the agent".to_owned(), agent.to_vec()),
            ("ephemeral private key of the host".to_owned(), of_host.to_vec()),
            ("ephemeral private key of the agent".to_owned(), of_agent.to_vec()),
            ("pairing secret".to_owned(), secret.to_vec()),
        ];
        for (pattern, purpose, name) in [(LINK, Purpose::Link, "link"), (PAIR, Purpose::Pair, "pair")] {
            let (greeting, answer) = (greeting::host((1, 1), purpose), greeting::agent(Answer::Version(1)));
            let prologue = both(&greeting, &answer);
            let is_pair = purpose == Purpose::Pair;
            let end = |private, ephemeral| {
                let end = builder(pattern).unwrap().local_private_key(private).unwrap().prologue(&prologue).unwrap();
                let end = end.fixed_ephemeral_key_for_testing_only(ephemeral);
                if is_pair { end.psk(0, &secret).unwrap() } else { end }
            };
            let agents_key = public(&agent);
            let mut initiator = end(&host, &of_host);
            if !is_pair {
                initiator = initiator.remote_public_key(agents_key.as_bytes()).unwrap();
            }
            let (mut initiator, mut responder) =
                (initiator.build_initiator().unwrap(), end(&agent, &of_agent).build_responder().unwrap());
            vectors.push((format!("to {name}: greeting"), greeting.to_vec()));
            vectors.push((format!("to {name}: answer"), answer.to_vec()));
            let payloads: &[&[u8]] = if is_pair { &[b"", b"kiosk", b"a host"] } else { &[b"", b""] };
            for (place, payload) in payloads.iter().enumerate() {
                let (from, to) =
                    if place % 2 == 0 { (&mut initiator, &mut responder) } else { (&mut responder, &mut initiator) };
                let (mut message, mut read) = ([0; LONGEST], [0; LONGEST]);
                let length = from.write_message(payload, &mut message).unwrap();
                let length_read = to.read_message(&message[..length], &mut read).unwrap();
                assert_eq!(&read[..length_read], *payload);
                vectors.push((format!("to {name}: message {}", place + 1), message[..length].to_vec()));
            }
            assert_eq!(responder.get_remote_static(), Some(&public(&host).as_bytes()[..]));
            if is_pair {
                let (mut agent, _) = records::pair(responder.into_stateless_transport_mode().unwrap());
                let mut sealed = Vec::new();
                agent.seal(&[1], &mut sealed).unwrap();
                assert_eq!(sealed.len(), REMEMBERED);
                vectors.push(("to pair: the agent's record that ends it".to_owned(), sealed));
            } else {
                let (mut host, _) = records::pair(initiator.into_stateless_transport_mode().unwrap());
                let (mut agent, _) = records::pair(responder.into_stateless_transport_mode().unwrap());
                for (end, from) in [(&mut host, "host"), (&mut agent, "agent")] {
                    let mut sealed = Vec::new();
                    end.seal(b"hello", &mut sealed).unwrap();
                    vectors.push((format!("first record of the {from}, with `hello` in it"), sealed));
                }
            }
        }
        vectors
    }

    #[test]
    fn identities_are_what_their_private_halves_make_them() {
        let identity = Identity::generate().unwrap();
        let mut message = [0; 64];
        let end = builder("Noise_XX_25519_ChaChaPoly_BLAKE2s").unwrap().local_private_key(identity.private()).unwrap();
        let end = end.fixed_ephemeral_key_for_testing_only(identity.private());
        end.build_initiator().unwrap().write_message(&[], &mut message).unwrap();
        assert_eq!(identity.public().as_bytes(), &message[..32]);
    }
}
