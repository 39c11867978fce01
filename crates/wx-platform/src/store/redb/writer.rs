//! One thread that changes things, for everybody at once.

use std::{
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
};

use tokio::sync::oneshot;

use super::{
    disk::{Disk, Trouble},
    tables::Tables,
};
use crate::store::Result;

/// The most steps of one transaction, so that the first of them need not wait for ever.
const MOST_STEPS: usize = 1024;

/// The most steps that wait for the next transaction: what a disk that hangs may collect.
const MOST_WAITING: usize = 16_384;

/// Where steps queue up, and the thread that takes them.
pub(super) struct Writer {
    disk: Arc<Disk>,
    /// None once the writer is being dropped: that ends the thread.
    queue: Option<mpsc::SyncSender<Box<dyn Step>>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(disk: Arc<Disk>) -> Result<Self> {
        let (queue, steps) = mpsc::sync_channel(MOST_WAITING);
        let thread = thread::Builder::new().name("store".into()).spawn({
            let disk = disk.clone();
            move || run(&disk, &steps)
        });
        let thread = thread.map_err(|error| disk.error(Trouble::Failed(format!("its thread does not start: {error}"))))?;
        Ok(Self { disk, queue: Some(queue), thread: Some(thread) })
    }

    /// Takes this step, and answers once it is on the disk.
    ///
    /// The step must have read all it reads before it changes anything: then a record that cannot be read fails this step alone.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tables<'_>) -> std::result::Result<T, Trouble> + Send + 'static,
    ) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        let step = Box::new(Asked { work: Some(work), outcome: None, answer });
        let gone = || self.disk.error(Trouble::Failed("its thread has ended: restart the server".into()));
        self.queue.as_ref().ok_or_else(gone)?.try_send(step).map_err(|error| match error {
            mpsc::TrySendError::Full(_) => {
                self.disk.error(Trouble::Failed("the disk does not keep up: try again later".into()))
            }
            mpsc::TrySendError::Disconnected(_) => gone(),
        })?;
        answered.await.map_err(|_| gone())?.map_err(|trouble| self.disk.error(trouble))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join(); // if it panicked, it has said so
        }
    }
}

/// Takes all steps that wait, does them in one transaction, answers them all, and so on until nobody can ask any more.
fn run(disk: &Disk, steps: &mpsc::Receiver<Box<dyn Step>>) {
    while let Ok(first) = steps.recv() {
        let mut batch = vec![first];
        batch.extend(steps.try_iter().take(MOST_STEPS - 1));
        // Whoever has gone would never learn that it happened.
        batch.retain(|step| step.is_wanted());
        if batch.is_empty() {
            continue;
        }
        let committed = disk.commit(|tables| batch.iter_mut().try_for_each(|step| step.take(tables)));
        if let Err(trouble) = &committed {
            let error = disk.error(trouble.clone());
            tracing::error!(%error, steps = batch.len(), "a transaction failed");
        }
        for step in batch {
            step.answer(&committed);
        }
        // Only now: it may take long. A step that comes meanwhile waits, and opens the file itself if this fails.
        if committed.is_err()
            && let Err(trouble) = disk.reopen()
        {
            let error = disk.error(trouble);
            tracing::error!(%error, "the store cannot be opened again");
        }
    }
}

trait Step: Send {
    /// Whether somebody still waits for the answer.
    fn is_wanted(&self) -> bool;
    /// Does it. An error is one of the transaction; one of this step alone is kept for its answer.
    fn take(&mut self, tables: &mut Tables<'_>) -> std::result::Result<(), Trouble>;
    /// Tells who asked.
    fn answer(self: Box<Self>, committed: &std::result::Result<(), Trouble>);
}

struct Asked<W, T> {
    work: Option<W>,
    outcome: Option<std::result::Result<T, Trouble>>,
    answer: oneshot::Sender<std::result::Result<T, Trouble>>,
}

impl<W, T> Step for Asked<W, T>
where
    W: FnOnce(&mut Tables<'_>) -> std::result::Result<T, Trouble> + Send,
    T: Send,
{
    fn is_wanted(&self) -> bool {
        !self.answer.is_closed()
    }

    fn take(&mut self, tables: &mut Tables<'_>) -> std::result::Result<(), Trouble> {
        match self.work.take().map(|work| work(tables)) {
            outcome @ (None | Some(Ok(_) | Err(Trouble::Record(_)))) => {
                self.outcome = outcome;
                Ok(())
            }
            Some(Err(trouble)) => Err(trouble),
        }
    }

    fn answer(self: Box<Self>, committed: &std::result::Result<(), Trouble>) {
        let answer = match (committed, self.outcome) {
            (Ok(()), Some(outcome)) => outcome,
            (Ok(()), None) => Err(Trouble::Failed("the step was left out".into())),
            (Err(trouble), _) => Err(trouble.clone()),
        };
        let _ = self.answer.send(answer); // whoever asked may have gone
    }
}
