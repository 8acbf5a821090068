-- Plans, executions, attempts, money, events and images.
--
-- Times are microseconds since the Unix epoch, money is in billionths of the currency, ids are hyphenated
-- lowercase UUIDs. Lists are read newest first by (created_us, id): each way to filter has an index that ends
-- so.

CREATE TABLE plans (
    client           TEXT NOT NULL,
    digest_hex       TEXT NOT NULL,
    bytes            BLOB NOT NULL,
    session_id       TEXT NOT NULL,
    kind             TEXT NOT NULL,
    created_us       INTEGER NOT NULL,
    last_executed_us INTEGER,
    PRIMARY KEY (client, digest_hex)
) STRICT;

CREATE INDEX plans_by_time ON plans (client, created_us, digest_hex);
CREATE INDEX plans_by_session ON plans (client, session_id, created_us, digest_hex);

CREATE TABLE executions (
    id                  TEXT NOT NULL PRIMARY KEY,
    client              TEXT NOT NULL,
    plan_digest         TEXT NOT NULL,
    session_id          TEXT NOT NULL,
    take                INTEGER NOT NULL CHECK (take >= 0),
    request_id          TEXT NOT NULL,
    mode                TEXT NOT NULL CHECK (mode IN ('reuse', 'resume')),
    max_concurrency     INTEGER NOT NULL CHECK (max_concurrency > 0),
    previous            TEXT,
    state               TEXT NOT NULL CHECK (state IN ('pending', 'processing', 'cancelling', 'needs_decision',
                                                       'completed', 'failed', 'cancelled')),
    failure             BLOB,
    owner_boot_id       TEXT,
    lease_epoch         INTEGER NOT NULL DEFAULT 0,
    lease_until_us      INTEGER,
    crash_count         INTEGER NOT NULL DEFAULT 0,
    cancel_requested_us INTEGER,
    created_us          INTEGER NOT NULL,
    started_us          INTEGER,
    ended_us            INTEGER,
    last_seq            INTEGER NOT NULL DEFAULT 0,
    currency            TEXT NOT NULL,
    settled_nanos       INTEGER NOT NULL DEFAULT 0 CHECK (settled_nanos >= 0),
    reserved_nanos      INTEGER NOT NULL DEFAULT 0 CHECK (reserved_nanos >= 0),
    unknown_held_nanos  INTEGER NOT NULL DEFAULT 0 CHECK (unknown_held_nanos >= 0)
) STRICT;

-- At most one execution that has not ended for each drawing of a plan: later orders join it.
CREATE UNIQUE INDEX executions_open ON executions (client, plan_digest, take)
    WHERE state IN ('pending', 'processing', 'cancelling', 'needs_decision');
-- What can be claimed, oldest first.
CREATE INDEX executions_claimable ON executions (created_us, id)
    WHERE state IN ('pending', 'processing', 'cancelling');
CREATE INDEX executions_by_time ON executions (client, created_us, id);
CREATE INDEX executions_by_plan ON executions (client, plan_digest, created_us, id);
CREATE INDEX executions_by_session ON executions (client, session_id, created_us, id);

-- One row for each order that was accepted, also for those that joined a running execution.
CREATE TABLE requests (
    client       TEXT NOT NULL,
    request_id   TEXT NOT NULL,
    request_hash TEXT NOT NULL,
    execution_id TEXT NOT NULL REFERENCES executions (id),
    PRIMARY KEY (client, request_id)
) STRICT;

CREATE INDEX requests_by_execution ON requests (execution_id);

CREATE TABLE steps (
    execution_id TEXT NOT NULL REFERENCES executions (id),
    step_id      TEXT NOT NULL,
    ordinal      INTEGER NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('pending', 'processing', 'needs_decision', 'completed', 'failed',
                                                'cancelled', 'skipped')),
    image_id     TEXT,
    reused       INTEGER NOT NULL DEFAULT 0 CHECK (reused IN (0, 1)),
    failure      BLOB,
    PRIMARY KEY (execution_id, step_id),
    UNIQUE (execution_id, ordinal),
    CHECK ((state = 'completed') = (image_id IS NOT NULL))
) STRICT;

-- The unit of paid work. Open: the step named here draws it, and no other may. Completed: the image exists.
-- Idle: nobody draws it at present.
CREATE TABLE units (
    client        TEXT NOT NULL,
    render_digest TEXT NOT NULL,
    take          INTEGER NOT NULL CHECK (take >= 0),
    state         TEXT NOT NULL CHECK (state IN ('open', 'completed', 'idle')),
    execution_id  TEXT,
    step_id       TEXT,
    image_id      TEXT,
    PRIMARY KEY (client, render_digest, take),
    CHECK ((state = 'idle') = (execution_id IS NULL)),
    CHECK ((execution_id IS NULL) = (step_id IS NULL)),
    CHECK ((state = 'completed') = (image_id IS NOT NULL))
) STRICT;

CREATE INDEX units_open_by_step ON units (execution_id, step_id) WHERE state = 'open';

CREATE TABLE attempts (
    id                  TEXT NOT NULL PRIMARY KEY,
    execution_id        TEXT NOT NULL,
    step_id             TEXT NOT NULL,
    number              INTEGER NOT NULL CHECK (number > 0),
    client              TEXT NOT NULL,
    render_digest       TEXT NOT NULL,
    take                INTEGER NOT NULL CHECK (take >= 0),
    target              INTEGER NOT NULL,
    provider            TEXT NOT NULL,
    model               TEXT NOT NULL,
    class               TEXT NOT NULL CHECK (class IN ('a', 'b', 'c', 'd')),
    state               TEXT NOT NULL CHECK (state IN ('prepared', 'dispatching', 'accepted', 'received', 'committed',
                                                       'abandoned', 'rejected', 'failed_paid', 'unknown',
                                                       'written_off')),
    ceiling_nanos       INTEGER NOT NULL CHECK (ceiling_nanos >= 0),
    reserved_nanos      INTEGER NOT NULL CHECK (reserved_nanos >= 0),
    unknown_held_nanos  INTEGER NOT NULL CHECK (unknown_held_nanos >= 0),
    cost_nanos          INTEGER CHECK (cost_nanos >= 0),
    cost_estimated      INTEGER NOT NULL DEFAULT 0 CHECK (cost_estimated IN (0, 1)),
    job_id              TEXT NOT NULL DEFAULT '',
    provider_request_id TEXT NOT NULL DEFAULT '',
    revised_prompt      TEXT NOT NULL DEFAULT '',
    failure             BLOB,
    prepared_us         INTEGER NOT NULL,
    dispatched_us       INTEGER,
    -- The lease under which the call was let go: nobody else may take the permission for its own.
    dispatch_epoch      INTEGER,
    send_by_us          INTEGER,
    received_us         INTEGER,
    answer_receipt      INTEGER,
    ended_us            INTEGER,
    -- Sequence of the event in which the attempt was settled: the order of the cost lines.
    settled_seq         INTEGER,
    UNIQUE (execution_id, step_id, number),
    FOREIGN KEY (execution_id, step_id) REFERENCES steps (execution_id, step_id),
    CHECK ((cost_nanos IS NULL) = (settled_seq IS NULL))
) STRICT;

-- The main invariant: at most one open provider call for each unit, whoever makes it.
CREATE UNIQUE INDEX attempts_open ON attempts (client, render_digest, take)
    WHERE state IN ('prepared', 'dispatching', 'accepted', 'received', 'unknown');

-- Evidence. Rows are only ever added.
CREATE TABLE receipts (
    attempt_id  TEXT NOT NULL REFERENCES attempts (id),
    number      INTEGER NOT NULL,
    kind        TEXT NOT NULL,
    staging_key TEXT NOT NULL,
    body_sha256 TEXT NOT NULL,
    size_bytes  INTEGER NOT NULL CHECK (size_bytes >= 0),
    media_type  TEXT NOT NULL,
    request_id  TEXT NOT NULL,
    -- A JSON object of strings, with sorted keys.
    headers     TEXT NOT NULL,
    at_us       INTEGER NOT NULL,
    PRIMARY KEY (attempt_id, number)
) STRICT;

-- Balances. They follow from the ledger and are kept to be read at once.
CREATE TABLE budgets (
    scope              TEXT NOT NULL,
    currency           TEXT NOT NULL,
    spent_nanos        INTEGER NOT NULL CHECK (spent_nanos >= 0),
    reserved_nanos     INTEGER NOT NULL CHECK (reserved_nanos >= 0),
    unknown_held_nanos INTEGER NOT NULL CHECK (unknown_held_nanos >= 0),
    PRIMARY KEY (scope, currency)
) STRICT;

-- Every movement of money. Rows are only ever added. The event key (attempt, kind, scope) makes a movement
-- unrepeatable.
--   reserve: into reserved           release: out of reserved         settle: into spent
--   hold:    from reserved to held   unhold:  from held to reserved
CREATE TABLE ledger (
    id           INTEGER PRIMARY KEY,
    event_key    TEXT NOT NULL UNIQUE,
    scope        TEXT NOT NULL,
    currency     TEXT NOT NULL,
    kind         TEXT NOT NULL CHECK (kind IN ('reserve', 'release', 'settle', 'hold', 'unhold')),
    amount_nanos INTEGER NOT NULL CHECK (amount_nanos >= 0),
    attempt_id   TEXT NOT NULL,
    at_us        INTEGER NOT NULL
) STRICT;

CREATE INDEX ledger_by_attempt ON ledger (attempt_id, id);

-- Encoded limn.v1.ExecutionEvent, without gaps for each execution. Rows are only ever added.
CREATE TABLE events (
    execution_id TEXT NOT NULL REFERENCES executions (id),
    seq          INTEGER NOT NULL CHECK (seq > 0),
    payload      BLOB NOT NULL,
    at_us        INTEGER NOT NULL,
    PRIMARY KEY (execution_id, seq)
) STRICT;

-- Objects in the store that images stand on. Several images may share one.
CREATE TABLE blobs (
    storage_key TEXT NOT NULL PRIMARY KEY,
    sha256      TEXT NOT NULL,
    size_bytes  INTEGER NOT NULL CHECK (size_bytes >= 0),
    media_type  TEXT NOT NULL,
    created_us  INTEGER NOT NULL,
    UNIQUE (storage_key, sha256)
) STRICT;

CREATE TABLE images (
    id                    TEXT NOT NULL PRIMARY KEY,
    client                TEXT NOT NULL,
    execution_id          TEXT NOT NULL,
    step_id               TEXT NOT NULL,
    plan_digest           TEXT NOT NULL,
    render_digest         TEXT NOT NULL,
    take                  INTEGER NOT NULL CHECK (take >= 0),
    -- The attempt that drew it; in a reused record that of the execution that paid.
    attempt_id            TEXT NOT NULL,
    reused                INTEGER NOT NULL CHECK (reused IN (0, 1)),
    status                TEXT NOT NULL CHECK (status IN ('completed')),
    rendered_sha256       TEXT NOT NULL,
    stored_sha256         TEXT NOT NULL,
    storage_path          TEXT NOT NULL,
    image_url             TEXT NOT NULL,
    format                TEXT NOT NULL,
    width                 INTEGER NOT NULL CHECK (width > 0),
    height                INTEGER NOT NULL CHECK (height > 0),
    file_size             INTEGER NOT NULL CHECK (file_size >= 0),
    -- Address of the first thumbnail; the thumbnails themselves are in image_thumbnails.
    thumbnail_url         TEXT NOT NULL,
    image_type            TEXT NOT NULL,
    session_id            TEXT NOT NULL,
    post_id               TEXT NOT NULL,
    prompt_id             TEXT NOT NULL,
    original_prompt       TEXT NOT NULL,
    prompt                TEXT NOT NULL,
    revised_prompt        TEXT NOT NULL,
    alt_text              TEXT NOT NULL,
    caption               TEXT NOT NULL,
    section_title         TEXT NOT NULL,
    position              INTEGER NOT NULL CHECK (position >= 0),
    importance            TEXT NOT NULL,
    provider              TEXT NOT NULL,
    model                 TEXT NOT NULL,
    provider_request_id   TEXT NOT NULL,
    seed_mode             TEXT NOT NULL,
    seed                  INTEGER NOT NULL CHECK (seed >= 0),
    generation_time_ms    INTEGER NOT NULL CHECK (generation_time_ms >= 0),
    currency              TEXT NOT NULL,
    generation_cost_nanos INTEGER CHECK (generation_cost_nanos >= 0),
    cost_estimated        INTEGER NOT NULL CHECK (cost_estimated IN (0, 1)),
    quality_score_bp      INTEGER CHECK (quality_score_bp BETWEEN 0 AND 10000),
    created_us            INTEGER NOT NULL,
    updated_us            INTEGER NOT NULL,
    FOREIGN KEY (storage_path, stored_sha256) REFERENCES blobs (storage_key, sha256)
) STRICT;

CREATE INDEX images_by_time ON images (client, created_us, id);
CREATE INDEX images_by_session ON images (client, session_id, created_us, id);
CREATE INDEX images_by_type ON images (client, image_type, created_us, id);
CREATE INDEX images_by_provider ON images (client, provider, created_us, id);
CREATE INDEX images_by_plan ON images (client, plan_digest, created_us, id);
CREATE INDEX images_by_execution ON images (client, execution_id, created_us, id);
CREATE INDEX images_by_post ON images (client, post_id, created_us, id);

CREATE TABLE image_thumbnails (
    image_id    TEXT NOT NULL REFERENCES images (id),
    ordinal     INTEGER NOT NULL,
    storage_key TEXT NOT NULL,
    public_url  TEXT NOT NULL,
    width       INTEGER NOT NULL CHECK (width > 0),
    height      INTEGER NOT NULL CHECK (height > 0),
    format      TEXT NOT NULL,
    file_size   INTEGER NOT NULL CHECK (file_size >= 0),
    PRIMARY KEY (image_id, ordinal)
) STRICT;

CREATE TABLE image_labels (
    image_id TEXT NOT NULL REFERENCES images (id),
    key      TEXT NOT NULL,
    value    TEXT NOT NULL,
    PRIMARY KEY (image_id, key)
) STRICT;

CREATE INDEX image_labels_by_label ON image_labels (key, value, image_id);
