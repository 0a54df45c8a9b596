//! What a store of exposures can do. SQLite is one; others may follow.

use std::fmt;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

use crate::delivery::Delivery;

/// Where rows are kept. Used from several threads at a time.
pub trait Store: Send + Sync {
    /// Keeps `batches`: all of them or, on an error, none. When it returns, they survive a loss of power.
    ///
    /// Of the records with one id the store keeps the first by [`Record::rank`], so neither the order of arrival nor a
    /// repeated batch matters.
    fn append(&self, batches: &[Batch]) -> Result<(), StoreError>;

    /// Keeps a ruleset that is about to be served, unless it is kept already.
    fn keep_ruleset(&self, ruleset: &KeptRuleset<'_>) -> Result<(), StoreError>;

    /// Rows, people and links of one flag. Empty for a flag without rows.
    fn report(&self, flag_key: &str) -> Result<Report, StoreError>;

    /// What came, what clients say they dropped, and what is missing of the instances of which nothing has come since
    /// `quiet_since_ms` (Unix milliseconds).
    fn delivery(&self, quiet_since_ms: i64) -> Result<Delivery, StoreError>;

    /// The stored rows that `filter` asks for, newest first.
    fn exposures(&self, filter: &Filter) -> Result<Vec<StoredRow>, StoreError>;

    /// How many batches and rows came and what became of them, by name.
    fn counts(&self) -> Result<Vec<(String, i64)>, StoreError>;
}

/// The rows of one request and what came with them.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    pub received_at_ms: i64,
    pub records: Vec<Record>,
    /// That of the client instance that sent it, and those it passes on.
    pub ledgers: Vec<Ledger>,
    /// To be added to the totals of these names.
    pub counts: Vec<(String, i64)>,
}

impl Batch {
    /// How many rows the store has to write for it: its records, its ledgers and their entries.
    pub fn rows(&self) -> usize {
        self.records.len() + self.ledgers.iter().map(|ledger| 1 + ledger.entries.len()).sum::<usize>()
    }
}

/// Where a record is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    Exposures,
    Links,
}

impl Table {
    pub fn name(self) -> &'static str {
        match self {
            Self::Exposures => "exposures",
            Self::Links => "links",
        }
    }

    /// How its records are called in the counts.
    pub fn counted_as(self) -> &'static str {
        match self {
            Self::Exposures => "rows",
            Self::Links => "links",
        }
    }
}

/// An exposure or a link as it is stored: named cells.
#[derive(Clone, Debug)]
pub struct Record {
    pub table: Table,
    pub id: String,
    /// The earliest wins; the rest only breaks ties, so that the same record wins everywhere.
    pub rank: Rank,
    /// Absent for a row without a number.
    pub arrival: Option<Arrival>,
    /// Every column but `row`, `digest` and those above, absent ones too.
    pub cells: Vec<(&'static str, Cell)>,
}

/// Where a row was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Of the client instance; not empty.
    pub instance_id: String,
    /// The row's number there.
    pub seq: i64,
    /// `flag/variant`, for an exposure that names a variant.
    pub variant: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    pub corrected_ts_ms: i64,
    pub received_at_ms: i64,
    /// Of all cells.
    pub digest: i64,
}

#[derive(Clone, Debug)]
pub enum Cell {
    Absent,
    Integer(i64),
    Text(String),
    Bool(bool),
    Json(Box<RawValue>),
}

impl From<Option<String>> for Cell {
    fn from(text: Option<String>) -> Self {
        text.map_or(Self::Absent, Self::Text)
    }
}

impl From<Option<i64>> for Cell {
    fn from(number: Option<i64>) -> Self {
        number.map_or(Self::Absent, Self::Integer)
    }
}

impl From<Option<bool>> for Cell {
    fn from(truth: Option<bool>) -> Self {
        truth.map_or(Self::Absent, Self::Bool)
    }
}

impl From<Option<Box<RawValue>>> for Cell {
    fn from(json: Option<Box<RawValue>>) -> Self {
        json.map_or(Self::Absent, Self::Json)
    }
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Absent => serializer.serialize_unit(),
            Self::Integer(number) => serializer.serialize_i64(*number),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Bool(truth) => serializer.serialize_bool(*truth),
            Self::Json(json) => json.serialize(serializer),
        }
    }
}

/// A row as it is read back: a JSON object of its cells, absent ones left out.
#[derive(Clone, Debug)]
pub struct StoredRow(pub Vec<(String, Cell)>);

impl Serialize for StoredRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, cell) in &self.0 {
            if !matches!(cell, Cell::Absent) {
                map.serialize_entry(name, cell)?;
            }
        }
        map.end()
    }
}

/// What a client instance has counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ledger {
    /// Not empty.
    pub instance_id: String,
    pub entries: Vec<LedgerEntry>,
}

/// The largest value that a client instance has reported for a counter which only grows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerEntry {
    /// Such as `seq_max`, `dropped`.
    pub counter: String,
    /// What is counted apart within it: a reason, or a flag and variant; empty for a counter that is one number.
    pub part: String,
    pub value: i64,
}

/// A version of the ruleset as it is served.
#[derive(Clone, Copy, Debug)]
pub struct KeptRuleset<'a> {
    /// Tells its text from all others.
    pub etag: &'a str,
    /// Its `version`; `None` when it has no whole number there.
    pub version: Option<i64>,
    pub text: &'a str,
    pub served_at_ms: i64,
}

/// Which stored rows to read.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub instance_id: Option<String>,
    pub distinct_id: Option<String>,
    /// Only rows whose `row` is larger.
    pub after: i64,
    pub limit: u32,
}

/// What one flag's exposures add up to. People are distinct `distinct_id`s, so those of parts need not add up to those
/// of the whole.
#[derive(Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Report {
    pub flag: String,
    #[serde(flatten)]
    pub total: Tally,
    /// How many of the people are the anonymous id of another of them, by a link: so many are counted twice.
    pub links: i64,
    pub variants: Vec<VariantTally>,
    pub days: Vec<DayTally>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Tally {
    /// Of what was seen.
    pub rows: i64,
    /// Who saw it.
    pub people: i64,
    /// The people for whom it was decided, whether they saw it or not.
    pub targeted: i64,
}

#[derive(Debug, PartialEq, Eq, serde::Serialize)]
pub struct VariantTally {
    pub variant: Option<String>,
    pub reason: Option<String>,
    #[serde(flatten)]
    pub tally: Tally,
}

#[derive(Debug, PartialEq, Eq, serde::Serialize)]
pub struct DayTally {
    /// UTC, by corrected time, such as `2026-10-01`.
    pub day: String,
    pub variant: Option<String>,
    pub reason: Option<String>,
    #[serde(flatten)]
    pub tally: Tally,
}

/// The store could not do it; nothing was changed. For people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreError(pub String);

impl fmt::Display for StoreError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "store: {}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_written_for_a_batch_counts_as_rows() {
        let entry = LedgerEntry { counter: "seq_max".to_owned(), part: String::new(), value: 1 };
        let ledger = |entries: usize| Ledger { instance_id: "i".to_owned(), entries: vec![entry.clone(); entries] };
        let rank = Rank { corrected_ts_ms: 0, received_at_ms: 0, digest: 0 };
        let record = Record { table: Table::Links, id: String::new(), rank, arrival: None, cells: Vec::new() };
        let rows = |records: usize, ledgers: Vec<Ledger>| {
            Batch { records: vec![record.clone(); records], ledgers, ..Batch::default() }.rows()
        };
        assert_eq!(rows(0, vec![]), 0);
        assert_eq!(rows(3, vec![]), 3);
        assert_eq!(rows(0, vec![ledger(0)]), 1);
        assert_eq!(rows(3, vec![ledger(128), ledger(0), ledger(2)]), 136);
    }
}
