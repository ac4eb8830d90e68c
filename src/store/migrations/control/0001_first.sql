-- control.db: who may do what, what is configured, and what ran.
-- Times are milliseconds since 1970 (UTC). Ids are UUIDs as text.

CREATE TABLE workspace (
    only         INTEGER PRIMARY KEY CHECK (only = 1),
    id           TEXT NOT NULL,
    name         TEXT NOT NULL,
    timezone     TEXT NOT NULL,             -- IANA
    currency     TEXT NOT NULL,             -- ISO 4217
    phone_region TEXT NOT NULL,             -- ISO 3166 alpha-2, for numbers without a country code
    form_secret  BLOB NOT NULL,             -- signs upload forms
    created      INTEGER NOT NULL
) STRICT;

CREATE TABLE member (
    id         TEXT PRIMARY KEY,
    email      TEXT NOT NULL,
    first_name TEXT NOT NULL,
    last_name  TEXT NOT NULL,
    role       TEXT NOT NULL CHECK (role IN ('sender', 'viewer', 'runner', 'editor', 'admin')),
    created    INTEGER NOT NULL,
    deleted    INTEGER
) STRICT;
CREATE UNIQUE INDEX member_email ON member (lower(email)) WHERE deleted IS NULL;

CREATE TABLE api_key (
    id           TEXT PRIMARY KEY,
    member_id    TEXT NOT NULL REFERENCES member (id),
    name         TEXT NOT NULL,
    secret_hash  BLOB NOT NULL UNIQUE,      -- SHA-256 of 256 random bits: nothing to slow down
    role         TEXT NOT NULL CHECK (role IN ('sender', 'viewer', 'runner', 'editor', 'admin')),
    connectors   TEXT,                      -- JSON list of connector ids; NULL: all
    created      INTEGER NOT NULL,
    last_used_at INTEGER,
    expires_at   INTEGER,
    revoked_at   INTEGER
) STRICT;

CREATE TABLE session (
    token_hash BLOB PRIMARY KEY,
    key_id     TEXT NOT NULL REFERENCES api_key (id),
    created    INTEGER NOT NULL,
    expires    INTEGER NOT NULL
) STRICT;

CREATE TABLE connector (
    id              TEXT PRIMARY KEY,
    api_name        TEXT NOT NULL UNIQUE,
    name            TEXT NOT NULL,
    name_key        TEXT NOT NULL UNIQUE,   -- trimmed, lower case
    description     TEXT NOT NULL,
    connector_type  TEXT NOT NULL,
    status          TEXT NOT NULL CHECK (status IN ('setup', 'operational', 'need_attention', 'inactive')),
    cadence         INTEGER,                -- seconds
    schedule        TEXT,                   -- JSON
    custom_object   TEXT NOT NULL,
    source_file     TEXT,
    headers         TEXT NOT NULL,          -- JSON, as are the next six
    variables       TEXT NOT NULL,
    loads           TEXT NOT NULL,
    seeds           TEXT NOT NULL,
    sql_parameters  TEXT NOT NULL,
    input_options   TEXT NOT NULL,
    timeout_s       INTEGER,
    max_concurrency INTEGER NOT NULL,
    webhook_settings TEXT NOT NULL,         -- JSON; secrets in it are encrypted
    notification_settings TEXT NOT NULL,    -- JSON; the secret in it is encrypted
    retention_days  INTEGER NOT NULL,       -- 0: for ever
    retention_runs  INTEGER NOT NULL,       -- 0: any number
    diff_check_enabled INTEGER NOT NULL CHECK (diff_check_enabled IN (0, 1)),
    guard           TEXT,                   -- JSON; NULL: off
    run_count       INTEGER NOT NULL DEFAULT 0,
    last_used_at    INTEGER,
    last_claim      INTEGER NOT NULL DEFAULT 0, -- counts claims of all: who waited longest
    created         INTEGER NOT NULL,
    updated         INTEGER NOT NULL,
    created_by      TEXT
) STRICT;

CREATE TABLE script (
    seq             INTEGER PRIMARY KEY AUTOINCREMENT,
    id              TEXT NOT NULL UNIQUE,
    connector_id    TEXT NOT NULL REFERENCES connector (id) ON DELETE CASCADE,
    status          TEXT NOT NULL CHECK (status IN ('draft', 'live', 'history')),
    state           TEXT NOT NULL CHECK (state IN ('setup', 'in_progress', 'success', 'failed')),
    sql_version     TEXT NOT NULL,
    user_script     TEXT NOT NULL,
    config_metadata TEXT NOT NULL,
    output_file     TEXT,
    output_headers  TEXT NOT NULL,
    error           TEXT,
    sample_is_stale INTEGER NOT NULL CHECK (sample_is_stale IN (0, 1)),
    created         INTEGER NOT NULL,
    updated         INTEGER NOT NULL,
    published       INTEGER,
    published_by    TEXT
) STRICT;
-- Exactly one draft and at most one live script per connector.
CREATE UNIQUE INDEX script_one_draft ON script (connector_id) WHERE status = 'draft';
CREATE UNIQUE INDEX script_one_live ON script (connector_id) WHERE status = 'live';
CREATE INDEX script_connector ON script (connector_id, seq);

-- When the next tick of a connector comes. It moves in the transaction that queues the tick's run.
CREATE TABLE schedule (
    connector_id TEXT PRIMARY KEY REFERENCES connector (id) ON DELETE CASCADE,
    next_tick    INTEGER,                   -- NULL: none ever
    skipped      INTEGER NOT NULL DEFAULT 0 -- ticks that started no run
) STRICT;
CREATE INDEX schedule_next ON schedule (next_tick) WHERE next_tick IS NOT NULL;

-- What a run ran with. Runs with equal configuration share one row.
CREATE TABLE snapshot (
    key  INTEGER PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE,              -- SHA-256 of body
    body TEXT NOT NULL
) STRICT;

CREATE TABLE execution (
    seq            INTEGER PRIMARY KEY AUTOINCREMENT,
    id             TEXT NOT NULL UNIQUE,
    connector_id   TEXT NOT NULL REFERENCES connector (id) ON DELETE CASCADE,
    number         INTEGER NOT NULL,
    state          TEXT NOT NULL CHECK (state IN ('queued', 'in_progress', 'cancelling', 'success', 'partial_success', 'failed', 'cancelled')),
    trigger_type   TEXT NOT NULL,
    is_dry_run     INTEGER NOT NULL CHECK (is_dry_run IN (0, 1)),
    use_draft      INTEGER NOT NULL CHECK (use_draft IN (0, 1)),
    disable_diff_check INTEGER NOT NULL CHECK (disable_diff_check IN (0, 1)),
    ignore_guard   INTEGER NOT NULL CHECK (ignore_guard IN (0, 1)),
    started_by     TEXT,                    -- member; NULL: the server
    started_by_key TEXT,
    scheduled_for  INTEGER,                 -- the tick that started it
    cadence        INTEGER,
    timeframe_start INTEGER,
    created        INTEGER NOT NULL,
    started_at     INTEGER,
    ended_at       INTEGER,
    error_details  TEXT,
    warning        TEXT,
    stages         TEXT NOT NULL,           -- JSON, as are totals and sql_parameters
    totals         TEXT NOT NULL,
    sql_parameters TEXT NOT NULL,
    input_file     TEXT,
    input_name     TEXT NOT NULL,           -- for search, see execution_text
    final_report   TEXT,
    sql_output_zip TEXT,
    cancelled_by   TEXT,
    cancel_requested_at INTEGER,
    script_id      TEXT,                    -- with the next two: set when it is claimed
    sql_version    TEXT,
    snapshot       INTEGER REFERENCES snapshot (key),
    outcomes_cut   INTEGER NOT NULL DEFAULT 0,
    inbox_first    INTEGER,                 -- of a batch of webhooks: the first and the last of the
    inbox_last     INTEGER,                 -- connector's requests that it holds
    missing_since_last_run INTEGER,         -- NULL: not compared
    UNIQUE (connector_id, number),
    CHECK ((ended_at IS NOT NULL) = (state IN ('success', 'partial_success', 'failed', 'cancelled'))),
    CHECK (state = 'queued' OR started_at IS NOT NULL OR state = 'cancelled')
) STRICT;
-- One run per tick, whatever happens between the tick and its row.
CREATE UNIQUE INDEX execution_tick ON execution (connector_id, scheduled_for) WHERE scheduled_for IS NOT NULL;
-- One per filter and order of the lists, each with what its count needs: the rows are wide.
CREATE INDEX execution_connector ON execution (connector_id, seq);
CREATE INDEX execution_live ON execution (connector_id, seq, is_dry_run) WHERE is_dry_run = 0;
CREATE INDEX execution_all_live ON execution (seq, is_dry_run) WHERE is_dry_run = 0;
CREATE INDEX execution_state ON execution (state, seq, is_dry_run, connector_id, trigger_type);
CREATE INDEX execution_connector_state ON execution (connector_id, state, seq, is_dry_run, trigger_type);
CREATE INDEX execution_trigger ON execution (trigger_type, seq, is_dry_run, state);
CREATE INDEX execution_connector_trigger ON execution (connector_id, trigger_type, seq, is_dry_run, state);
CREATE INDEX execution_key ON execution (started_by_key, seq, is_dry_run);
CREATE INDEX execution_connector_key ON execution (connector_id, started_by_key, seq, is_dry_run);
CREATE INDEX execution_created ON execution (created, is_dry_run);
CREATE INDEX execution_connector_created ON execution (connector_id, created, is_dry_run);
CREATE INDEX execution_started ON execution (started_at, seq, is_dry_run, state, trigger_type);
CREATE INDEX execution_connector_started ON execution (connector_id, started_at, seq, is_dry_run, state, trigger_type);
CREATE INDEX execution_ended ON execution (ended_at, seq, is_dry_run, state, trigger_type);
CREATE INDEX execution_connector_ended ON execution (connector_id, ended_at, seq, is_dry_run, state, trigger_type);
CREATE INDEX execution_snapshot ON execution (snapshot);
CREATE INDEX execution_done ON execution (connector_id, seq) WHERE ended_at IS NOT NULL;
CREATE INDEX execution_input ON execution (input_file);
CREATE INDEX execution_report ON execution (final_report);
CREATE INDEX execution_zip ON execution (sql_output_zip);

-- What a search looks at, in lower case: the input's name and the error, of a live run or of a dry one. Its rows are
-- lean: a short word, and a word in the runs of one connector, are looked for in them.
CREATE TABLE execution_text (
    execution INTEGER PRIMARY KEY REFERENCES execution (seq) ON DELETE CASCADE,
    live      TEXT,
    dry       TEXT,
    CHECK ((live IS NULL) <> (dry IS NULL))
) STRICT;
-- Words of three letters and more are looked up here, wherever they stand.
CREATE VIRTUAL TABLE execution_trigram USING fts5 (
    live, dry, content='execution_text', content_rowid='execution', columnsize=0, tokenize='trigram case_sensitive 1');
CREATE TRIGGER execution_text_added AFTER INSERT ON execution_text BEGIN
    INSERT INTO execution_trigram (rowid, live, dry) VALUES (NEW.execution, NEW.live, NEW.dry);
END;
CREATE TRIGGER execution_text_removed AFTER DELETE ON execution_text BEGIN
    INSERT INTO execution_trigram (execution_trigram, rowid, live, dry)
    VALUES ('delete', OLD.execution, OLD.live, OLD.dry);
END;
CREATE TRIGGER execution_text_changed AFTER UPDATE ON execution_text BEGIN
    INSERT INTO execution_trigram (execution_trigram, rowid, live, dry)
    VALUES ('delete', OLD.execution, OLD.live, OLD.dry);
    INSERT INTO execution_trigram (rowid, live, dry) VALUES (NEW.execution, NEW.live, NEW.dry);
END;

-- Ends of runs that somebody is to be told of.
CREATE TABLE notification (
    seq          INTEGER PRIMARY KEY AUTOINCREMENT,
    execution_id TEXT NOT NULL UNIQUE REFERENCES execution (id) ON DELETE CASCADE,
    connector_id TEXT NOT NULL,
    failed       INTEGER NOT NULL DEFAULT 0, -- tries so far
    next_try     INTEGER NOT NULL
) STRICT;
-- Here, since runs end in several ways: none may be forgotten, and none may be ended without it.
CREATE TRIGGER execution_ended AFTER UPDATE OF ended_at ON execution
WHEN NEW.ended_at IS NOT NULL AND OLD.ended_at IS NULL
BEGIN
    INSERT INTO notification (execution_id, connector_id, next_try)
    SELECT NEW.id, c.id, NEW.ended_at FROM connector c
    WHERE c.id = NEW.connector_id AND c.notification_settings ->> '$.webhook_url' IS NOT NULL
      AND EXISTS (SELECT 1 FROM json_each(c.notification_settings, '$.on') WHERE value = NEW.state
          -- All rows rejected and nothing written is an error to whoever is told of errors.
          OR (value = 'failed' AND CASE NEW.state WHEN 'partial_success' THEN
              NEW.totals ->> '$.errors' > 0 AND NEW.totals ->> '$.created' + NEW.totals ->> '$.updated'
                  + NEW.totals ->> '$.unchanged' + NEW.totals ->> '$.skipped' = 0 END));
END;

-- What became of a webhook connector's requests, by their numbers. It outlives the executions.
CREATE TABLE delivery (
    connector_id TEXT PRIMARY KEY REFERENCES connector (id) ON DELETE CASCADE,
    delivered    INTEGER NOT NULL DEFAULT 0, -- up to here they are in executions' input files
    cancelled    INTEGER NOT NULL DEFAULT 0, -- up to here they become the input of cancelled executions
    cancelled_by TEXT
) STRICT;

-- What started an execution under a key of its sender's. It goes after a day, and may outlive the execution.
CREATE TABLE idempotency_key (
    connector_id TEXT NOT NULL REFERENCES connector (id) ON DELETE CASCADE,
    route        TEXT NOT NULL,             -- the trigger of the executions that it starts
    member_id    TEXT NOT NULL,
    key          TEXT NOT NULL,
    request      BLOB NOT NULL,             -- SHA-256 of what was asked
    execution_id TEXT NOT NULL,
    answer       TEXT,                      -- the first answer's body; NULL: nobody was answered yet
    at           INTEGER NOT NULL,
    PRIMARY KEY (connector_id, route, member_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_key_at ON idempotency_key (at);

CREATE TABLE execution_log (
    execution INTEGER NOT NULL REFERENCES execution (seq) ON DELETE CASCADE,
    n         INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    level     TEXT NOT NULL,
    stage     TEXT,
    message   TEXT NOT NULL,
    PRIMARY KEY (execution, n)
) STRICT, WITHOUT ROWID;

-- As in records.db, for dry runs.
CREATE TABLE row_outcome (
    execution_id TEXT NOT NULL,
    n        INTEGER NOT NULL,
    step     INTEGER NOT NULL,
    scope    TEXT NOT NULL,
    row      INTEGER NOT NULL,
    line     INTEGER,
    source   TEXT,
    status   TEXT NOT NULL CHECK (status IN ('error', 'warning', 'skipped', 'updated')),
    record   INTEGER,
    messages TEXT NOT NULL,
    changes  TEXT,                          -- JSON list, of updated rows of a dry run
    PRIMARY KEY (execution_id, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
    seq          INTEGER PRIMARY KEY AUTOINCREMENT,
    id           TEXT NOT NULL UNIQUE,
    connector_id TEXT,                      -- NULL: about the server
    created      INTEGER NOT NULL,
    event_type   TEXT NOT NULL,
    message      TEXT NOT NULL,
    actor        TEXT,                      -- member id; NULL: the server
    execution_id TEXT
) STRICT;
-- One per filter of the lists, in their order.
CREATE INDEX event_created ON event (created);
CREATE INDEX event_connector ON event (connector_id, created);
CREATE INDEX event_type ON event (event_type, created);
CREATE INDEX event_connector_type ON event (connector_id, event_type, created);
CREATE INDEX event_plain ON event (execution_id, created) WHERE execution_id IS NULL;
CREATE INDEX event_connector_plain ON event (connector_id, execution_id, created) WHERE execution_id IS NULL;
