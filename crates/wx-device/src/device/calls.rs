use std::sync::Arc;

use futures_util::future::{Either, select};
use tokio::sync::oneshot;
use wx_api::{Call, Cx, Error, ErrorKind, Reply, Result};

use super::state::Shared;
use crate::wire::value;

/// A call that waits for its answer. Dropping it tells the device that nobody waits any more.
pub(super) struct Waiting {
    shared: Arc<Shared>,
    number: u64,
    answer: oneshot::Receiver<Result<Reply>>,
    is_over: bool,
}

impl Waiting {
    pub(super) fn new(shared: Arc<Shared>, number: u64, answer: oneshot::Receiver<Result<Reply>>) -> Self {
        Self { shared, number, answer, is_over: false }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if !self.is_over {
            self.shared.cancel(self.number);
        }
    }
}

pub(super) async fn invoke(shared: &Arc<Shared>, cx: &Cx, call: Call) -> Result<Reply> {
    let api = call.api();
    let args = value::encode(&call).map_err(|error| Error::internal(api, error))?;
    let answered = async {
        let mut waiting = shared.call(cx, api, args).await?;
        let answer = (&mut waiting.answer).await;
        waiting.is_over = true;
        answer.map_err(|_| Error::new(api, ErrorKind::Unavailable, "the link was closed"))?
    };
    let Some(at) = cx.deadline() else { return answered.await };
    match select(Box::pin(answered), shared.clock().sleep_until(at)).await {
        Either::Left((answer, _)) => answer,
        Either::Right(((), _)) => Err(Error::timeout(api)),
    }
}
