//! What became of an instance's rows, in numbers that only grow: the collector keeps the largest of each, so that a batch
//! that is lost or comes twice does no harm. `seq_max - received - dropped` is what was lost.

use super::super::json::{Node, Value};
use super::super::text::{parse_integer, push_integer, push_json_string};

/// The most pairs of flag and variant that are counted apart.
const MAX_PAIRS: usize = 32;
/// The most bytes of an instance's id. Ours have 36.
pub const MAX_INSTANCE_ID_BYTES: usize = 64;

/// Why a row was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// Evicted from a full ring.
    RingFull,
    /// The server takes not even this one alone.
    TooLarge,
    /// The server found it malformed, alone.
    Rejected,
    /// Older than the collector's memory.
    Expired,
    /// What storage held of it was damaged.
    WalCorrupt,
    /// The person withdrew the consent.
    Consent,
}

/// In the order of [`Dropped`].
const REASONS: [&str; 6] = ["ring_full", "too_large", "rejected", "expired", "wal_corrupt", "consent"];

/// Counters by [`Dropped`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drops([u32; REASONS.len()]);

impl Drops {
    pub fn add(&mut self, reason: Dropped, count: u32) {
        if let Some(counter) = self.0.get_mut(reason as usize) {
            *counter = counter.saturating_add(count);
        }
    }

    pub fn of(&self, reason: Dropped) -> u32 {
        self.0.get(reason as usize).copied().unwrap_or_default()
    }

    pub fn total(&self) -> u32 {
        self.0.iter().fold(0, |total, count| total.saturating_add(*count))
    }

    /// Appends `{"ring_full":1}`: what is not zero.
    pub fn write(&self, out: &mut String) {
        let counts = REASONS.iter().zip(self.0).filter(|(_, count)| *count > 0);
        write_counts(out, counts.map(|(reason, count)| (*reason, count)));
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    pub instance_id: String,
    /// The largest number given to a row.
    pub seq_max: u32,
    pub dropped: Drops,
    /// `flag/variant` of dropped rows of experiments.
    dropped_by: Vec<(String, u32)>,
    /// Exposures and links not recorded because the ring was full, once per flush and id.
    pub refused: u32,
    /// Rows sent again after an attempt without acknowledgement.
    pub resent: u32,
    /// Rows taken over from pages that are gone.
    pub adopted: u32,
    /// Failures of the module on this page.
    pub traps: u32,
    /// Writes of new rows that storage refused: one for all that a task has recorded, however often it is tried again.
    pub persist_failed: u32,
    /// Attempts that no server answered.
    pub unreachable: u32,
}

impl Ledger {
    pub fn new(instance_id: String) -> Self {
        Self { instance_id, ..Self::default() }
    }

    /// `experiment`: flag and variant of a row of an experiment.
    pub fn count_drop(&mut self, reason: Dropped, experiment: Option<(&str, &str)>) {
        self.dropped.add(reason, 1);
        let Some((flag, variant)) = experiment else { return };
        let mut pair = String::with_capacity(flag.len() + variant.len() + 1);
        pair.push_str(flag);
        pair.push('/');
        pair.push_str(variant);
        count_pair(&mut self.dropped_by, pair, 1, |own, one| own.saturating_add(one));
    }

    /// Takes over what another copy of the same instance's ledger knows more of.
    pub fn grow(&mut self, other: &Self) {
        for (own, other) in self.dropped.0.iter_mut().zip(other.dropped.0) {
            *own = (*own).max(other);
        }
        for (pair, count) in &other.dropped_by {
            count_pair(&mut self.dropped_by, pair.clone(), *count, u32::max);
        }
        self.seq_max = self.seq_max.max(other.seq_max);
        self.refused = self.refused.max(other.refused);
        self.resent = self.resent.max(other.resent);
        self.adopted = self.adopted.max(other.adopted);
        self.traps = self.traps.max(other.traps);
        self.persist_failed = self.persist_failed.max(other.persist_failed);
        self.unreachable = self.unreachable.max(other.unreachable);
    }

    /// Appends the ledger as JSON. `named`: with the instance it is of.
    pub fn write(&self, out: &mut String, named: bool) {
        out.push('{');
        if named {
            out.push_str("\"instance_id\":");
            push_json_string(out, &self.instance_id);
            out.push(',');
        }
        out.push_str("\"seq_max\":");
        push_integer(out, self.seq_max.into());
        out.push_str(",\"dropped\":");
        self.dropped.write(out);
        out.push_str(",\"dropped_by\":");
        self.write_dropped_by(out);
        for (name, count) in COUNTERS.iter().zip(self.counters()) {
            out.push_str(name);
            push_integer(out, count.into());
        }
        out.push('}');
    }

    /// Appends `{"flag/variant":1}`.
    pub fn write_dropped_by(&self, out: &mut String) {
        write_counts(out, self.dropped_by.iter().map(|(pair, count)| (pair.as_str(), *count)));
    }

    fn counters(&self) -> [u32; COUNTERS.len()] {
        [self.refused, self.resent, self.adopted, self.traps, self.persist_failed, self.unreachable]
    }

    /// A ledger as it is stored, by whoever: what is no counter counts as 0. `None` without an instance.
    pub fn read(node: &Node<'_>) -> Option<Self> {
        let instance_id = node.get("instance_id")?.as_str().filter(|id| id.len() <= MAX_INSTANCE_ID_BYTES)?;
        let counter = |name| node.get(name).map_or(0, count_of);
        let mut ledger = Self {
            instance_id: instance_id.to_owned(),
            seq_max: counter("seq_max"),
            refused: counter("refused"),
            resent: counter("resent"),
            adopted: counter("adopted"),
            traps: counter("traps"),
            persist_failed: counter("persist_failed"),
            unreachable: counter("unreachable"),
            ..Self::default()
        };
        if let Some(dropped) = node.get("dropped") {
            for (counter, reason) in ledger.dropped.0.iter_mut().zip(REASONS) {
                *counter = dropped.get(reason).map_or(0, count_of);
            }
        }
        if let Some(Value::Object(pairs)) = node.get("dropped_by").map(|node| &node.value) {
            let pairs = pairs.iter().filter(|(pair, _)| pair.len() <= 513).take(MAX_PAIRS);
            ledger.dropped_by = pairs.map(|(pair, count)| (pair.clone().into_owned(), count_of(count))).collect();
        }
        Some(ledger)
    }
}

/// The names of [`Ledger::counters`], as they stand in JSON.
const COUNTERS: [&str; 6] =
    [",\"refused\":", ",\"resent\":", ",\"adopted\":", ",\"traps\":", ",\"persist_failed\":", ",\"unreachable\":"];

/// Joins a count to that of the pair, unless there are as many pairs as are counted apart.
fn count_pair(counts: &mut Vec<(String, u32)>, pair: String, count: u32, join: impl Fn(u32, u32) -> u32) {
    let room = counts.len() < MAX_PAIRS;
    match counts.iter_mut().find(|(known, _)| *known == pair) {
        Some((_, own)) => *own = join(*own, count),
        None if room => counts.push((pair, count)),
        None => {}
    }
}

fn count_of(node: &Node<'_>) -> u32 {
    match node.value {
        Value::Number(text) => parse_integer(text).and_then(|count| u32::try_from(count).ok()).unwrap_or_default(),
        _ => 0,
    }
}

fn write_counts<'a>(out: &mut String, counts: impl Iterator<Item = (&'a str, u32)>) {
    out.push('{');
    let mut separator = "";
    for (name, count) in counts {
        out.push_str(separator);
        separator = ",";
        push_json_string(out, name);
        out.push(':');
        push_integer(out, count.into());
    }
    out.push('}');
}

#[cfg(test)]
mod tests {
    use super::super::super::json;
    use super::*;

    fn written(ledger: &Ledger) -> String {
        let mut out = String::new();
        ledger.write(&mut out, true);
        out
    }

    #[test]
    fn a_ledger_is_read_back_as_it_was_written() {
        let mut ledger = Ledger { seq_max: 7, refused: 1, adopted: 2, traps: 3, ..Ledger::new("i\"1".into()) };
        ledger.count_drop(Dropped::Consent, Some(("checkout", "b")));
        ledger.count_drop(Dropped::Consent, Some(("checkout", "b")));
        ledger.count_drop(Dropped::RingFull, None);
        let text = written(&ledger);
        assert_eq!(Ledger::read(&json::parse(&text).unwrap()), Some(ledger));
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["dropped"], serde_json::json!({ "ring_full": 1, "consent": 2 }));
        assert_eq!(json["dropped_by"], serde_json::json!({ "checkout/b": 2 }));
    }

    #[test]
    fn pairs_are_bounded() {
        let mut ledger = Ledger::new("i".into());
        for number in 0..100 {
            ledger.count_drop(Dropped::Expired, Some((&number.to_string(), "on")));
        }
        assert_eq!(ledger.dropped_by.len(), MAX_PAIRS);
        assert_eq!(ledger.dropped.of(Dropped::Expired), 100);
    }

    #[test]
    fn nonsense_counts_as_nothing() {
        for text in ["{}", "null", "[]", r#"{"instance_id":7}"#] {
            assert_eq!(Ledger::read(&json::parse(text).unwrap()), None, "{text}");
        }
        let text = r#"{"instance_id":"i","seq_max":-1,"dropped":[],"dropped_by":7,"refused":1e9,"resent":99999999999}"#;
        assert_eq!(Ledger::read(&json::parse(text).unwrap()), Some(Ledger::new("i".into())));
    }
}
