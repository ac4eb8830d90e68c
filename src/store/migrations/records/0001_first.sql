-- records.db: the data model and what load steps write.
-- Times of this schema are milliseconds since 1970 (UTC). Ids are UUIDs as text; `key` is the short
-- identity that millions of rows refer to.

CREATE TABLE object (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,       -- api name; its records live in table record_<name>
    object_name TEXT NOT NULL,              -- plural label
    entity_name TEXT NOT NULL,              -- singular label
    is_custom   INTEGER NOT NULL CHECK (is_custom IN (0, 1)),
    created     INTEGER NOT NULL,
    archived    INTEGER
) STRICT;

CREATE TABLE field (
    key           INTEGER PRIMARY KEY AUTOINCREMENT,
    id            TEXT NOT NULL UNIQUE,
    object_id     TEXT NOT NULL REFERENCES object (id),
    name          TEXT NOT NULL,            -- api name; its column in record_<object name>
    display_name  TEXT NOT NULL,
    field_type    TEXT NOT NULL,
    is_required   INTEGER NOT NULL CHECK (is_required IN (0, 1)),
    is_unique     INTEGER NOT NULL CHECK (is_unique IN (0, 1)),
    position      INTEGER NOT NULL,
    related_object TEXT REFERENCES object (id),
    cardinality   TEXT CHECK (cardinality IN ('one', 'many')),
    mirror        TEXT,                     -- id of the field on the other side
    is_mirror     INTEGER NOT NULL DEFAULT 0 CHECK (is_mirror IN (0, 1)),
    deleted       INTEGER                   -- when; its column is then _deleted_<key>
) STRICT;
CREATE UNIQUE INDEX field_name ON field (object_id, name) WHERE deleted IS NULL;

CREATE TABLE field_option (
    key       INTEGER PRIMARY KEY AUTOINCREMENT,
    id        TEXT NOT NULL UNIQUE,
    field_key INTEGER NOT NULL REFERENCES field (key),
    name      TEXT NOT NULL,
    code      TEXT NOT NULL,
    position  INTEGER NOT NULL,
    UNIQUE (field_key, code)
) STRICT;

CREATE TABLE filter_group (
    id        TEXT PRIMARY KEY,
    object_id TEXT NOT NULL REFERENCES object (id),
    name      TEXT NOT NULL,
    config    TEXT NOT NULL,                -- {"and", "query"} as saved
    created   INTEGER NOT NULL,
    updated   INTEGER NOT NULL
) STRICT;
CREATE INDEX filter_group_object ON filter_group (object_id, name);

-- Indexes that a first load dropped and makes again at its end; after a crash, the next start does.
CREATE TABLE late_index (
    field_id  TEXT PRIMARY KEY,
    object_id TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The ledger. A run's row is made with its first batch; 'finished' is written with its last one.
CREATE TABLE run (
    key          INTEGER PRIMARY KEY AUTOINCREMENT,
    execution_id TEXT NOT NULL UNIQUE,
    connector_id TEXT NOT NULL,
    started      INTEGER NOT NULL,
    finished     INTEGER,
    outcome      TEXT CHECK (outcome IN ('success', 'partial_success', 'failed', 'cancelled')),
    error        TEXT,
    outcomes_cut INTEGER NOT NULL DEFAULT 0, -- row outcomes that were counted and not kept
    missing_since_last_run INTEGER,         -- NULL: not compared
    CHECK ((finished IS NULL) = (outcome IS NULL))
) STRICT;
CREATE INDEX run_open ON run (key) WHERE finished IS NULL;

-- Counters of a load step, committed with the records that they count.
CREATE TABLE run_step (
    run       INTEGER NOT NULL REFERENCES run (key) ON DELETE CASCADE,
    step      INTEGER NOT NULL,             -- the load step's order
    scope     TEXT NOT NULL,
    rows      INTEGER NOT NULL,
    created   INTEGER NOT NULL,
    updated   INTEGER NOT NULL,
    unchanged INTEGER NOT NULL,
    skipped   INTEGER NOT NULL,
    warnings  INTEGER NOT NULL,
    errors    INTEGER NOT NULL,
    PRIMARY KEY (run, step)
) STRICT, WITHOUT ROWID;

-- What a connector's last completed run loaded of a scope. One whose run is under way is not valid yet, one
-- that a later run wrote over is not valid any more.
CREATE TABLE baseline (
    key          INTEGER PRIMARY KEY AUTOINCREMENT,
    connector_id TEXT NOT NULL,
    scope        TEXT NOT NULL,
    fingerprint  BLOB NOT NULL,             -- of what gives a row its meaning
    rows         INTEGER NOT NULL,
    is_valid     INTEGER NOT NULL CHECK (is_valid IN (0, 1))
) STRICT;
CREATE INDEX baseline_connector ON baseline (connector_id);

-- Its rows, in the order of their hashes, some thousands in a piece: 25 bytes a row.
CREATE TABLE baseline_piece (
    key      INTEGER PRIMARY KEY,
    baseline INTEGER NOT NULL REFERENCES baseline (key) ON DELETE CASCADE,
    n        INTEGER NOT NULL,
    entries  BLOB NOT NULL,
    UNIQUE (baseline, n)
) STRICT;

-- Rejected, skipped and warned rows of live runs (those of dry runs are in control.db: a dry run
-- never writes here).
CREATE TABLE row_outcome (
    execution_id TEXT NOT NULL,
    n        INTEGER NOT NULL,              -- in the order of the run
    step     INTEGER NOT NULL,
    scope    TEXT NOT NULL,
    row      INTEGER NOT NULL,              -- number in the scope, from 1
    line     INTEGER,                       -- source line, where the script selected _line
    source   TEXT,                          -- input table, where the script selected _table
    status   TEXT NOT NULL CHECK (status IN ('error', 'warning', 'skipped', 'updated')),
    record   INTEGER,                       -- row of the object's table
    messages TEXT NOT NULL,                 -- JSON list
    changes  TEXT,                          -- JSON list, of updated rows of a dry run
    PRIMARY KEY (execution_id, n)
) STRICT, WITHOUT ROWID;
