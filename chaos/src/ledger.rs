//! What came, kept until it is told to forget.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use crate::batch::{Batch, Row};

/// How late it can be noticed that a client has given up a request. Overlaps shorter than this are none.
const LATE_MS: f64 = 25.0;

/// The ledger as `GET /ledger` gives it. Times are Unix milliseconds, with fractions.
#[derive(Debug, Default, Serialize)]
pub struct Ledger {
    /// Rows that were kept, by id.
    pub ids: BTreeMap<String, Kept>,
    /// How often each id came that was never kept.
    pub not_kept: BTreeMap<String, u64>,
    pub instances: BTreeMap<String, Instance>,
    pub requests: Vec<Request>,
    /// Requests whose rows were kept.
    pub batches: u64,
    /// Rows that were kept, each time they came.
    pub rows: u64,
    /// Those of them whose id was there already.
    pub duplicates: u64,
    /// Those of them whose instance and seq had been kept already, too: sent again, not seen again.
    pub resends: u64,
    /// Rows of one instance and seq that differ from what came before under that number: a client must never send these.
    pub changed_rows: Vec<ChangedRow>,
    /// Rows without an id. They are in no other figure.
    pub rows_without_id: u64,
    /// Preflights.
    pub options: u64,
    /// Connections that sent no HTTP, such as a TLS handshake.
    pub not_http: u64,
    /// Connections to the secure port whose TLS handshake failed, such as when the client refused the certificate.
    pub tls_failed: u64,
    /// Requests to `/elsewhere` on the control port, where a redirect may lead.
    pub elsewhere: u64,
    /// The most requests that waited for an answer at one time.
    pub max_concurrent: i32,
    #[serde(skip)]
    texts: BTreeMap<(String, u64), String>,
    #[serde(skip)]
    age: u64,
}

#[derive(Debug, Serialize)]
pub struct Kept {
    pub first_ms: f64,
    pub last_ms: f64,
    /// How often it was kept: 1, and one more for each duplicate.
    pub count: u64,
    /// How often it came in a whole body, kept or not.
    pub came: u64,
    pub is_link: bool,
    pub seq: Option<u64>,
    pub instance_id: String,
    pub flag_key: String,
    pub variant: String,
    pub distinct_id: String,
}

#[derive(Debug, Default, Serialize)]
pub struct Instance {
    /// The ledger that this instance, or another for it, reported last, whether the batch was kept or not.
    pub ledger: Value,
    /// The largest number of a row, or `seq_max` of a ledger where that is larger.
    pub seq_max: u64,
    /// The numbers that were kept.
    #[serde(skip)]
    seqs: BTreeSet<u64>,
    pub received: usize,
    /// How many rows the ledger says were dropped.
    pub dropped: u64,
    /// The numbers from 1 to `seq_max` that were not kept, as first and last of each gap.
    pub gaps: Vec<(u64, u64)>,
    /// `seq_max - received - dropped`.
    pub lost: i64,
}

#[derive(Debug, Serialize)]
pub struct ChangedRow {
    pub instance_id: String,
    pub seq: u64,
    pub before: String,
    pub after: String,
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct Request {
    pub at_ms: f64,
    /// When the answer, or the end that stands for it, was sent; absent while the request waits.
    pub answered_ms: Option<f64>,
    /// The place in the script of the step that was used.
    pub step: usize,
    pub query: String,
    pub origin: String,
    pub content_type: String,
    pub body_bytes: usize,
    pub batch_id: String,
    pub attempt: u64,
    pub instance_id: String,
    /// In the order of the body, exposures first.
    pub ids: Vec<String>,
    /// What makes each of them a row of its own, in the same order: who recorded it, and as which. Two rows of one id are two who
    /// have seen the same.
    pub copies: Vec<String>,
    pub kept: bool,
    /// How many of its requests the instance had given up on by then, as its ledger tells.
    pub unreachable: u64,
    /// Absent when none was sent.
    pub status: Option<u16>,
    pub outcome: Outcome,
    /// What is wrong with the body, when it could not be read.
    pub error: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    #[default]
    Waiting,
    /// An answer was sent, maybe without its end.
    Answered,
    /// The connection was reset, or cut after the rows were kept.
    Cut,
    /// The client went away before the answer.
    GivenUp,
    /// The server was taken down or reset meanwhile.
    Down,
}

/// How many there are of each: quick to ask for again and again, however long the ledger is.
#[derive(Debug, Serialize)]
pub struct Totals {
    pub ids: usize,
    pub not_kept: usize,
    pub batches: u64,
    pub rows: u64,
    pub duplicates: u64,
    pub resends: u64,
    pub changed_rows: usize,
    pub requests: usize,
    /// Requests without an answer yet.
    pub waiting: usize,
    pub max_concurrent: i32,
    pub options: u64,
    pub instances: usize,
    /// Of all instances that lost something.
    pub lost: i64,
}

/// Names a request in the ledger that it was entered in.
#[derive(Clone, Copy, Debug)]
pub struct RequestKey {
    age: u64,
    place: usize,
}

impl Ledger {
    /// Forgets everything, also what still runs.
    pub fn clear(&mut self) {
        *self = Self { age: self.age + 1, ..Self::default() };
    }

    pub fn begin(&mut self, request: Request) -> RequestKey {
        self.requests.push(request);
        RequestKey { age: self.age, place: self.requests.len() - 1 }
    }

    /// The request, unless it was forgotten.
    pub fn request(&mut self, key: RequestKey) -> Option<&mut Request> {
        if key.age == self.age { self.requests.get_mut(key.place) } else { None }
    }

    /// Enters a body that came whole.
    pub fn enter(&mut self, key: RequestKey, batch: &Batch, is_kept: bool, now_ms: f64) {
        let Some(request) = self.request(key) else { return };
        request.batch_id.clone_from(&batch.batch_id);
        request.attempt = batch.attempt;
        request.instance_id.clone_from(&batch.instance_id);
        request.ids = batch.rows.iter().map(|row| row.id.clone()).collect();
        request.copies =
            batch.rows.iter().map(|row| format!("{} {}", row.instance_id, row.seq.unwrap_or_default())).collect();
        request.kept = is_kept;
        let own = batch.ledgers.iter().find(|(instance_id, _)| *instance_id == batch.instance_id);
        request.unreachable = own.and_then(|(_, ledger)| ledger["unreachable"].as_u64()).unwrap_or_default();
        for (instance_id, ledger) in &batch.ledgers {
            self.instances.entry(instance_id.clone()).or_default().ledger = ledger.clone();
        }
        self.batches += u64::from(is_kept);
        for row in &batch.rows {
            self.compare(row);
            if row.id.is_empty() {
                self.rows_without_id += 1;
            } else if is_kept {
                self.keep(row, now_ms);
            } else if let Some(kept) = self.ids.get_mut(&row.id) {
                kept.came += 1;
            } else {
                *self.not_kept.entry(row.id.clone()).or_default() += 1;
            }
        }
    }

    fn compare(&mut self, row: &Row) {
        let Some(seq) = row.seq else { return };
        let before = self.texts.entry((row.instance_id.clone(), seq)).or_insert_with(|| row.text.clone());
        if *before != row.text {
            self.changed_rows.push(ChangedRow {
                instance_id: row.instance_id.clone(),
                seq,
                before: before.clone(),
                after: row.text.clone(),
            });
        }
    }

    fn keep(&mut self, row: &Row, now_ms: f64) {
        self.rows += 1;
        let instance = self.instances.entry(row.instance_id.clone()).or_default();
        self.resends += u64::from(row.seq.is_some_and(|seq| !instance.seqs.insert(seq)));
        let came = self.not_kept.remove(&row.id).unwrap_or_default();
        let kept = self.ids.entry(row.id.clone()).or_insert_with(|| Kept {
            first_ms: now_ms,
            last_ms: now_ms,
            count: 0,
            came,
            is_link: row.is_link,
            seq: row.seq,
            instance_id: row.instance_id.clone(),
            flag_key: row.flag_key.clone(),
            variant: row.variant.clone(),
            distinct_id: row.distinct_id.clone(),
        });
        self.duplicates += u64::from(kept.count > 0);
        kept.count += 1;
        kept.came += 1;
        kept.last_ms = now_ms;
    }

    /// To be asked for after [`Ledger::sum_up`].
    pub fn totals(&self) -> Totals {
        Totals {
            ids: self.ids.len(),
            not_kept: self.not_kept.len(),
            batches: self.batches,
            rows: self.rows,
            duplicates: self.duplicates,
            resends: self.resends,
            changed_rows: self.changed_rows.len(),
            requests: self.requests.len(),
            waiting: self.requests.iter().filter(|request| request.outcome == Outcome::Waiting).count(),
            max_concurrent: self.max_concurrent,
            options: self.options,
            instances: self.instances.len(),
            lost: self.instances.values().map(|instance| instance.lost.max(0)).sum(),
        }
    }

    /// The figures that follow from the rest, made new.
    pub fn sum_up(&mut self) {
        self.max_concurrent = max_concurrent(&self.requests);
        self.instances.values_mut().for_each(Instance::sum_up);
    }
}

impl Instance {
    fn sum_up(&mut self) {
        let reported = self.ledger.get("seq_max").and_then(Value::as_u64).unwrap_or_default();
        self.seq_max = reported.max(self.seqs.last().copied().unwrap_or_default());
        self.received = self.seqs.len();
        let reasons = self.ledger.get("dropped").and_then(Value::as_object);
        self.dropped = reasons.into_iter().flat_map(|reasons| reasons.values()).filter_map(Value::as_u64).sum();
        self.gaps = Vec::new();
        let mut next = 1;
        for seq in self.seqs.iter().copied().filter(|seq| *seq > 0).chain([self.seq_max.saturating_add(1)]) {
            if seq > next {
                self.gaps.push((next, seq - 1));
            }
            next = seq.saturating_add(1);
        }
        self.lost = self.seq_max as i64 - self.received as i64 - self.dropped as i64;
    }
}

/// The most requests that overlap. One that its client gave up ended a little before that was noticed.
fn max_concurrent(requests: &[Request]) -> i32 {
    let mut moments = Vec::new();
    for request in requests {
        let end_ms = match (request.answered_ms, request.outcome) {
            (Some(at_ms), Outcome::GivenUp) => (at_ms - LATE_MS).max(request.at_ms),
            (Some(at_ms), _) => at_ms,
            (None, _) => f64::INFINITY,
        };
        moments.extend([(request.at_ms, 1), (end_ms, -1)]);
    }
    // At one time ends come before beginnings.
    moments.sort_unstable_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
    let (mut running, mut most) = (0, 0);
    for (_, change) in moments {
        running += change;
        most = most.max(running);
    }
    most
}
