/**
 * Scripts that lead from version n to n + 1; only ever appended to. Records are JSON, so that a new field
 * needs no script; the columns beside them are what queries ask for.
 */
export const MIGRATIONS = [
  `
  CREATE TABLE collections (
    id TEXT PRIMARY KEY,
    record TEXT NOT NULL,
    count INTEGER NOT NULL DEFAULT 0 CHECK (count >= 0),
    created_at TEXT NOT NULL AS (record ->> 'createdAt')
  ) STRICT;
  CREATE INDEX collections_by_time ON collections (created_at, id);

  CREATE TABLE images (
    id TEXT PRIMARY KEY,
    record TEXT NOT NULL,
    collection TEXT REFERENCES collections (id),
    revision INTEGER NOT NULL AS (record ->> 'revision'),
    status TEXT NOT NULL AS (record ->> 'status'),
    created_at TEXT NOT NULL AS (record ->> 'createdAt'),
    updated_at TEXT NOT NULL AS (record ->> 'updatedAt')
  ) STRICT;
  CREATE INDEX images_by_time ON images (created_at, id);
  CREATE INDEX images_by_collection ON images (collection, created_at, id) WHERE collection IS NOT NULL;
  CREATE INDEX images_by_status ON images (status, created_at, id);
  CREATE INDEX images_unfinished ON images (updated_at) WHERE status IN ('uploading', 'uploaded', 'processing');

  CREATE TRIGGER image_moved AFTER UPDATE OF collection ON images BEGIN
    UPDATE collections SET count = count - 1 WHERE id = old.collection;
    UPDATE collections SET count = count + 1 WHERE id = new.collection;
  END;
  CREATE TRIGGER image_removed AFTER DELETE ON images BEGIN
    UPDATE collections SET count = count - 1 WHERE id = old.collection;
  END;

  CREATE TABLE variants (
    id TEXT NOT NULL REFERENCES images (id) ON DELETE CASCADE,
    variant TEXT NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (id, variant)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    until INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    body TEXT NOT NULL,
    dead INTEGER NOT NULL DEFAULT 0,
    receives INTEGER NOT NULL DEFAULT 0,
    visible_at INTEGER NOT NULL,
    receipt TEXT UNIQUE
  ) STRICT;
  CREATE INDEX jobs_by_time ON jobs (dead, visible_at, number);
  `,
  `
  ALTER TABLE jobs ADD COLUMN sent_at INTEGER NOT NULL DEFAULT 0;
  UPDATE jobs SET sent_at = unixepoch() * 1000;
  `,
  `
  ALTER TABLE images ADD COLUMN owed TEXT AS (record ->> 'owed');
  CREATE INDEX images_owing ON images (updated_at) WHERE owed IS NOT NULL;

  ALTER TABLE jobs ADD COLUMN key TEXT;
  CREATE UNIQUE INDEX jobs_waiting ON jobs (key) WHERE key IS NOT NULL AND dead = 0 AND receives = 0;
  CREATE INDEX jobs_by_age ON jobs (dead, sent_at);
  `,
  `
  CREATE INDEX jobs_by_receives ON jobs (receives) WHERE dead = 0;
  `,
  `
  CREATE TABLE progress (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  CREATE TABLE answers (
    key TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    seed TEXT NOT NULL,
    held_until INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    answer TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX answers_by_expiry ON answers (expires_at);
  `,
] as const;
