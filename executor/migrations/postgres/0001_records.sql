-- Plans, executions, attempts, money, events and images.
--
-- Times are microseconds since the Unix epoch, money is in billionths of the currency, ids are hyphenated
-- lowercase UUIDs. Lists are read newest first by (created_us, id): each way to filter has an index that ends
-- so. Text is compared byte by byte, as in the other database.

CREATE TABLE plans (
    client           TEXT COLLATE "C" NOT NULL,
    digest_hex       TEXT COLLATE "C" NOT NULL,
    bytes            BYTEA NOT NULL,
    session_id       TEXT COLLATE "C" NOT NULL,
    kind             TEXT COLLATE "C" NOT NULL,
    created_us       BIGINT NOT NULL,
    last_executed_us BIGINT,
    PRIMARY KEY (client, digest_hex)
);

CREATE INDEX plans_by_time ON plans (client, created_us, digest_hex);
CREATE INDEX plans_by_session ON plans (client, session_id, created_us, digest_hex);

CREATE TABLE executions (
    id                  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    client              TEXT COLLATE "C" NOT NULL,
    plan_digest         TEXT COLLATE "C" NOT NULL,
    session_id          TEXT COLLATE "C" NOT NULL,
    take                BIGINT NOT NULL CHECK (take >= 0),
    request_id          TEXT COLLATE "C" NOT NULL,
    mode                TEXT COLLATE "C" NOT NULL CHECK (mode IN ('reuse', 'resume')),
    max_concurrency     BIGINT NOT NULL CHECK (max_concurrency > 0),
    previous            TEXT COLLATE "C",
    state               TEXT COLLATE "C" NOT NULL CHECK (state IN ('pending', 'processing', 'cancelling', 'needs_decision',
                                                       'completed', 'failed', 'cancelled')),
    failure             BYTEA,
    owner_boot_id       TEXT COLLATE "C",
    lease_epoch         BIGINT NOT NULL DEFAULT 0,
    lease_until_us      BIGINT,
    crash_count         BIGINT NOT NULL DEFAULT 0,
    cancel_requested_us BIGINT,
    created_us          BIGINT NOT NULL,
    started_us          BIGINT,
    ended_us            BIGINT,
    last_seq            BIGINT NOT NULL DEFAULT 0,
    currency            TEXT COLLATE "C" NOT NULL,
    settled_nanos       BIGINT NOT NULL DEFAULT 0 CHECK (settled_nanos >= 0),
    reserved_nanos      BIGINT NOT NULL DEFAULT 0 CHECK (reserved_nanos >= 0),
    unknown_held_nanos  BIGINT NOT NULL DEFAULT 0 CHECK (unknown_held_nanos >= 0)
);

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
    client       TEXT COLLATE "C" NOT NULL,
    request_id   TEXT COLLATE "C" NOT NULL,
    request_hash TEXT COLLATE "C" NOT NULL,
    execution_id TEXT COLLATE "C" NOT NULL REFERENCES executions (id),
    PRIMARY KEY (client, request_id)
);

CREATE INDEX requests_by_execution ON requests (execution_id);

CREATE TABLE steps (
    execution_id TEXT COLLATE "C" NOT NULL REFERENCES executions (id),
    step_id      TEXT COLLATE "C" NOT NULL,
    ordinal      BIGINT NOT NULL,
    state        TEXT COLLATE "C" NOT NULL CHECK (state IN ('pending', 'processing', 'needs_decision', 'completed', 'failed',
                                                'cancelled', 'skipped')),
    image_id     TEXT COLLATE "C",
    reused       BOOLEAN NOT NULL DEFAULT FALSE,
    failure      BYTEA,
    PRIMARY KEY (execution_id, step_id),
    UNIQUE (execution_id, ordinal),
    CHECK ((state = 'completed') = (image_id IS NOT NULL))
);

-- The unit of paid work. Open: the step named here draws it, and no other may. Completed: the image exists.
-- Idle: nobody draws it at present.
CREATE TABLE units (
    client        TEXT COLLATE "C" NOT NULL,
    render_digest TEXT COLLATE "C" NOT NULL,
    take          BIGINT NOT NULL CHECK (take >= 0),
    state         TEXT COLLATE "C" NOT NULL CHECK (state IN ('open', 'completed', 'idle')),
    execution_id  TEXT COLLATE "C",
    step_id       TEXT COLLATE "C",
    image_id      TEXT COLLATE "C",
    PRIMARY KEY (client, render_digest, take),
    CHECK ((state = 'idle') = (execution_id IS NULL)),
    CHECK ((execution_id IS NULL) = (step_id IS NULL)),
    CHECK ((state = 'completed') = (image_id IS NOT NULL))
);

CREATE INDEX units_open_by_step ON units (execution_id, step_id) WHERE state = 'open';

CREATE TABLE attempts (
    id                  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    execution_id        TEXT COLLATE "C" NOT NULL,
    step_id             TEXT COLLATE "C" NOT NULL,
    number              BIGINT NOT NULL CHECK (number > 0),
    client              TEXT COLLATE "C" NOT NULL,
    render_digest       TEXT COLLATE "C" NOT NULL,
    take                BIGINT NOT NULL CHECK (take >= 0),
    target              BIGINT NOT NULL,
    provider            TEXT COLLATE "C" NOT NULL,
    model               TEXT COLLATE "C" NOT NULL,
    class               TEXT COLLATE "C" NOT NULL CHECK (class IN ('a', 'b', 'c', 'd')),
    state               TEXT COLLATE "C" NOT NULL CHECK (state IN ('prepared', 'dispatching', 'accepted', 'received', 'committed',
                                                       'abandoned', 'rejected', 'failed_paid', 'unknown',
                                                       'written_off')),
    ceiling_nanos       BIGINT NOT NULL CHECK (ceiling_nanos >= 0),
    reserved_nanos      BIGINT NOT NULL CHECK (reserved_nanos >= 0),
    unknown_held_nanos  BIGINT NOT NULL CHECK (unknown_held_nanos >= 0),
    cost_nanos          BIGINT CHECK (cost_nanos >= 0),
    cost_estimated      BOOLEAN NOT NULL DEFAULT FALSE,
    job_id              TEXT COLLATE "C" NOT NULL DEFAULT '',
    provider_request_id TEXT COLLATE "C" NOT NULL DEFAULT '',
    revised_prompt      TEXT COLLATE "C" NOT NULL DEFAULT '',
    failure             BYTEA,
    prepared_us         BIGINT NOT NULL,
    dispatched_us       BIGINT,
    -- The lease under which the call was let go: nobody else may take the permission for its own.
    dispatch_epoch      BIGINT,
    send_by_us          BIGINT,
    received_us         BIGINT,
    answer_receipt      BIGINT,
    ended_us            BIGINT,
    -- Sequence of the event in which the attempt was settled: the order of the cost lines.
    settled_seq         BIGINT,
    UNIQUE (execution_id, step_id, number),
    FOREIGN KEY (execution_id, step_id) REFERENCES steps (execution_id, step_id),
    CHECK ((cost_nanos IS NULL) = (settled_seq IS NULL))
);

-- The main invariant: at most one open provider call for each unit, whoever makes it.
CREATE UNIQUE INDEX attempts_open ON attempts (client, render_digest, take)
    WHERE state IN ('prepared', 'dispatching', 'accepted', 'received', 'unknown');

-- Evidence. Rows are only ever added.
CREATE TABLE receipts (
    attempt_id  TEXT COLLATE "C" NOT NULL REFERENCES attempts (id),
    number      BIGINT NOT NULL,
    kind        TEXT COLLATE "C" NOT NULL,
    staging_key TEXT COLLATE "C" NOT NULL,
    body_sha256 TEXT COLLATE "C" NOT NULL,
    size_bytes  BIGINT NOT NULL CHECK (size_bytes >= 0),
    media_type  TEXT COLLATE "C" NOT NULL,
    request_id  TEXT COLLATE "C" NOT NULL,
    -- A JSON object of strings, with sorted keys.
    headers     TEXT COLLATE "C" NOT NULL,
    at_us       BIGINT NOT NULL,
    PRIMARY KEY (attempt_id, number)
);

-- Balances. They follow from the ledger and are kept to be read at once.
CREATE TABLE budgets (
    scope              TEXT COLLATE "C" NOT NULL,
    currency           TEXT COLLATE "C" NOT NULL,
    spent_nanos        BIGINT NOT NULL CHECK (spent_nanos >= 0),
    reserved_nanos     BIGINT NOT NULL CHECK (reserved_nanos >= 0),
    unknown_held_nanos BIGINT NOT NULL CHECK (unknown_held_nanos >= 0),
    PRIMARY KEY (scope, currency)
);

-- Every movement of money. Rows are only ever added. The event key (attempt, kind, scope) makes a movement
-- unrepeatable.
--   reserve: into reserved           release: out of reserved         settle: into spent
--   hold:    from reserved to held   unhold:  from held to reserved
CREATE TABLE ledger (
    id           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_key    TEXT COLLATE "C" NOT NULL UNIQUE,
    scope        TEXT COLLATE "C" NOT NULL,
    currency     TEXT COLLATE "C" NOT NULL,
    kind         TEXT COLLATE "C" NOT NULL CHECK (kind IN ('reserve', 'release', 'settle', 'hold', 'unhold')),
    amount_nanos BIGINT NOT NULL CHECK (amount_nanos >= 0),
    attempt_id   TEXT COLLATE "C" NOT NULL,
    at_us        BIGINT NOT NULL
);

CREATE INDEX ledger_by_attempt ON ledger (attempt_id, id);

-- Encoded limn.v1.ExecutionEvent, without gaps for each execution. Rows are only ever added.
CREATE TABLE events (
    execution_id TEXT COLLATE "C" NOT NULL REFERENCES executions (id),
    seq          BIGINT NOT NULL CHECK (seq > 0),
    payload      BYTEA NOT NULL,
    at_us        BIGINT NOT NULL,
    PRIMARY KEY (execution_id, seq)
);

-- Objects in the store that images stand on. Several images may share one.
CREATE TABLE blobs (
    storage_key TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    sha256      TEXT COLLATE "C" NOT NULL,
    size_bytes  BIGINT NOT NULL CHECK (size_bytes >= 0),
    media_type  TEXT COLLATE "C" NOT NULL,
    created_us  BIGINT NOT NULL,
    UNIQUE (storage_key, sha256)
);

CREATE TABLE images (
    id                    TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    client                TEXT COLLATE "C" NOT NULL,
    execution_id          TEXT COLLATE "C" NOT NULL,
    step_id               TEXT COLLATE "C" NOT NULL,
    plan_digest           TEXT COLLATE "C" NOT NULL,
    render_digest         TEXT COLLATE "C" NOT NULL,
    take                  BIGINT NOT NULL CHECK (take >= 0),
    -- The attempt that drew it; in a reused record that of the execution that paid.
    attempt_id            TEXT COLLATE "C" NOT NULL,
    reused                BOOLEAN NOT NULL,
    status                TEXT COLLATE "C" NOT NULL CHECK (status IN ('completed')),
    rendered_sha256       TEXT COLLATE "C" NOT NULL,
    stored_sha256         TEXT COLLATE "C" NOT NULL,
    storage_path          TEXT COLLATE "C" NOT NULL,
    image_url             TEXT COLLATE "C" NOT NULL,
    format                TEXT COLLATE "C" NOT NULL,
    width                 BIGINT NOT NULL CHECK (width > 0),
    height                BIGINT NOT NULL CHECK (height > 0),
    file_size             BIGINT NOT NULL CHECK (file_size >= 0),
    -- Address of the first thumbnail; the thumbnails themselves are in image_thumbnails.
    thumbnail_url         TEXT COLLATE "C" NOT NULL,
    image_type            TEXT COLLATE "C" NOT NULL,
    session_id            TEXT COLLATE "C" NOT NULL,
    post_id               TEXT COLLATE "C" NOT NULL,
    prompt_id             TEXT COLLATE "C" NOT NULL,
    original_prompt       TEXT COLLATE "C" NOT NULL,
    prompt                TEXT COLLATE "C" NOT NULL,
    revised_prompt        TEXT COLLATE "C" NOT NULL,
    alt_text              TEXT COLLATE "C" NOT NULL,
    caption               TEXT COLLATE "C" NOT NULL,
    section_title         TEXT COLLATE "C" NOT NULL,
    position              BIGINT NOT NULL CHECK (position >= 0),
    importance            TEXT COLLATE "C" NOT NULL,
    provider              TEXT COLLATE "C" NOT NULL,
    model                 TEXT COLLATE "C" NOT NULL,
    provider_request_id   TEXT COLLATE "C" NOT NULL,
    seed_mode             TEXT COLLATE "C" NOT NULL,
    seed                  BIGINT NOT NULL CHECK (seed >= 0),
    generation_time_ms    BIGINT NOT NULL CHECK (generation_time_ms >= 0),
    currency              TEXT COLLATE "C" NOT NULL,
    generation_cost_nanos BIGINT CHECK (generation_cost_nanos >= 0),
    cost_estimated        BOOLEAN NOT NULL,
    quality_score_bp      BIGINT CHECK (quality_score_bp BETWEEN 0 AND 10000),
    created_us            BIGINT NOT NULL,
    updated_us            BIGINT NOT NULL,
    FOREIGN KEY (storage_path, stored_sha256) REFERENCES blobs (storage_key, sha256)
);

CREATE INDEX images_by_time ON images (client, created_us, id);
CREATE INDEX images_by_session ON images (client, session_id, created_us, id);
CREATE INDEX images_by_type ON images (client, image_type, created_us, id);
CREATE INDEX images_by_provider ON images (client, provider, created_us, id);
CREATE INDEX images_by_plan ON images (client, plan_digest, created_us, id);
CREATE INDEX images_by_execution ON images (client, execution_id, created_us, id);
CREATE INDEX images_by_post ON images (client, post_id, created_us, id);

CREATE TABLE image_thumbnails (
    image_id    TEXT COLLATE "C" NOT NULL REFERENCES images (id),
    ordinal     BIGINT NOT NULL,
    storage_key TEXT COLLATE "C" NOT NULL,
    public_url  TEXT COLLATE "C" NOT NULL,
    width       BIGINT NOT NULL CHECK (width > 0),
    height      BIGINT NOT NULL CHECK (height > 0),
    format      TEXT COLLATE "C" NOT NULL,
    file_size   BIGINT NOT NULL CHECK (file_size >= 0),
    PRIMARY KEY (image_id, ordinal)
);

CREATE TABLE image_labels (
    image_id TEXT COLLATE "C" NOT NULL REFERENCES images (id),
    key      TEXT COLLATE "C" NOT NULL,
    value    TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (image_id, key)
);

CREATE INDEX image_labels_by_label ON image_labels (key, value, image_id);
