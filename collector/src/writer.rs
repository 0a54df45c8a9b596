//! One thread that writes. It stores what has queued up in one transaction, so that a commit, which waits for the disk,
//! is shared by all who wait; and it answers after the commit.

use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::error::ApiError;
use crate::store::{Batch, Store, StoreError};
use crate::{clock, log};

/// The most rows that wait, over all batches, as [`Batch::rows`] counts them. More are answered with 503 at once.
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
    room: OwnedSemaphorePermit,
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
        // A batch without rows is counted, and takes a place too.
        let rows = u32::try_from(batch.rows()).unwrap_or(MAX_QUEUED_ROWS).clamp(1, MAX_QUEUED_ROWS);
        let Ok(room) = Arc::clone(&self.room).try_acquire_many_owned(rows) else {
            return Err(ApiError::unavailable("too many rows are waiting to be stored"));
        };
        let (done, answer) = oneshot::channel();
        let stopped = || ApiError::unavailable("the collector is stopping");
        self.queue.send(Job { batch, done, room }).map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?.map_err(|error| ApiError::unavailable(error.to_string()))
    }

    /// Whether the thread still runs.
    pub fn is_running(&self) -> bool {
        !self.queue.is_closed()
    }
}

fn run(store: &dyn Store, mut jobs: mpsc::UnboundedReceiver<Job>) {
    let failures = log::Throttle::default();
    while let Some(first) = jobs.blocking_recv() {
        let mut rows = first.batch.rows();
        let mut group = vec![first];
        while rows < MAX_COMMIT_ROWS {
            let Ok(next) = jobs.try_recv() else { break };
            rows += next.batch.rows();
            group.push(next);
        }
        commit(store, group, &failures);
    }
}

fn commit(store: &dyn Store, group: Vec<Job>, failures: &log::Throttle) {
    let (batches, waiting): (Vec<Batch>, Vec<_>) =
        group.into_iter().map(|job| (job.batch, (job.done, job.room))).unzip();
    let outcome = store.append(&batches);
    let alone = batches.len() == 1;
    for (batch, (done, room)) in batches.iter().zip(waiting) {
        // A batch that cannot be stored must not fail those that share its transaction.
        let answer = match &outcome {
            Err(_) if !alone => store.append(std::slice::from_ref(batch)),
            shared => shared.clone(),
        };
        if let Err(error) = &answer {
            failures.line(clock::now_ms(), &format!("a batch is not stored: {error}"));
        }
        // Whoever has an answer finds room for more.
        drop(room);
        // Whoever asked may have hung up.
        let _ = done.send(answer);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, mpsc as channel};

    use super::*;
    use crate::delivery::Delivery;
    use crate::store::{Filter, KeptRuleset, Ledger, LedgerEntry, Rank, Record, Report, StoredRow, Table};

    /// A store that waits for leave before it stores, and refuses whatever has the batch named `bad` in it.
    struct Gate {
        leave: Mutex<channel::Receiver<()>>,
        appended: Mutex<Vec<usize>>,
    }

    impl Store for Gate {
        fn append(&self, batches: &[Batch]) -> Result<(), StoreError> {
            // Once nobody gives leave any more, all may pass.
            let _ = self.leave.lock().unwrap().recv();
            if batches.iter().any(|batch| batch.ledgers.iter().any(|ledger| ledger.instance_id == "bad")) {
                return Err(StoreError("bad batch".to_owned()));
            }
            self.appended.lock().unwrap().push(batches.iter().map(Batch::rows).sum());
            Ok(())
        }

        fn keep_ruleset(&self, _: &KeptRuleset<'_>) -> Result<(), StoreError> {
            Err(StoreError("not asked for".to_owned()))
        }

        fn report(&self, _: &str) -> Result<Report, StoreError> {
            Err(StoreError("not asked for".to_owned()))
        }

        fn delivery(&self, _: i64) -> Result<Delivery, StoreError> {
            Err(StoreError("not asked for".to_owned()))
        }

        fn exposures(&self, _: &Filter) -> Result<Vec<StoredRow>, StoreError> {
            Err(StoreError("not asked for".to_owned()))
        }

        fn counts(&self) -> Result<Vec<(String, i64)>, StoreError> {
            Err(StoreError("not asked for".to_owned()))
        }
    }

    fn gate() -> (Arc<Gate>, channel::Sender<()>) {
        let (open, leave) = channel::channel();
        (Arc::new(Gate { leave: Mutex::new(leave), appended: Mutex::default() }), open)
    }

    /// A batch of `rows` rows, of which one is its ledger.
    fn batch(instance_id: &str, rows: usize) -> Batch {
        let rank = Rank { corrected_ts_ms: 0, received_at_ms: 0, digest: 0 };
        let record = Record { table: Table::Exposures, id: String::new(), rank, arrival: None, cells: Vec::new() };
        let ledger = Ledger { instance_id: instance_id.to_owned(), entries: Vec::new() };
        Batch { ledgers: vec![ledger], records: vec![record; rows - 1], ..Batch::default() }
    }

    /// A batch of one ledger, which counts as `rows` rows.
    fn batch_of_ledgers(rows: usize) -> Batch {
        let entry = LedgerEntry { counter: "dropped".to_owned(), part: "trap".to_owned(), value: 1 };
        let ledger = Ledger { instance_id: "i".to_owned(), entries: vec![entry; rows - 1] };
        Batch { ledgers: vec![ledger], ..Batch::default() }
    }

    /// Begins to append `batch`, which is then in the queue.
    fn begin(writer: &Writer, batch: Batch) -> std::pin::Pin<Box<impl Future<Output = Result<(), ApiError>>>> {
        let writer = writer.clone();
        let mut appending = Box::pin(async move { writer.append(batch).await });
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(appending.as_mut().poll(&mut context).is_pending());
        appending
    }

    #[tokio::test]
    async fn a_full_queue_is_answered_at_once_and_stores_what_it_holds() {
        let (store, open) = gate();
        let (writer, thread) = Writer::start(Arc::<Gate>::clone(&store)).unwrap();
        let waiting: Vec<_> = (0..20).map(|_| begin(&writer, batch("i", 1000))).collect();
        let refused = writer.append(batch("i", 1)).await.unwrap_err();
        assert_eq!(refused.status(), axum::http::StatusCode::SERVICE_UNAVAILABLE);
        drop(open);
        for appending in waiting {
            appending.await.unwrap();
        }
        writer.append(batch("i", 1000)).await.unwrap();
        drop(writer);
        thread.join().unwrap();
        let commits = store.appended.lock().unwrap().clone();
        assert_eq!(commits.iter().sum::<usize>(), 21_000);
        assert!(commits.len() <= 7, "those who wait share a commit: {commits:?}");
    }

    #[tokio::test]
    async fn ledgers_fill_the_queue_and_a_commit_as_rows_do() {
        let (store, open) = gate();
        let (writer, thread) = Writer::start(Arc::<Gate>::clone(&store)).unwrap();
        let waiting: Vec<_> = (0..8).map(|_| begin(&writer, batch_of_ledgers(2500))).collect();
        let refused = writer.append(batch_of_ledgers(1)).await.unwrap_err();
        assert_eq!(refused.status(), axum::http::StatusCode::SERVICE_UNAVAILABLE);
        drop(open);
        for appending in waiting {
            appending.await.unwrap();
        }
        drop(writer);
        thread.join().unwrap();
        let commits = store.appended.lock().unwrap().clone();
        assert_eq!(commits.iter().sum::<usize>(), 20_000);
        assert!(commits.iter().all(|rows| *rows <= MAX_COMMIT_ROWS), "{commits:?}");
    }

    #[tokio::test]
    async fn a_batch_that_is_larger_than_the_queue_takes_all_of_it() {
        let (store, open) = gate();
        drop(open);
        let (writer, thread) = Writer::start(store).unwrap();
        writer.append(batch_of_ledgers(30_000)).await.unwrap();
        writer.append(Batch::default()).await.unwrap();
        drop(writer);
        thread.join().unwrap();
    }

    #[tokio::test]
    async fn a_batch_that_cannot_be_stored_fails_alone() {
        let (store, open) = gate();
        let (writer, thread) = Writer::start(Arc::<Gate>::clone(&store)).unwrap();
        let first = begin(&writer, batch("i", 1));
        let (good, bad, last) =
            (begin(&writer, batch("i", 2)), begin(&writer, batch("bad", 3)), begin(&writer, batch("i", 4)));
        drop(open);
        first.await.unwrap();
        good.await.unwrap();
        last.await.unwrap();
        assert_eq!(bad.await.unwrap_err().status(), axum::http::StatusCode::SERVICE_UNAVAILABLE);
        drop(writer);
        thread.join().unwrap();
        assert_eq!(store.appended.lock().unwrap().iter().sum::<usize>(), 7);
    }
}
