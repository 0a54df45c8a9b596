-- One row per link: an anonymous id and a distinct id are one person.
CREATE TABLE links (
  row INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  anon_id TEXT NOT NULL,
  distinct_id TEXT NOT NULL,
  device_id TEXT,
  session_id TEXT,
  ts_ms INTEGER,
  mono_ms INTEGER,
  seq INTEGER,
  instance_id TEXT,
  environment TEXT,
  app_version TEXT,
  platform TEXT,
  sdk TEXT,
  batch_id TEXT,
  sent_at_ms INTEGER,
  sent_mono_ms INTEGER,
  received_at_ms INTEGER NOT NULL,
  corrected_ts_ms INTEGER NOT NULL,
  clock TEXT NOT NULL,
  digest INTEGER NOT NULL -- breaks ties between equal times
) STRICT;
CREATE INDEX links_by_anonymous ON links (anon_id);
