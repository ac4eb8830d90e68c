-- files.db: bytes in chunks, each content once. Times are milliseconds since 1970 (UTC).

CREATE TABLE content (
    key    INTEGER PRIMARY KEY AUTOINCREMENT,
    sha256 BLOB,                            -- NULL while bytes arrive: then no file names it
    size   INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX content_sha256 ON content (sha256) WHERE sha256 IS NOT NULL;

CREATE TABLE chunk (
    content INTEGER NOT NULL REFERENCES content (key) ON DELETE CASCADE,
    n       INTEGER NOT NULL,               -- from 0; 1 MiB each, the last one shorter
    bytes   BLOB NOT NULL,
    PRIMARY KEY (content, n)
) STRICT;

CREATE TABLE file (
    id           TEXT PRIMARY KEY,
    name         TEXT NOT NULL,
    content_type TEXT NOT NULL,
    source       TEXT NOT NULL,             -- smart_connector_import, record_import, upload, produced
    content      INTEGER NOT NULL REFERENCES content (key),
    owner        TEXT,                      -- member who sent it; NULL: made by the server
    owner_key    TEXT,                      -- the key that it was sent with
    connector_id TEXT,                      -- whose permissions it follows once attached
    registered   INTEGER NOT NULL CHECK (registered IN (0, 1)), -- 0: complete, but nobody was told to use it
    created      INTEGER NOT NULL
) STRICT;
CREATE INDEX file_unregistered ON file (created) WHERE registered = 0;
CREATE INDEX file_content ON file (content);
CREATE INDEX file_created ON file (created);
-- For the list: what it is filtered by stands in it.
CREATE INDEX file_listed ON file (created DESC, id, name, owner, owner_key, connector_id) WHERE registered = 1;
