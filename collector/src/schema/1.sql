-- One row per exposure. `row` grows as rows are stored; a row that an earlier one replaces keeps it.
CREATE TABLE exposures (
  row INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  flag_key TEXT NOT NULL,
  value TEXT, -- JSON
  variant TEXT,
  reason TEXT,
  session_id TEXT,
  distinct_id TEXT NOT NULL,
  ts_ms INTEGER,
  mono_ms INTEGER,
  seq INTEGER,
  instance_id TEXT,
  anon_id TEXT,
  device_id TEXT,
  unit TEXT,
  unit_id TEXT,
  flag_version INTEGER,
  ruleset_version INTEGER,
  assigned_version INTEGER,
  rule_id TEXT,
  experiment TEXT,
  environment TEXT,
  source TEXT,
  dedup TEXT,
  attributes TEXT, -- JSON
  app_version TEXT,
  platform TEXT,
  sdk TEXT,
  truncated INTEGER, -- 0 or 1
  batch_id TEXT,
  sent_at_ms INTEGER,
  sent_mono_ms INTEGER,
  received_at_ms INTEGER NOT NULL,
  corrected_ts_ms INTEGER NOT NULL,
  clock TEXT NOT NULL,
  browser TEXT,
  os TEXT,
  digest INTEGER NOT NULL -- breaks ties between equal times
) STRICT;
CREATE INDEX exposures_by_flag ON exposures (flag_key);
CREATE INDEX exposures_by_instance ON exposures (instance_id);
CREATE INDEX exposures_by_person ON exposures (distinct_id);

CREATE TABLE instances (
  instance INTEGER PRIMARY KEY,
  instance_id TEXT NOT NULL UNIQUE,
  first_received_at_ms INTEGER NOT NULL,
  last_received_at_ms INTEGER NOT NULL
) STRICT;

-- The largest value that each instance has reported of each of its counters.
CREATE TABLE ledger (
  instance INTEGER NOT NULL REFERENCES instances,
  counter TEXT NOT NULL,
  part TEXT NOT NULL,
  value INTEGER NOT NULL,
  PRIMARY KEY (instance, counter, part)
) STRICT, WITHOUT ROWID;

-- The numbers of the rows that came from each instance, before deduplication, and how often each came.
CREATE TABLE arrivals (
  instance INTEGER NOT NULL REFERENCES instances,
  seq INTEGER NOT NULL,
  times INTEGER NOT NULL,
  PRIMARY KEY (instance, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE counts (
  name TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Every ruleset that was served.
CREATE TABLE rulesets (
  etag TEXT PRIMARY KEY,
  version INTEGER,
  content TEXT NOT NULL,
  first_served_at_ms INTEGER NOT NULL
) STRICT;
