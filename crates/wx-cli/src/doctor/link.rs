//! How the link to a device is.

use std::{sync::Arc, time::Instant};

use wx_api::{Api, Invoke as _};
use wx_device::{Address, Device, LinkError};
use wx_host::TokioClock;

use super::Part;
use crate::{failure::Failure, link};

/// How often the device is asked, of which the median tells.
const ASKED: usize = 21;

/// Whether the device is paired, whether its agent answers, and how fast: in this order, as far as one goes without the one before.
pub(crate) async fn parts(address: &Address) -> Result<Vec<Part>, Failure> {
    let keys = Arc::new(link::keys()?);
    let part = |name, purpose, found, detail, get| Part { name, found, detail, get, purpose, apis: Vec::new(), used: true };
    let pairing = |found, detail| {
        part("pairing", "being let in", found, detail, "run `wx agent pair` there, and `wx agent join` here with what it shows")
    };
    let peer = match keys.at(&address.to_string()) {
        Ok(peer) => peer,
        Err(LinkError::Unpaired(_)) => return Ok(vec![pairing(false, format!("no device is paired at {address}"))]),
        Err(error) => return Err(Failure::failed(error)),
    };
    let mut parts = vec![pairing(true, format!("{}, whose key is {}", peer.name, peer.key))];

    let begun = Instant::now();
    let agent = |found, detail, get| part("agent", "answering", found, detail, get);
    let device = match Device::builder(address.clone(), keys, Arc::new(TokioClock)).connect().await {
        Ok(device) => device,
        Err(error) => {
            let get = match error {
                LinkError::Io(_) | LinkError::Silent(_) => "run `wx agent serve` there, where this machine reaches it",
                LinkError::Refused => "run `wx agent pair` there, and `wx agent join` here",
                _ => "see `wx agent serve -v` there",
            };
            parts.push(agent(false, error.to_string(), get));
            return Ok(parts);
        }
    };
    let (connected, apis) = (begun.elapsed(), device.supported().iter().count());
    parts.push(agent(true, format!("there after {connected:.1?}, with {apis} of {} APIs", Api::ALL.len()), ""));
    parts.push(match round_trip(&device).await {
        Ok(median) => part("round trip", "the least that a call takes", true, median, ""),
        Err(why) => part("round trip", "the least that a call takes", false, why, "see `wx agent serve -v` there"),
    });
    device.close().await;
    Ok(parts)
}

async fn round_trip(device: &Device) -> Result<String, String> {
    let mut took = Vec::with_capacity(ASKED);
    for _ in 0..ASKED {
        let asked = Instant::now();
        device.ping().await?;
        took.push(asked.elapsed());
    }
    took.sort_unstable();
    Ok(format!("{:.1?}, the median of {ASKED}", took[ASKED / 2]))
}
