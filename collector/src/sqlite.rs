//! The store in one SQLite file.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, OpenFlags, Row, ToSql, Transaction, TransactionBehavior, params, params_from_iter};
use serde_json::value::RawValue;

use crate::delivery::Delivery;
use crate::store::{
    Arrival, Batch, Cell, DayTally, Filter, KeptRuleset, Ledger, LedgerEntry, Record, Report, Store, StoreError,
    StoredRow, Table, Tally, VariantTally,
};

/// What each version of the schema adds to the one before. A file's version is how many of them it has.
const SCHEMA: [&str; 3] = [include_str!("schema/1.sql"), include_str!("schema/2.sql"), include_str!("schema/3.sql")];
/// What a [`Tally`] is made of.
const TALLY: &str = "count(*) FILTER (WHERE source IS NOT 'handshake') AS rows,
    count(DISTINCT distinct_id) FILTER (WHERE source IS NOT 'handshake') AS people,
    count(DISTINCT distinct_id) FILTER (WHERE source = 'handshake') AS targeted";
/// Marks a file as ours: "penn".
const APPLICATION_ID: i64 = 0x7065_6E6E;
/// How long to wait for another process that writes to the file.
const BUSY_TIME: Duration = Duration::from_secs(5);

pub struct Sqlite {
    path: PathBuf,
    writer: Mutex<Connection>,
}

impl Sqlite {
    /// Opens the file at `path`, making it when there is none and bringing an older release's up to date.
    ///
    /// # Errors
    /// A file that cannot be opened or written, is no SQLite file, or is another program's.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let at = |error: rusqlite::Error| StoreError(format!("{}: {error}", path.display()));
        let mut connection = Connection::open(path).map_err(at)?;
        connection.busy_timeout(BUSY_TIME).map_err(at)?;
        connection.pragma_update(None, "journal_mode", "WAL").map_err(at)?;
        // A commit is on the disk before it is acknowledged.
        connection.pragma_update(None, "synchronous", "FULL").map_err(at)?;
        prepare(&mut connection, path)?;
        Ok(Self { path: path.to_owned(), writer: Mutex::new(connection) })
    }

    fn writer(&self) -> MutexGuard<'_, Connection> {
        // A poisoned lock only says that some thread died: SQLite rolled its transaction back.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reader(&self) -> Result<Connection, StoreError> {
        open_read_only(&self.path)
    }
}

/// Opens the file at `path` for reading, also while a collector writes to it.
pub fn open_read_only(path: &Path) -> Result<Connection, StoreError> {
    let at = |error: rusqlite::Error| StoreError(format!("{}: {error}", path.display()));
    let connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .map_err(at)?;
    connection.busy_timeout(BUSY_TIME).map_err(at)?;
    version_of(&connection, path)?;
    Ok(connection)
}

/// Calls `each` with the stored exposures, or those of one flag, in the order in which they were first stored, until it
/// returns an error.
pub fn for_each_row<E: From<StoreError>>(
    connection: &Connection,
    flag_key: Option<&str>,
    each: impl FnMut(&StoredRow) -> Result<(), E>,
) -> Result<(), E> {
    let sql = "SELECT * FROM exposures WHERE ?1 IS NULL OR flag_key = ?1 ORDER BY row";
    for_each(connection, sql, &[flag_key], each)
}

/// Calls `each` with the stored links, likewise. A file of an older release that no collector has opened since has none.
pub fn for_each_link<E: From<StoreError>>(
    connection: &Connection,
    each: impl FnMut(&StoredRow) -> Result<(), E>,
) -> Result<(), E> {
    let has_links = connection.table_exists(None, Table::Links.name()).map_err(StoreError::from)?;
    if has_links { for_each(connection, "SELECT * FROM links ORDER BY row", &[], each) } else { Ok(()) }
}

fn for_each<E: From<StoreError>>(
    connection: &Connection,
    sql: &str,
    values: &[Option<&str>],
    mut each: impl FnMut(&StoredRow) -> Result<(), E>,
) -> Result<(), E> {
    let mut statement = connection.prepare(sql).map_err(StoreError::from)?;
    let mut rows = statement.query(params_from_iter(values)).map_err(StoreError::from)?;
    while let Some(row) = rows.next().map_err(StoreError::from)? {
        each(&stored_row(row).map_err(StoreError::from)?)?;
    }
    Ok(())
}

impl Store for Sqlite {
    fn append(&self, batches: &[Batch]) -> Result<(), StoreError> {
        let mut connection = self.writer();
        // Immediate: begun as a reader, it would fail at once where another process writes, instead of waiting.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut instances = Instances::default();
        for batch in batches {
            append_batch(&transaction, &mut instances, batch)?;
        }
        Ok(transaction.commit()?)
    }

    fn keep_ruleset(&self, ruleset: &KeptRuleset<'_>) -> Result<(), StoreError> {
        self.writer().execute(
            "INSERT INTO rulesets (etag, version, content, first_served_at_ms) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO NOTHING",
            params![ruleset.etag, ruleset.version, ruleset.text, ruleset.served_at_ms],
        )?;
        Ok(())
    }

    fn report(&self, flag_key: &str) -> Result<Report, StoreError> {
        let mut connection = self.reader()?;
        // One transaction, so that the parts are of the same moment.
        let transaction = connection.transaction()?;
        let total =
            transaction.query_row(&format!("SELECT {TALLY} FROM exposures WHERE flag_key = ?1"), [flag_key], tally)?;
        let links = transaction.query_row(
            "WITH people AS MATERIALIZED (
               SELECT DISTINCT distinct_id AS person FROM exposures WHERE flag_key = ?1 AND source IS NOT 'handshake'
             )
             SELECT count(DISTINCT anon_id) FROM links
             WHERE anon_id IN (SELECT person FROM people) AND distinct_id IN (SELECT person FROM people)
               AND anon_id <> distinct_id",
            [flag_key],
            |row| row.get(0),
        )?;
        let variants = transaction
            .prepare(&format!(
                "SELECT variant, reason, {TALLY} FROM exposures
                 WHERE flag_key = ?1 GROUP BY variant, reason ORDER BY variant, reason",
            ))?
            .query_map([flag_key], |row| {
                Ok(VariantTally { variant: row.get("variant")?, reason: row.get("reason")?, tally: tally(row)? })
            })?
            .collect::<Result<_, _>>()?;
        let days = transaction
            .prepare(&format!(
                "SELECT date(corrected_ts_ms / 1000, 'unixepoch') AS day, variant, reason, {TALLY}
                 FROM exposures WHERE flag_key = ?1 GROUP BY day, variant, reason ORDER BY day, variant, reason",
            ))?
            .query_map([flag_key], |row| {
                Ok(DayTally {
                    day: row.get("day")?,
                    variant: row.get("variant")?,
                    reason: row.get("reason")?,
                    tally: tally(row)?,
                })
            })?
            .collect::<Result<_, _>>()?;
        Ok(Report { flag: flag_key.to_owned(), total, links, variants, days })
    }

    fn delivery(&self, quiet_since_ms: i64) -> Result<Delivery, StoreError> {
        delivery::read(&mut self.reader()?, quiet_since_ms)
    }

    fn exposures(&self, filter: &Filter) -> Result<Vec<StoredRow>, StoreError> {
        let mut sql = "SELECT * FROM exposures WHERE row > ?1".to_owned();
        let mut values = vec![Value::from(filter.after)];
        for (column, wanted) in [("instance_id", &filter.instance_id), ("distinct_id", &filter.distinct_id)] {
            if let Some(wanted) = wanted {
                values.push(Value::from(wanted.clone()));
                sql.push_str(&format!(" AND {column} = ?{}", values.len()));
            }
        }
        values.push(Value::from(filter.limit));
        sql.push_str(&format!(" ORDER BY row DESC LIMIT ?{}", values.len()));
        let connection = self.reader()?;
        let mut statement = connection.prepare(&sql)?;
        let rows = statement.query_map(params_from_iter(values), stored_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn counts(&self) -> Result<Vec<(String, i64)>, StoreError> {
        let connection = self.reader()?;
        let mut statement = connection.prepare("SELECT name, value FROM counts ORDER BY name")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self(error.to_string())
    }
}

/// Makes the tables of a new file; looks at those of an old one.
fn prepare(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    // Immediate: of two collectors that start on a new file, one makes the tables and the other waits.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let tables: i64 = transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let version = if tables == 0 { 0 } else { version_of(&transaction, path)? };
    for addition in SCHEMA.iter().skip(version) {
        transaction.execute_batch(addition)?;
    }
    if version < SCHEMA.len() {
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", SCHEMA.len() as i64)?;
    }
    Ok(transaction.commit()?)
}

/// The version of a collector's file, at least 1 and none that this release does not know.
fn version_of(connection: &Connection, path: &Path) -> Result<usize, StoreError> {
    let at = |error: rusqlite::Error| StoreError(format!("{}: {error}", path.display()));
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(at);
    if pragma("application_id")? != APPLICATION_ID {
        return Err(StoreError(format!("{} is another program's SQLite file, expected a collector's", path.display())));
    }
    let version = pragma("user_version")?;
    match usize::try_from(version) {
        Ok(version) if (1..=SCHEMA.len()).contains(&version) => Ok(version),
        _ => {
            let newest = SCHEMA.len();
            Err(StoreError(format!("{} has schema version {version}, expected 1 to {newest}", path.display())))
        }
    }
}

/// The instances met in one transaction.
#[derive(Default)]
struct Instances(HashMap<String, i64>);

impl Instances {
    /// The key of `instance_id`, entered when it is new.
    fn key(
        &mut self,
        transaction: &Transaction<'_>,
        instance_id: &str,
        received_at_ms: i64,
    ) -> Result<i64, StoreError> {
        if let Some(key) = self.0.get(instance_id) {
            return Ok(*key);
        }
        let key = transaction
            .prepare_cached(
                "INSERT INTO instances (instance_id, first_received_at_ms, last_received_at_ms) VALUES (?1, ?2, ?2)
                 ON CONFLICT DO UPDATE SET
                   first_received_at_ms = min(first_received_at_ms, excluded.first_received_at_ms),
                   last_received_at_ms = max(last_received_at_ms, excluded.last_received_at_ms)
                 RETURNING instance",
            )?
            .query_row(params![instance_id, received_at_ms], |row| row.get(0))?;
        self.0.insert(instance_id.to_owned(), key);
        Ok(key)
    }
}

fn append_batch(transaction: &Transaction<'_>, instances: &mut Instances, batch: &Batch) -> Result<(), StoreError> {
    for Ledger { instance_id, entries } in &batch.ledgers {
        let instance = instances.key(transaction, instance_id, batch.received_at_ms)?;
        for LedgerEntry { counter, part, value } in entries {
            transaction
                .prepare_cached(
                    "INSERT INTO ledger (instance, counter, part, value) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT DO UPDATE SET value = max(value, excluded.value)",
                )?
                .execute(params![instance, counter, part, value])?;
        }
    }
    let (mut new_rows, mut new_links, mut links) = (0, 0, 0);
    for record in &batch.records {
        if let Some(arrival) = &record.arrival {
            let instance = instances.key(transaction, &arrival.instance_id, batch.received_at_ms)?;
            append_arrival(transaction, instance, arrival)?;
        }
        let is_new = i64::from(append_record(transaction, record)?);
        match record.table {
            Table::Exposures => new_rows += is_new,
            Table::Links => {
                links += 1;
                new_links += is_new;
            }
        }
    }
    let rows = batch.records.len() as i64 - links;
    let count = |name: &str, value: i64| count(transaction, batch.received_at_ms, name, value);
    count("batches", 1)?;
    count("rows_stored", new_rows)?;
    count("rows_duplicate", rows - new_rows)?;
    count("links_stored", new_links)?;
    count("links_duplicate", links - new_links)?;
    batch.counts.iter().try_for_each(|(name, value)| count(name, *value))
}

fn append_arrival(transaction: &Transaction<'_>, instance: i64, arrival: &Arrival) -> Result<(), StoreError> {
    let times: i64 = transaction
        .prepare_cached(
            "INSERT INTO arrivals (instance, seq, times) VALUES (?1, ?2, 1)
             ON CONFLICT DO UPDATE SET times = times + 1 RETURNING times",
        )?
        .query_row(params![instance, arrival.seq], |row| row.get(0))?;
    if let Some(variant) = arrival.variant.as_ref().filter(|_| times == 1) {
        transaction
            .prepare_cached("INSERT INTO variants (name) VALUES (?1) ON CONFLICT DO NOTHING")?
            .execute([variant])?;
        transaction
            .prepare_cached(
                "INSERT INTO shown (instance, variant, rows) SELECT ?1, variant, 1 FROM variants WHERE name = ?2
                 ON CONFLICT DO UPDATE SET rows = rows + 1",
            )?
            .execute(params![instance, variant])?;
    }
    Ok(())
}

/// Stores `record` unless one that ranks before it is there. Whether its id is new.
fn append_record(transaction: &Transaction<'_>, record: &Record) -> Result<bool, StoreError> {
    let table = record.table.name();
    let names: Vec<&str> = record.cells.iter().map(|(name, _)| *name).collect();
    let values = || {
        let rank: [&dyn ToSql; 4] =
            [&record.id, &record.rank.corrected_ts_ms, &record.rank.received_at_ms, &record.rank.digest];
        params_from_iter(
            rank.into_iter().chain(record.cells.iter().map(|(_, cell)| cell as &dyn ToSql)).collect::<Vec<_>>(),
        )
    };
    let places: Vec<String> = (0..names.len()).map(|place| format!("?{}", place + 5)).collect();
    let inserted = transaction
        .prepare_cached(&format!(
            "INSERT INTO {table} (id, corrected_ts_ms, received_at_ms, digest, {}) VALUES (?1, ?2, ?3, ?4, {})
             ON CONFLICT (id) DO NOTHING",
            names.join(", "),
            places.join(", "),
        ))?
        .execute(values())?;
    if inserted > 0 {
        return Ok(true);
    }
    let settings: Vec<String> = names.iter().zip(&places).map(|(name, place)| format!("{name} = {place}")).collect();
    transaction
        .prepare_cached(&format!(
            "UPDATE {table} SET corrected_ts_ms = ?2, received_at_ms = ?3, digest = ?4, {}
             WHERE id = ?1 AND (?2, ?3, ?4) < (corrected_ts_ms, received_at_ms, digest)",
            settings.join(", "),
        ))?
        .execute(values())?;
    Ok(false)
}

/// Adds to the total of `name`, and to that of the day.
fn count(transaction: &Transaction<'_>, received_at_ms: i64, name: &str, value: i64) -> Result<(), StoreError> {
    if value != 0 {
        transaction
            .prepare_cached(
                "INSERT INTO days VALUES (date(?1 / 1000, 'unixepoch'), ?2, ?3)
                 ON CONFLICT DO UPDATE SET value = value + excluded.value",
            )?
            .execute(params![received_at_ms, name, value])?;
        transaction
            .prepare_cached(
                "INSERT INTO counts VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = value + excluded.value",
            )?
            .execute(params![name, value])?;
    }
    Ok(())
}

fn tally(row: &Row<'_>) -> rusqlite::Result<Tally> {
    Ok(Tally { rows: row.get("rows")?, people: row.get("people")?, targeted: row.get("targeted")? })
}

fn stored_row(row: &Row<'_>) -> rusqlite::Result<StoredRow> {
    let statement: &rusqlite::Statement<'_> = row.as_ref();
    let mut cells = Vec::new();
    for (place, name) in statement.column_names().enumerate() {
        if name == "digest" {
            continue;
        }
        let cell = match (name, row.get_ref(place)?) {
            ("truncated", ValueRef::Integer(number)) => Cell::Bool(number != 0),
            (_, ValueRef::Integer(number)) => Cell::Integer(number),
            (_, found @ ValueRef::Text(_)) => {
                let text = found.as_str()?.to_owned();
                if name == "value" || name == "attributes" {
                    RawValue::from_string(text.clone()).map_or(Cell::Text(text), Cell::Json)
                } else {
                    Cell::Text(text)
                }
            }
            _ => Cell::Absent,
        };
        cells.push((name.to_owned(), cell));
    }
    Ok(StoredRow(cells))
}

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Absent => ToSqlOutput::Borrowed(ValueRef::Null),
            Self::Integer(number) => ToSqlOutput::Borrowed(ValueRef::Integer(*number)),
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Self::Bool(truth) => ToSqlOutput::Borrowed(ValueRef::Integer(i64::from(*truth))),
            Self::Json(json) => ToSqlOutput::Borrowed(ValueRef::Text(json.get().as_bytes())),
        })
    }
}

mod delivery;
#[cfg(test)]
mod tests;
