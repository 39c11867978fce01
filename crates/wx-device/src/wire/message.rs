use minicbor::{Decode, Encode, bytes::ByteVec};

/// Everything that two ends say to one another once they are sure of one another. `docs/link-protocol.md` explains each.
///
/// On the wire a message is `[type, [fields…]]` in CBOR; fields that come after those one knows are skipped, so that later
/// versions may add some.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub(crate) enum Message<'a> {
    // What a host says.
    /// First of all: who this is, and what of it the agent should still know.
    #[n(0)]
    Hello(#[b(0)] Hello<'a>),
    /// From now on calls name who calls by this number.
    #[n(1)]
    Context(#[b(0)] Context<'a>),
    /// This number is no longer used.
    #[n(2)]
    Forget {
        #[n(0)]
        context: u64,
    },
    #[n(3)]
    Call(#[b(0)] Call<'a>),
    /// Nobody waits for this answer any more.
    #[n(4)]
    Cancel {
        #[n(0)]
        call: u64,
    },
    /// These answers have arrived.
    #[n(5)]
    Ack {
        #[n(0)]
        calls: Vec<u64>,
    },
    #[n(6)]
    Subscribe(#[b(0)] Subscribe<'a>),
    #[n(7)]
    Unsubscribe {
        #[n(0)]
        subscription: u64,
    },
    /// The events of this subscription up to this number have arrived: so many more may be sent.
    #[n(8)]
    Taken {
        #[n(0)]
        subscription: u64,
        #[n(1)]
        number: u64,
    },

    // What an agent says.
    /// The answer to the hello.
    #[n(16)]
    Welcome(#[b(0)] Welcome<'a>),
    /// The result of a call that went well.
    #[n(17)]
    Reply {
        #[n(0)]
        call: u64,
        #[cbor(b(1), with = "minicbor::bytes")]
        result: &'a [u8],
    },
    /// A call that failed.
    #[n(18)]
    Failure(#[b(0)] Failure<'a>),
    /// No more events of this subscription will come.
    #[n(19)]
    Ended {
        #[n(0)]
        subscription: u64,
    },
    #[n(20)]
    Event(#[b(0)] Event<'a>),
    /// So many of an event were lost here, because they were not taken in time.
    #[n(21)]
    Lost {
        #[n(0)]
        subscription: u64,
        #[n(1)]
        number: u64,
        #[b(2)]
        event: &'a str,
        #[n(3)]
        count: u64,
    },

    // What both say.
    /// Are you there, and have you begun everything I said before?
    #[n(32)]
    Ping {
        #[n(0)]
        number: u64,
    },
    /// Yes.
    #[n(33)]
    Pong {
        #[n(0)]
        number: u64,
    },
    /// The end, on purpose.
    #[n(34)]
    Goodbye {
        #[b(0)]
        reason: &'a str,
    },
    /// A piece of a message that is too long for a frame; the last one completes it.
    #[n(35)]
    Part {
        #[n(0)]
        message: u64,
        #[n(1)]
        last: bool,
        #[cbor(b(2), with = "minicbor::bytes")]
        data: &'a [u8],
    },
}

#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub(crate) struct Hello<'a> {
    /// The session: what one process of a host has going with an agent, over any number of connections.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub(crate) session: [u8; 16],
    /// What the host runs, for logs.
    #[b(1)]
    pub(crate) build: &'a str,
}

#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub(crate) struct Welcome<'a> {
    /// The agent's life: another one after each start.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub(crate) epoch: [u8; 16],
    /// Whether the agent, or its journal, still knows the session.
    #[n(1)]
    pub(crate) resumed: bool,
    /// What the agent runs, for logs.
    #[b(2)]
    pub(crate) build: &'a str,
    /// The APIs and events that are there, by name.
    #[b(3)]
    pub(crate) apis: Vec<&'a str>,
    #[n(4)]
    pub(crate) limits: Limits,
}

/// What an agent takes from one host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Limits {
    /// Calls under way at a time.
    #[n(0)]
    pub(crate) calls: u32,
    /// Contexts at a time.
    #[n(1)]
    pub(crate) contexts: u32,
    /// Subscriptions at a time.
    #[n(2)]
    pub(crate) subscriptions: u32,
    /// Bytes of a message, all its parts together.
    #[n(3)]
    pub(crate) message: u32,
}

#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub(crate) struct Context<'a> {
    #[n(0)]
    pub(crate) number: u64,
    #[b(1)]
    pub(crate) app: &'a str,
    #[b(2)]
    pub(crate) user: &'a str,
    /// The host's number of the life cycle: two contexts of one life cycle have the same.
    #[n(3)]
    pub(crate) launch: u64,
    /// The profile as serde writes it.
    #[cbor(b(4), with = "minicbor::bytes")]
    pub(crate) profile: &'a [u8],
}

#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub(crate) struct Call<'a> {
    #[n(0)]
    pub(crate) call: u64,
    #[n(1)]
    pub(crate) context: u64,
    /// How many milliseconds an answer is of use, counted from now: clocks of two machines differ.
    #[n(2)]
    pub(crate) remaining: Option<u64>,
    #[b(3)]
    pub(crate) api: &'a str,
    /// The request as serde writes it.
    #[cbor(b(4), with = "minicbor::bytes")]
    pub(crate) args: &'a [u8],
}

#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub(crate) struct Failure<'a> {
    #[n(0)]
    pub(crate) call: u64,
    /// The API that the failure names, which is not always the one that was called.
    #[b(1)]
    pub(crate) api: &'a str,
    #[b(2)]
    pub(crate) kind: &'a str,
    #[n(3)]
    pub(crate) code: Option<i32>,
    #[n(4)]
    pub(crate) separator: char,
    #[b(5)]
    pub(crate) reason: &'a str,
    /// What the failed answer carries all the same: of this API, as serde writes it.
    #[n(6)]
    pub(crate) carried: Option<ByteVec>,
    /// The API whose result `carried` is.
    #[b(7)]
    pub(crate) carried_of: Option<&'a str>,
}

#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub(crate) struct Subscribe<'a> {
    #[n(0)]
    pub(crate) subscription: u64,
    #[n(1)]
    pub(crate) context: u64,
    #[b(2)]
    pub(crate) events: Vec<&'a str>,
    /// The number of the last event that has arrived; 0 at first.
    #[n(3)]
    pub(crate) taken: u64,
}

#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub(crate) struct Event<'a> {
    #[n(0)]
    pub(crate) subscription: u64,
    /// Counts what was sent in this subscription from 1, lost events included.
    #[n(1)]
    pub(crate) number: u64,
    #[b(2)]
    pub(crate) event: &'a str,
    #[cbor(b(3), with = "minicbor::bytes")]
    pub(crate) payload: &'a [u8],
}

impl Message<'_> {
    /// Appends the message as a frame, its length first.
    pub(crate) fn frame(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        encode(self, out);
        let length = u32::try_from(out.len() - start - 4).unwrap_or(u32::MAX); // longer ones are sent in parts
        out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    }

    /// The message alone.
    pub(crate) fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::new();
        encode(self, &mut out);
        out
    }
}

fn encode(message: &Message<'_>, out: &mut Vec<u8>) {
    // Writing into memory cannot fail, and none of the types refuses to be written.
    let Ok(()) = minicbor::encode(message, out).map_err(|error| unreachable!("{error}"));
}
