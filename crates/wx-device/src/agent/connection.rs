use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{
    sync::Notify,
    time::{interval, sleep, timeout},
};

use super::{
    Agent, LIMITS, SESSIONS, SessionKey,
    session::{Session, told},
};
use crate::{
    LinkError, PublicKey,
    address::Stream,
    incoming::{Incoming, garbage, read},
    outgoing::Outgoing,
    secure::{Purpose, accept, busy, link_as_agent, pair_as_agent},
    terms::{BUILD, GOODBYE, HANDSHAKE},
    waits::is_set,
    wire::{self, Message},
};

/// How often it is looked up whether the host at the other end is still welcome.
const STILL_WELCOME: Duration = Duration::from_secs(2);

/// Serves one connection to its end.
pub(super) async fn serve(agent: Agent, mut stream: Stream) -> Result<(), LinkError> {
    let Ok(stranger) = agent.0.strangers.try_acquire() else {
        // A greeting that nobody waits for: the host reads it instead of an answer.
        let _ = timeout(GOODBYE, busy(&mut stream.writer)).await; // whether it was heard changes nothing
        return Err(LinkError::Busy);
    };
    let mut permit = None;
    let admitted = async {
        let keys = &agent.0.keys;
        let mut secret = None;
        let admit = |purpose| match purpose {
            Purpose::Link => {
                permit = Some(agent.0.connections.try_acquire().map_err(|_| LinkError::Busy)?);
                Ok(())
            }
            Purpose::Pair => {
                secret = keys.offered()?;
                if secret.is_some() { Ok(()) } else { Err(LinkError::NotPairing) }
            }
        };
        let (mut bare, greetings, _) = accept(&mut stream.reader, &mut stream.writer, admit).await?;
        let Some(secret) = secret else {
            let known = |host| keys.knows(host);
            return link_as_agent(bare, &greetings, keys.identity(), known).await.map(Some);
        };
        let (paired, sealer) = pair_as_agent(&mut bare, &greetings, keys.identity(), &secret, &agent.0.name).await?;
        if !keys.redeem(&secret, &paired.name, paired.key)? {
            return Err(LinkError::NotPairing);
        }
        tracing::info!(host = paired.name, "a host was paired");
        bare.remembered(sealer).await?;
        Ok(None)
    };
    let admitted = timeout(HANDSHAKE, admitted).await.map_err(|_| LinkError::Silent(HANDSHAKE.as_secs()))??;
    let Some((sealer, opener, host)) = admitted else { return Ok(()) };
    drop(stranger);

    let out = Arc::new(Outgoing::default());
    let mut incoming = Incoming::new(stream.reader, opener, LIMITS.message);
    let talked = Notify::new();
    let talk = async {
        let result = talk(&agent, host, &mut incoming, &out).await;
        if let Err(error) = &result {
            out.say(wire::Goodbye { reason: &error.to_string() });
        }
        out.close();
        talked.notify_one();
        let _ = timeout(GOODBYE, incoming.drain()).await; // a host that hears it hangs up
        result
    };
    let write = async {
        // A host that takes nothing any more must not keep the connection open for long.
        let too_long = async {
            talked.notified().await;
            sleep(GOODBYE).await;
        };
        tokio::select! {
            written = out.write(&mut stream.writer, sealer) => written,
            () = too_long => Ok(()),
        }
    };
    let (talked, written) = tokio::join!(talk, write);
    match talked {
        Ok(true) => Ok(()), // who has said goodbye need not hear the rest
        Ok(false) => written,
        Err(why) => Err(why),
    }
}

/// Everything after the handshake; whether the host said goodbye.
async fn talk<R>(agent: &Agent, host: PublicKey, incoming: &mut Incoming<R>, out: &Arc<Outgoing>) -> Result<bool, LinkError>
where
    R: tokio::io::AsyncRead + Unpin,
{
    let first = timeout(HANDSHAKE, incoming.wait()).await.map_err(|_| LinkError::Silent(HANDSHAKE.as_secs()))??;
    let Some(first) = first else { return Ok(false) };
    let Message::Hello(wire::Hello { session, build }) = read(&first)? else {
        return Err(garbage("something before its hello"));
    };
    tracing::info!(%host, build = told(build), "a host is there");
    let attached = attach(agent, SessionKey::new(host, session), out)?;
    let result = listen(agent, host, &attached, incoming, out).await;
    let is_over = matches!(result, Ok(true) | Err(LinkError::Refused));
    if is_over {
        agent.end(&attached.session, attached.number).await;
    }
    result
}

/// A session's connection. However it ends, the session then waits for its host.
struct Attached<'a> {
    agent: &'a Agent,
    session: Arc<Session>,
    number: u64,
}

impl Drop for Attached<'_> {
    fn drop(&mut self) {
        self.session.wait_for_its_host(self.agent, self.number);
    }
}

/// Does what the host says, until it says goodbye (`true`) or the connection ends (`false`).
async fn listen<R>(
    agent: &Agent,
    host: PublicKey,
    attached: &Attached<'_>,
    incoming: &mut Incoming<R>,
    out: &Arc<Outgoing>,
) -> Result<bool, LinkError>
where
    R: tokio::io::AsyncRead + Unpin,
{
    let mut ending = agent.0.ending.subscribe();
    let mut still_welcome = interval(STILL_WELCOME);
    let mut heard = tokio::time::Instant::now();
    let mut messages: Vec<Bytes> = Vec::new();
    loop {
        while let Some(message) = incoming.next()? {
            messages.push(message);
        }
        if !messages.is_empty() {
            let read: Vec<Message<'_>> = messages.iter().map(|message| read(message)).collect::<Result<_, _>>()?;
            if attached.session.hear(&agent.0, read, attached.number, out).await? {
                return Ok(true);
            }
            messages.clear();
            heard = tokio::time::Instant::now();
        }
        tokio::select! {
            more = incoming.more() => {
                if !more? {
                    return Ok(false);
                }
                heard = tokio::time::Instant::now();
            }
            () = out.closed() => return Ok(false),
            () = is_set(&mut ending) => {
                out.say(wire::Goodbye { reason: "the agent ends" });
                return Ok(false);
            }
            _ = still_welcome.tick() => {
                if !agent.0.keys.knows(host) {
                    return Err(LinkError::Refused);
                }
                if heard.elapsed() > agent.0.silence {
                    return Err(LinkError::Silent(agent.0.silence.as_secs()));
                }
            }
        }
    }
}

/// The session of this name, answered over this connection from now on; its welcome is ahead of all it says. Under the lock of all sessions,
/// so that none ends meanwhile.
fn attach<'a>(agent: &'a Agent, key: SessionKey, out: &Arc<Outgoing>) -> Result<Attached<'a>, LinkError> {
    let mut sessions = agent.sessions();
    let (session, resumed) = if let Some(session) = sessions.get(&key) {
        (session.clone(), true)
    } else {
        let others = sessions.values().filter(|other| other.key().host == key.host);
        if others.clone().count() >= SESSIONS {
            // Whoever was killed does not come back, and must not keep the next one out.
            let away = others.filter_map(|other| Some((other.away_since()?, other.clone())));
            let (_, longest) = away.min_by_key(|(since, _)| *since).ok_or(LinkError::Busy)?;
            sessions.remove(&longest.key());
            tokio::spawn(async move { longest.end().await });
        }
        agent.0.journal.opened(key)?;
        let session = Session::new(agent, key);
        sessions.insert(key, session.clone());
        (session, false)
    };
    let apis = agent.0.supported.iter().map(wx_api::Api::name).collect();
    out.say(wire::Welcome { epoch: agent.0.epoch, resumed, build: BUILD, apis, limits: LIMITS });
    let number = session.attach(out.clone());
    Ok(Attached { agent, session, number })
}
