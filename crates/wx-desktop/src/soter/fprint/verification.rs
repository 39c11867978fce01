//! One dialog's use of the reader: claimed, asked for one finger after the other, given back.

use std::sync::Arc;

use futures_util::StreamExt as _;
use tokio::{
    select,
    sync::{Mutex, mpsc, oneshot},
};
use wx_api::Touch;
use zbus::proxy::OwnerChangedStream;

use super::bus::{self, Bus, DeviceProxy, VerifyFingerSelectedStream, VerifyStatusStream};

/// The names of fingers, in the order of libfprint's numbers.
const FINGERS: [&str; 10] = [
    "left-thumb",
    "left-index-finger",
    "left-middle-finger",
    "left-ring-finger",
    "left-little-finger",
    "right-thumb",
    "right-index-finger",
    "right-middle-finger",
    "right-ring-finger",
    "right-little-finger",
];

/// Answers everybody who wants a finger, until nobody does any more. It always ends with the reader given back: whoever comes next waits
/// for that.
pub(super) async fn verify(bus: Bus, turn: Arc<Mutex<()>>, mut wanted: mpsc::Receiver<oneshot::Sender<Touch>>) {
    let _turn = turn.lock().await;
    if wanted.is_closed() {
        return;
    }
    let verification = Verification::begin(&bus).await;
    match verification {
        Ok(mut verification) => {
            while let Some(answer) = wanted.recv().await {
                verification.answer(answer).await;
            }
            verification.end().await;
        }
        Err(error) => {
            tracing::debug!(%error, "the fingerprint reader cannot be had");
            if let Some(answer) = wanted.recv().await {
                let _ = answer.send(failed(&error)); // or nobody wants to know any more
            }
        }
    }
}

struct Verification {
    device: DeviceProxy<'static>,
    statuses: VerifyStatusStream,
    selected: VerifyFingerSelectedStream,
    owner: OwnerChangedStream<'static>,
}

impl Verification {
    /// Claims the reader. Ears are open before anything is said.
    async fn begin(bus: &Bus) -> zbus::Result<Self> {
        let device = bus::device(bus).await?;
        let (statuses, selected) = (device.receive_verify_status().await?, device.receive_verify_finger_selected().await?);
        let owner = device.inner().receive_owner_changed().await?;
        bus::claim(&device).await?;
        Ok(Self { device, statuses, selected, owner })
    }

    /// Waits for a finger, unless nobody wants it any more.
    async fn answer(&mut self, mut answer: oneshot::Sender<Touch>) {
        if answer.is_closed() {
            return;
        }
        let touch = match self.device.verify_start("any").await {
            Ok(()) => {
                let touch = select! {
                    touch = self.touched() => Some(touch),
                    () = answer.closed() => None,
                };
                // Also after a match: fprintd keeps at it until it is told.
                let stopped = self.device.verify_stop().await;
                stopped.map_or(Some(Touch::Fault), |()| touch)
            }
            Err(error) => Some(failed(&error)),
        };
        if let Some(touch) = touch {
            let _ = answer.send(touch); // or nobody wants to know any more
        }
    }

    async fn touched(&mut self) -> Touch {
        let mut finger = "0".to_owned();
        loop {
            select! {
                biased; // the finger is named before it is judged
                Some(selected) = self.selected.next() => {
                    let known = selected.args().ok().and_then(|args| FINGERS.iter().position(|name| *name == args.finger));
                    if let Some(at) = known {
                        finger = (at + 1).to_string();
                    }
                }
                status = self.statuses.next() => {
                    let Some(status) = status else { return Touch::Fault }; // the bus has gone
                    let Ok(args) = status.args() else { return Touch::Fault };
                    match args.result.as_str() {
                        "verify-match" => return Touch::Match { finger },
                        "verify-no-match" => return Touch::NoMatch,
                        _ if args.done => return Touch::Fault,
                        _ => {} // it moved too fast, or was not in the middle: fprintd waits on
                    }
                }
                _ = self.owner.next() => return Touch::Fault, // fprintd has gone, or is another one
            }
        }
    }

    async fn end(self) {
        if let Err(error) = self.device.release().await {
            tracing::debug!(%error, "the fingerprint reader could not be given back"); // our connection ends, so fprintd takes it back
        }
    }
}

fn failed(error: &zbus::Error) -> Touch {
    if bus::is(error, "NoEnrolledPrints") { Touch::NotEnrolled } else { Touch::Fault }
}
