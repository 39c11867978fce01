//! A card reader next to the device.

use std::sync::Arc;

use bytes::Bytes;

use crate::{
    field::{End, Field, Handed, Ticket},
    monitor::Monitor,
};

/// A card reader next to the device. It holds the device in its field from its first command until it leaves.
#[derive(Debug)]
pub struct Reader(pub(crate) Arc<Monitor<Field>>);

impl Reader {
    /// Sends a command and waits for the response, for as long as it takes. Commands sent at once go out one after the other.
    ///
    /// None, when there is no card: no app has registered, or the radio cannot emulate one. None too, when the card went away: the
    /// field was lost, or the last app stopped. Dropping the future gives the response up, not the command.
    pub async fn transceive(&self, command: &[u8]) -> Option<Bytes> {
        let under_way = UnderWay { field: &self.0, ticket: self.0.change(Field::begin) };
        let ticket = under_way.ticket;
        let end = match self.0.until(|field| field.hand_in(ticket, command)).await {
            Handed::Ended(end) => end,
            Handed::Delivered => self.0.until(|field| field.collect(ticket)).await,
        };
        match end {
            End::Answer(answer) => Some(answer),
            End::NoCard => None,
        }
    }

    /// Goes away: the field is lost.
    pub fn leave(&self) {
        self.0.change(Field::lose);
    }
}

/// A command that the reader waits for.
struct UnderWay<'a> {
    field: &'a Monitor<Field>,
    ticket: Ticket,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.field.change(|field| field.end(self.ticket));
    }
}
