use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::store::Rank;

fn store() -> (TempDir, Sqlite) {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(&folder.path().join("pennon.db")).unwrap();
    (folder, store)
}

/// Records of few ids and times, so that many are equal and many tie.
fn any_record() -> impl Strategy<Value = Record> {
    (0..4_u8, 0..3_i64, 0..3_i64, 0..3_i64, 0..3_u8).prop_map(
        |(id, corrected_ts_ms, received_at_ms, digest, content)| Record {
            table: Table::Exposures,
            id: format!("id-{id}"),
            // What differs in content differs in its digest.
            rank: Rank { corrected_ts_ms, received_at_ms, digest: digest * 3 + i64::from(content) },
            arrival: Some(Arrival {
                instance_id: format!("i-{content}"),
                seq: i64::from(id),
                variant: Some(format!("f/v-{content}")),
            }),
            cells: vec![
                ("flag_key", Cell::Text("f".to_owned())),
                ("distinct_id", Cell::Text(format!("u-{content}"))),
                ("clock", Cell::Text("client".to_owned())),
                ("variant", if content == 0 { Cell::Absent } else { Cell::Text(format!("v-{content}")) }),
            ],
        },
    )
}

/// What is stored, by id: all but `row`, which counts in the order of arrival.
fn table(store: &Sqlite) -> Vec<String> {
    let connection = store.reader().unwrap();
    let mut statement = connection
        .prepare("SELECT id, corrected_ts_ms, received_at_ms, digest, distinct_id, variant FROM exposures ORDER BY id")
        .unwrap();
    let row_text = |row: &Row<'_>| {
        (0..6).map(|place| row.get::<_, Value>(place).map(|value| format!("{value:?}"))).collect::<Result<Vec<_>, _>>()
    };
    statement.query_map([], |row| Ok(row_text(row)?.join(" "))).unwrap().collect::<Result<_, _>>().unwrap()
}

/// The table that the rule describes: of each id the record that ranks first.
fn expected(records: &[Record]) -> Vec<String> {
    let mut first = std::collections::BTreeMap::<&str, &Record>::new();
    for record in records {
        let kept = first.entry(&record.id).or_insert(record);
        if record.rank < kept.rank {
            *kept = record;
        }
    }
    let text = |record: &Record| {
        let mut values = vec![
            Value::from(record.id.clone()),
            Value::from(record.rank.corrected_ts_ms),
            Value::from(record.rank.received_at_ms),
            Value::from(record.rank.digest),
        ];
        for wanted in ["distinct_id", "variant"] {
            let (_, cell) = record.cells.iter().find(|(name, _)| *name == wanted).unwrap();
            values.push(match cell {
                Cell::Text(text) => Value::from(text.clone()),
                _ => Value::Null,
            });
        }
        values.iter().map(|value| format!("{value:?}")).collect::<Vec<_>>().join(" ")
    };
    first.into_values().map(text).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_order_and_any_repetition_of_batches_give_the_same_table(
        (records, deliveries) in prop::collection::vec(any_record(), 1..12).prop_flat_map(|records| {
            // Each record once, and some again, in any order, in batches of any size.
            let again = prop::collection::vec(0..records.len(), 0..8);
            let deliveries = again.prop_flat_map({
                let count = records.len();
                move |again| Just((0..count).chain(again).collect::<Vec<_>>()).prop_shuffle()
            });
            (Just(records), deliveries)
        }),
        batch_rows in 1..5_usize,
        batches_per_commit in 1..4_usize,
    ) {
        let (_folder, store) = store();
        let delivered: Vec<Record> = deliveries.iter().map(|place| records[*place].clone()).collect();
        let batches: Vec<Batch> =
            delivered.chunks(batch_rows).map(|rows| Batch { records: rows.to_vec(), ..Batch::default() }).collect();
        for commit in batches.chunks(batches_per_commit) {
            store.append(commit).unwrap();
        }
        let table = table(&store);
        prop_assert_eq!(&table, &expected(&records));
        let counts: HashMap<String, i64> = store.counts().unwrap().into_iter().collect();
        prop_assert_eq!(counts["rows_stored"], table.len() as i64);
        prop_assert_eq!(counts.get("rows_duplicate").copied().unwrap_or(0), (delivered.len() - table.len()) as i64);
        let came: i64 = store.reader().unwrap().query_row("SELECT sum(times) FROM arrivals", [], |row| row.get(0)).unwrap();
        prop_assert_eq!(came, delivered.len() as i64);
        let of = |sql| store.reader().unwrap().query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
        prop_assert_eq!(of("SELECT sum(rows) FROM shown"), of("SELECT count(*) FROM arrivals"));
        let apart: Vec<(String, i64)> = delivered_by_day(&store);
        let mut together: Vec<(String, i64)> = counts.into_iter().collect();
        together.sort();
        prop_assert_eq!(apart, together);
    }
}

/// What is counted by day, of all days.
fn delivered_by_day(store: &Sqlite) -> Vec<(String, i64)> {
    let connection = store.reader().unwrap();
    let mut statement = connection.prepare("SELECT name, sum(value) FROM days GROUP BY name ORDER BY name").unwrap();
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().collect::<Result<_, _>>().unwrap()
}

#[test]
fn a_commit_waits_for_the_disk() {
    let (_folder, store) = store();
    let pragma = |name| store.writer().pragma_query_value(None, name, |row| row.get::<_, Value>(0)).unwrap();
    assert_eq!(pragma("journal_mode"), Value::from("wal".to_owned()));
    // 2 is FULL.
    assert_eq!(pragma("synchronous"), Value::from(2));
}

#[test]
fn a_batch_that_fails_leaves_nothing_of_its_transaction() {
    let (_folder, store) = store();
    let record = |cells: Vec<(&'static str, Cell)>| Record {
        table: Table::Exposures,
        id: "x".to_owned(),
        rank: Rank { corrected_ts_ms: 0, received_at_ms: 0, digest: 0 },
        arrival: None,
        cells,
    };
    let text = |text: &str| Cell::Text(text.to_owned());
    let good = record(vec![("flag_key", text("f")), ("distinct_id", text("u")), ("clock", text("client"))]);
    let bad = record(vec![("flag_key", Cell::Absent), ("distinct_id", text("u")), ("clock", text("client"))]);
    let batch = |record: Record| Batch { records: vec![record], ..Batch::default() };
    let mut other = good.clone();
    other.id = "y".to_owned();
    assert!(store.append(&[batch(other), batch(bad)]).is_err());
    assert_eq!(table(&store), Vec::<String>::new());
    store.append(&[batch(good)]).unwrap();
    assert_eq!(table(&store).len(), 1);
}

#[test]
fn a_newer_file_is_left_alone() {
    let (folder, store) = store();
    store.writer().pragma_update(None, "user_version", 4).unwrap();
    let path = folder.path().join("pennon.db");
    let expected = StoreError(format!("{} has schema version 4, expected 1 to 3", path.display()));
    assert_eq!(Sqlite::open(&path).err(), Some(expected.clone()));
    assert_eq!(open_read_only(&path).err(), Some(expected));
}

/// A file as the first release made it, with one row.
fn file_of_the_first_release(path: &Path) {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch(include_str!("../schema/1.sql")).unwrap();
    connection.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
    connection.pragma_update(None, "user_version", 1).unwrap();
    let row = "INSERT INTO exposures (id, flag_key, distinct_id, received_at_ms, corrected_ts_ms, clock, digest)
               VALUES ('x', 'f', 'u', 5, 4, 'client', 3)";
    connection.execute(row, []).unwrap();
}

#[test]
fn an_older_file_is_read_as_it_is_and_brought_up_to_date_by_a_collector() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pennon.db");
    file_of_the_first_release(&path);
    let rows = |connection: &Connection| {
        let (mut rows, mut links) = (Vec::new(), Vec::new());
        let push = |into: &mut Vec<StoredRow>, row: &StoredRow| -> Result<(), StoreError> {
            into.push(row.clone());
            Ok(())
        };
        for_each_row(connection, None, |row| push(&mut rows, row)).unwrap();
        for_each_link(connection, |row| push(&mut links, row)).unwrap();
        (rows.len(), links.len())
    };
    assert_eq!(rows(&open_read_only(&path).unwrap()), (1, 0));

    let store = Sqlite::open(&path).unwrap();
    assert_eq!(table(&store), [r#"Text("x") Integer(4) Integer(5) Integer(3) Text("u") Null"#]);
    let text = |text: &str| Cell::Text(text.to_owned());
    let link = Record {
        table: Table::Links,
        id: "y".to_owned(),
        rank: Rank { corrected_ts_ms: 1, received_at_ms: 1, digest: 1 },
        arrival: None,
        cells: vec![("anon_id", text("a")), ("distinct_id", text("u")), ("clock", text("client"))],
    };
    store.append(&[Batch { records: vec![link], ..Batch::default() }]).unwrap();
    assert_eq!(rows(&open_read_only(&path).unwrap()), (1, 1));

    // The same file, table by table, as one that was new.
    let schema = |store: &Sqlite| -> Vec<String> {
        let reader = store.reader().unwrap();
        let mut statement = reader.prepare("SELECT coalesce(sql, name) FROM sqlite_schema ORDER BY name").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    };
    let new = Sqlite::open(&folder.path().join("new.db")).unwrap();
    assert_eq!(schema(&store), schema(&new));
    drop(store);
    Sqlite::open(&path).unwrap();
}

/// What becomes of a row that an instance has numbered.
#[derive(Clone, Copy, Debug)]
enum Fate {
    /// It comes so often, 1 or more.
    Comes(u8),
    /// It is dropped and reported; and comes all the same so often.
    Dropped(u8),
    Lost,
}

fn any_fate() -> impl Strategy<Value = Fate> {
    prop_oneof![4 => (1..4_u8).prop_map(Fate::Comes), 2 => (0..2_u8).prop_map(Fate::Dropped), 1 => Just(Fate::Lost)]
}

/// The ledger of `instance` after its first `rows` rows.
fn ledger_after(instance: usize, fates: &[Fate], rows: usize) -> Ledger {
    let entry = |counter: &str, part: &str, value: usize| LedgerEntry {
        counter: counter.to_owned(),
        part: part.to_owned(),
        value: value as i64,
    };
    // Two reasons, so that they must be added up.
    let dropped = |parity: usize| {
        let own = fates.iter().take(rows).skip(parity).step_by(2);
        own.filter(|fate| matches!(fate, Fate::Dropped(_))).count()
    };
    let entries = vec![
        entry("seq_max", "", rows),
        entry("dropped", "expired", dropped(0)),
        entry("dropped", "ring_full", dropped(1)),
    ];
    Ledger { instance_id: format!("i-{instance}"), entries }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the order, the repetitions and the age of the ledgers that come along, once the newest ledger of each
    /// instance has come, from itself or from another.
    #[test]
    fn the_report_on_delivery_states_what_was_lost(
        instances in prop::collection::vec(prop::collection::vec(any_fate(), 0..12), 1..4),
        order in any::<u64>(),
        batches_per_commit in 1..4_usize,
    ) {
        let mut batches = Vec::new();
        for (instance, fates) in instances.iter().enumerate() {
            for (place, fate) in fates.iter().enumerate() {
                let (Fate::Comes(times) | Fate::Dropped(times)) = fate else { continue };
                for again in 0..usize::from(*times) {
                    let variant = format!("v-{}", place % 2);
                    let record = Record {
                        table: Table::Exposures,
                        // Rows of different instances may be one exposure.
                        id: format!("id-{}", place % 5),
                        rank: Rank { corrected_ts_ms: 0, received_at_ms: 0, digest: 0 },
                        arrival: Some(Arrival {
                            instance_id: format!("i-{instance}"),
                            seq: place as i64 + 1,
                            variant: Some(format!("f/{variant}")),
                        }),
                        cells: vec![
                            ("flag_key", Cell::Text("f".to_owned())),
                            ("distinct_id", Cell::Text("u".to_owned())),
                            ("clock", Cell::Text("client".to_owned())),
                            ("variant", Cell::Text(variant)),
                        ],
                    };
                    // As it was when the row was sent, the first time or later.
                    let ledger = ledger_after(instance, fates, (place + 1 + again).min(fates.len()));
                    batches.push(Batch { records: vec![record], ledgers: vec![ledger], ..Batch::default() });
                }
            }
            let heir = Ledger { instance_id: format!("heir-{instance}"), entries: Vec::new() };
            let last = ledger_after(instance, fates, fates.len());
            batches.push(Batch { ledgers: vec![heir, last], ..Batch::default() });
        }
        batches.sort_by_key(|batch| xxhash_rust::xxh64::xxh64(format!("{batch:?}").as_bytes(), order));
        let (_folder, store) = store();
        for commit in batches.chunks(batches_per_commit) {
            store.append(commit).unwrap();
        }

        let found = store.delivery(i64::MAX).unwrap();
        let count = |fates: &[Fate], is: fn(&Fate) -> bool| fates.iter().filter(|fate| is(fate)).count() as i64;
        let (mut lost, mut yet_arrived, mut arrived, mut numbered) = (0, 0, 0, 0);
        for fates in &instances {
            let missing =
                count(fates, |fate| matches!(fate, Fate::Lost)) - count(fates, |fate| matches!(fate, Fate::Dropped(1)));
            lost += missing.max(0);
            yet_arrived += (-missing).max(0);
            arrived += count(fates, |fate| matches!(fate, Fate::Comes(_) | Fate::Dropped(1)));
            numbered += fates.len() as i64;
        }
        let total = &found.total.instances;
        prop_assert_eq!((total.lost, total.dropped_yet_arrived), (lost, yet_arrived));
        prop_assert_eq!((total.arrived, total.numbered, total.open), (arrived, numbered, 0));
        prop_assert_eq!(found.variants.values().map(|variant| variant.arrived).sum::<i64>(), arrived);
        let dropped: i64 = instances.iter().map(|fates| count(fates, |fate| matches!(fate, Fate::Dropped(_)))).sum();
        prop_assert_eq!(found.total.reported.dropped.values().sum::<i64>(), dropped);
        // Nothing was received late, so there is one day.
        prop_assert_eq!(&found.days.iter().map(|day| &day.figures).collect::<Vec<_>>(), &vec![&found.total]);
    }
}
