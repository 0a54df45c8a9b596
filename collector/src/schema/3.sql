-- What `counts` counts, by the day of receipt (UTC, such as 2026-10-01). Days before this version are not in it.
CREATE TABLE days (
  day TEXT NOT NULL,
  name TEXT NOT NULL,
  value INTEGER NOT NULL,
  PRIMARY KEY (day, name)
) STRICT, WITHOUT ROWID;

-- Flag and variant, named as in a ledger's `dropped_by`: `flag/variant`.
CREATE TABLE variants (
  variant INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;

-- How many numbers of each instance came with rows of each variant, before deduplication.
CREATE TABLE shown (
  instance INTEGER NOT NULL REFERENCES instances,
  variant INTEGER NOT NULL REFERENCES variants,
  rows INTEGER NOT NULL,
  PRIMARY KEY (instance, variant)
) STRICT, WITHOUT ROWID;

-- Of what came before this version, the rows that were kept.
INSERT INTO variants (name)
  SELECT DISTINCT flag_key || '/' || variant FROM exposures
  WHERE variant IS NOT NULL AND seq IS NOT NULL AND instance_id <> '';
INSERT INTO shown (instance, variant, rows)
  SELECT instances.instance, variants.variant, count(DISTINCT seq)
  FROM exposures
  JOIN instances USING (instance_id)
  JOIN variants ON variants.name = flag_key || '/' || exposures.variant
  WHERE seq IS NOT NULL
  GROUP BY 1, 2;
