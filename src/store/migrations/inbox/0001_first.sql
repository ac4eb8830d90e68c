-- inbox.db: webhook requests that wait for their batch. Times are milliseconds since 1970 (UTC).

-- One row per connector that ever got a request. Its requests count from 1 without gaps, and are taken in
-- that order: what waits is everything behind taken_seq.
CREATE TABLE inbox (
    key          INTEGER PRIMARY KEY AUTOINCREMENT,
    connector_id TEXT NOT NULL UNIQUE,
    last_seq     INTEGER NOT NULL DEFAULT 0, -- of the newest request
    taken_seq    INTEGER NOT NULL DEFAULT 0, -- of the newest request that is in an input file
    flush_seq    INTEGER NOT NULL DEFAULT 0, -- up to here the window is to close now
    bytes        INTEGER NOT NULL DEFAULT 0, -- of what waits: bodies and query strings
    CHECK (taken_seq <= last_seq)
) STRICT;

-- No foreign key: it would cost a look-up per request. Whoever removes an inbox removes these too.
CREATE TABLE request (
    inbox       INTEGER NOT NULL,
    seq         INTEGER NOT NULL,
    received    INTEGER NOT NULL,
    member_id   TEXT,                       -- whose key it came with; NULL: signed
    querystring TEXT NOT NULL,
    body        TEXT,                       -- JSON; NULL: none was sent
    PRIMARY KEY (inbox, seq)
) STRICT, WITHOUT ROWID;

-- A window that was closed and is becoming an execution: one at a time per connector. Its ids and name are
-- kept, so that every step can be done again.
CREATE TABLE batch (
    inbox        INTEGER PRIMARY KEY REFERENCES inbox (key) ON DELETE CASCADE,
    first_seq    INTEGER NOT NULL,
    last_seq     INTEGER NOT NULL,
    bytes        INTEGER NOT NULL,
    execution_id TEXT NOT NULL,
    file_id      TEXT NOT NULL,
    file_name    TEXT NOT NULL,
    CHECK (first_seq <= last_seq)
) STRICT;

-- Names of requests that were accepted; they outlive the requests by a day.
CREATE TABLE seen (
    inbox INTEGER NOT NULL,
    name  TEXT NOT NULL,
    hash  BLOB NOT NULL,                    -- SHA-256 of the request
    at    INTEGER NOT NULL,
    PRIMARY KEY (inbox, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX seen_at ON seen (at);
