use minicbor::{
    Decode, Decoder, Encode, Encoder,
    bytes::ByteVec,
    decode,
    encode::{self, Write},
};

/// Everything that two ends say to one another once they are sure of one another, each with its number on the wire.
///
/// There, a message is `[number, [fields…]]` in CBOR. Fields that come after those one knows are skipped, so that later versions may add
/// some. `docs/link-protocol.md` explains each message.
macro_rules! messages {
    ($($(#[$doc:meta])* $number:literal $name:ident $(<$life:lifetime>)?,)*) => {
        #[derive(Clone, Debug, PartialEq)]
        pub(crate) enum Message<'a> {
            $($(#[$doc])* $name($name $(<$life>)?),)*
        }

        impl<C> Encode<C> for Message<'_> {
            fn encode<W: Write>(&self, encoder: &mut Encoder<W>, cx: &mut C) -> Result<(), encode::Error<W::Error>> {
                encoder.array(2)?;
                match self {
                    $(Self::$name(message) => message.encode(encoder.u8($number)?, cx),)*
                }
            }
        }

        impl<'a, C> Decode<'a, C> for Message<'a> {
            fn decode(decoder: &mut Decoder<'a>, cx: &mut C) -> Result<Self, decode::Error> {
                if decoder.array()? != Some(2) {
                    return Err(decode::Error::message("not a number and fields"));
                }
                match decoder.u8()? {
                    $($number => $name::decode(decoder, cx).map(Self::$name),)*
                    _ => Err(decode::Error::message("of a number that nobody knows")),
                }
            }
        }

        $(impl<'a> From<$name $(<$life>)?> for Message<'a> {
            fn from(message: $name $(<$life>)?) -> Self {
                Self::$name(message)
            }
        })*
    };
}

messages! {
    // What a host says.
    /// First of all: who this is.
    0 Hello<'a>,
    /// From now on calls name who calls by this number.
    1 Context<'a>,
    /// This number is no longer used.
    2 Forget,
    3 Call<'a>,
    /// Nobody waits for this answer any more.
    4 Cancel,
    /// These answers have arrived.
    5 Ack,
    6 Subscribe<'a>,
    7 Unsubscribe,
    /// The events of this subscription up to this number have arrived: so many more may be sent.
    8 Taken,
    /// That was all of it: what was not named over this connection may be forgotten.
    9 Told,
    // What an agent says.
    /// The answer to the hello.
    16 Welcome<'a>,
    /// The result of a call that went well.
    17 Reply<'a>,
    /// A call that failed.
    18 Failure<'a>,
    /// No more events of this subscription will come.
    19 Ended,
    20 Event<'a>,
    /// So many of an event were lost here, because they were not taken in time.
    21 Lost<'a>,
    // What both say.
    /// Are you there, and have you begun everything I said before?
    32 Ping,
    /// Yes.
    33 Pong,
    /// The end, on purpose.
    34 Goodbye<'a>,
    /// A piece of a message that is too long for a frame; the last one completes it.
    35 Part<'a>,
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
#[allow(clippy::struct_field_names)] // it is called so in all messages
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
#[allow(clippy::struct_field_names)] // it is called so in all messages
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

#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub(crate) struct Forget {
    #[n(0)]
    pub(crate) context: u64,
}

#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub(crate) struct Cancel {
    #[n(0)]
    pub(crate) call: u64,
}

#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub(crate) struct Ack {
    #[n(0)]
    pub(crate) calls: Vec<u64>,
}

#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub(crate) struct Unsubscribe {
    #[n(0)]
    pub(crate) subscription: u64,
}

#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub(crate) struct Taken {
    #[n(0)]
    pub(crate) subscription: u64,
    #[n(1)]
    pub(crate) number: u64,
}

#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub(crate) struct Told {}

#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub(crate) struct Reply<'a> {
    #[n(0)]
    pub(crate) call: u64,
    #[cbor(b(1), with = "minicbor::bytes")]
    pub(crate) result: &'a [u8],
}

#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub(crate) struct Ended {
    #[n(0)]
    pub(crate) subscription: u64,
}

#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub(crate) struct Lost<'a> {
    #[n(0)]
    pub(crate) subscription: u64,
    #[n(1)]
    pub(crate) number: u64,
    #[b(2)]
    pub(crate) event: &'a str,
    #[n(3)]
    pub(crate) count: u64,
}

#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub(crate) struct Ping {
    #[n(0)]
    pub(crate) number: u64,
}

#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub(crate) struct Pong {
    #[n(0)]
    pub(crate) number: u64,
}

#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub(crate) struct Goodbye<'a> {
    #[b(0)]
    pub(crate) reason: &'a str,
}

#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub(crate) struct Part<'a> {
    #[n(0)]
    pub(crate) message: u64,
    #[n(1)]
    pub(crate) last: bool,
    #[cbor(b(2), with = "minicbor::bytes")]
    pub(crate) data: &'a [u8],
}

impl Message<'_> {
    /// Appends the message as a frame, its length first.
    pub(crate) fn frame(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        write(self, out);
        let length = u32::try_from(out.len() - start - 4).unwrap_or(u32::MAX); // longer ones are sent in parts
        out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    }

    /// The message alone.
    pub(crate) fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::new();
        write(self, &mut out);
        out
    }
}

fn write(message: &Message<'_>, out: &mut Vec<u8>) {
    // Writing into memory cannot fail, and none of the types refuses to be written.
    let Ok(()) = minicbor::encode(message, out).map_err(|error| unreachable!("{error}"));
}
