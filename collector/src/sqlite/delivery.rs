//! What the tables say of delivery.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row};

use super::StoreError;
use crate::delivery::{DayFigures, Delivery, Figures, Instances, Received, VariantFigures};

/// The largest counter that is believed. Clients count in 32 bits, and a sum of what anybody may send must not overflow.
const MAX_COUNTER: i64 = u32::MAX as i64;

/// Each instance with its day and, once it is quiet, what became of its numbers. `?1`: nothing came since then, in Unix
/// milliseconds; `?2`: the largest counter that is believed.
const JUDGED: &str = "WITH counted AS MATERIALIZED (
    SELECT instance, date(first_received_at_ms / 1000, 'unixepoch') AS day, last_received_at_ms <= ?1 AS quiet,
      max(
        coalesce((SELECT value FROM ledger
                  WHERE ledger.instance = instances.instance AND counter = 'seq_max' AND part = ''), 0),
        coalesce((SELECT max(seq) FROM arrivals WHERE arrivals.instance = instances.instance), 0)
      ) AS seq_max,
      (SELECT count(*) FROM arrivals WHERE arrivals.instance = instances.instance AND seq BETWEEN 1 AND ?2) AS arrived,
      (SELECT coalesce(sum(min(value, ?2)), 0) FROM ledger
       WHERE ledger.instance = instances.instance AND counter = 'dropped') AS dropped
    FROM instances
  ),
  judged AS MATERIALIZED (
    SELECT instance, day, quiet, min(seq_max, ?2) * quiet AS numbered, arrived * quiet AS arrived,
      (min(seq_max, ?2) - arrived - dropped) * quiet AS missing
    FROM counted
  )";

/// What came and what is missing. An instance is judged when nothing has come of it since `quiet_since_ms`.
pub fn read(connection: &mut Connection, quiet_since_ms: i64) -> Result<Delivery, StoreError> {
    // One transaction, so that the parts are of the same moment.
    let transaction = connection.transaction()?;
    let mut total = Figures::default();
    let mut days = BTreeMap::<String, Figures>::new();
    // All of a file's life, also days before they were counted apart.
    for_each(&transaction, "SELECT name, value FROM counts", [], |row| {
        total.received.add(&row.get::<_, String>(0)?, row.get(1)?);
        Ok(())
    })?;
    for_each(&transaction, "SELECT day, name, value FROM days", [], |row| {
        let mut received = Received::default();
        received.add(&row.get::<_, String>(1)?, row.get(2)?);
        if received != Received::default() {
            days.entry(row.get(0)?).or_default().received.add(&row.get::<_, String>(1)?, row.get(2)?);
        }
        Ok(())
    })?;
    let by_day = format!(
        "{JUDGED} SELECT day, count(*), sum(NOT quiet), sum(numbered), sum(arrived), sum(max(missing, 0)),
           sum(max(-missing, 0))
         FROM judged GROUP BY day"
    );
    for_each(&transaction, &by_day, [quiet_since_ms, MAX_COUNTER], |row| {
        let found = Instances {
            instances: row.get(1)?,
            open: row.get(2)?,
            numbered: row.get(3)?,
            arrived: row.get(4)?,
            lost: row.get(5)?,
            dropped_yet_arrived: row.get(6)?,
        };
        total.instances.add(found);
        days.entry(row.get(0)?).or_default().instances = found;
        Ok(())
    })?;
    let reported = "SELECT date(first_received_at_ms / 1000, 'unixepoch'), counter, part, sum(min(value, ?1))
                    FROM ledger JOIN instances USING (instance) GROUP BY 1, 2, 3";
    for_each(&transaction, reported, [MAX_COUNTER], |row| {
        let (counter, part, value) = (row.get::<_, String>(1)?, row.get::<_, String>(2)?, row.get(3)?);
        total.reported.add(&counter, &part, value);
        days.entry(row.get(0)?).or_default().reported.add(&counter, &part, value);
        Ok(())
    })?;
    let mut variants = BTreeMap::<String, VariantFigures>::new();
    let by_variant = format!(
        "{JUDGED} SELECT name, sum(shown.rows), sum(quiet), sum(numbered), sum(max(missing, 0))
         FROM shown JOIN variants USING (variant) JOIN judged USING (instance) GROUP BY variant"
    );
    for_each(&transaction, &by_variant, [quiet_since_ms, MAX_COUNTER], |row| {
        let found = VariantFigures {
            arrived: row.get(1)?,
            dropped: 0,
            instances: row.get(2)?,
            numbered: row.get(3)?,
            lost: row.get(4)?,
        };
        variants.insert(row.get(0)?, found);
        Ok(())
    })?;
    for (name, dropped) in &total.reported.dropped_by {
        variants.entry(name.clone()).or_default().dropped = *dropped;
    }
    let days = days.into_iter().map(|(day, figures)| DayFigures { day, figures }).collect();
    Ok(Delivery { total, variants, days })
}

fn for_each(
    connection: &Connection,
    sql: &str,
    values: impl rusqlite::Params,
    mut each: impl FnMut(&Row<'_>) -> rusqlite::Result<()>,
) -> Result<(), StoreError> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query(values)?;
    while let Some(row) = rows.next()? {
        each(row)?;
    }
    Ok(())
}
