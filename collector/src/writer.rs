//! One thread that writes. It stores what has queued up in one transaction, so that a commit, which waits for the disk,
//! is shared by all who wait; and it answers after the commit.

use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::error::ApiError;
use crate::store::{Batch, Store, StoreError};

/// The most rows that wait, over all batches. More are answered with 503 at once.
const MAX_QUEUED_ROWS: u32 = 20_000;
/// The most rows in a transaction, roughly: bounds how long the first of them waits.
const MAX_COMMIT_ROWS: usize = 5_000;

/// Hands batches to the writing thread.
#[derive(Clone)]
pub struct Writer {
    queue: mpsc::UnboundedSender<Job>,
    /// What bounds the queue: one permit for each row.
    room: Arc<Semaphore>,
}

struct Job {
    batch: Batch,
    done: oneshot::Sender<Result<(), StoreError>>,
    /// Frees its room in the queue when the job is dropped.
    _room: OwnedSemaphorePermit,
}

impl Writer {
    /// Starts the thread. It ends, having stored what is queued, when every `Writer` is dropped.
    ///
    /// # Errors
    /// The system has no thread left.
    pub fn start(store: Arc<dyn Store>) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (queue, jobs) = mpsc::unbounded_channel();
        let thread = std::thread::Builder::new().name("writer".to_owned()).spawn(move || run(&*store, jobs))?;
        Ok((Self { queue, room: Arc::new(Semaphore::new(MAX_QUEUED_ROWS as usize)) }, thread))
    }

    /// Stores `batch`. When this returns without an error, it is on the disk.
    ///
    /// # Errors
    /// 503 when the queue is full or the store fails.
    pub async fn append(&self, batch: Batch) -> Result<(), ApiError> {
        // A batch without rows has counters, and takes a place too.
        let rows = u32::try_from(batch.records.len()).unwrap_or(MAX_QUEUED_ROWS).clamp(1, MAX_QUEUED_ROWS);
        let Ok(room) = Arc::clone(&self.room).try_acquire_many_owned(rows) else {
            return Err(ApiError::unavailable("too many rows are waiting to be stored"));
        };
        let (done, answer) = oneshot::channel();
        let stopped = || ApiError::unavailable("the collector is stopping");
        self.queue.send(Job { batch, done, _room: room }).map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?.map_err(|error| ApiError::unavailable(error.to_string()))
    }

    /// Whether the thread still runs.
    pub fn is_running(&self) -> bool {
        !self.queue.is_closed()
    }
}

fn run(store: &dyn Store, mut jobs: mpsc::UnboundedReceiver<Job>) {
    while let Some(first) = jobs.blocking_recv() {
        let mut rows = first.batch.records.len();
        let mut group = vec![first];
        while rows < MAX_COMMIT_ROWS {
            let Ok(next) = jobs.try_recv() else { break };
            rows += next.batch.records.len();
            group.push(next);
        }
        commit(store, group);
    }
}

fn commit(store: &dyn Store, group: Vec<Job>) {
    let (batches, waiting): (Vec<Batch>, Vec<_>) =
        group.into_iter().map(|job| (job.batch, (job.done, job._room))).unzip();
    let outcome = store.append(&batches);
    let alone = batches.len() == 1;
    for (batch, (done, _room)) in batches.iter().zip(waiting) {
        // A batch that cannot be stored must not fail those that share its transaction.
        let answer = match &outcome {
            Err(_) if !alone => store.append(std::slice::from_ref(batch)),
            shared => shared.clone(),
        };
        // Whoever asked may have hung up.
        let _ = done.send(answer);
    }
}
