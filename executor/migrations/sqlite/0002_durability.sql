-- Budgets with limits and periods, decisions about unknown outcomes, an audit log, and retention.

-- When a parked execution is looked at again by itself; nothing: only when something happens to it.
ALTER TABLE executions ADD COLUMN wake_us INTEGER;
-- What was parked before there were looks is looked at as soon as somebody can.
UPDATE executions SET wake_us = 0 WHERE state = 'needs_decision';
-- Its events were removed after the retention time.
ALTER TABLE executions ADD COLUMN events_pruned_us INTEGER;

CREATE INDEX executions_parked ON executions (wake_us) WHERE state = 'needs_decision' AND wake_us IS NOT NULL;
CREATE INDEX executions_ended ON executions (ended_us) WHERE ended_us IS NOT NULL;
CREATE INDEX executions_with_events ON executions (ended_us)
    WHERE ended_us IS NOT NULL AND events_pruned_us IS NULL;

-- Until when the first byte of the first call could leave: from then on a provider may forget the key of the attempt.
ALTER TABLE attempts ADD COLUMN first_send_by_us INTEGER;

-- Day since the Unix epoch, UTC, in which the attempt was reserved. All its money counts in that day.
ALTER TABLE attempts ADD COLUMN budget_day INTEGER NOT NULL DEFAULT 0;
-- What somebody, or the policy of the plan, decided about an unknown outcome or bill; empty: nobody did.
ALTER TABLE attempts ADD COLUMN resolution TEXT NOT NULL DEFAULT ''
    CHECK (resolution IN ('', 'not_charged', 'charged', 'written_off'));
-- What was to become of its step; empty: the step did not wait for it.
ALTER TABLE attempts ADD COLUMN resolution_follow_up TEXT NOT NULL DEFAULT ''
    CHECK (resolution_follow_up IN ('', 'retry', 'fail'));
ALTER TABLE attempts ADD COLUMN resolution_actor TEXT NOT NULL DEFAULT '';
ALTER TABLE attempts ADD COLUMN resolution_reason TEXT NOT NULL DEFAULT '';

-- When its outcome became unknown, by the database's clock; what may be given up is judged from here.
ALTER TABLE attempts ADD COLUMN unknown_us INTEGER;

UPDATE attempts SET budget_day = prepared_us / 86400000000;

CREATE INDEX attempts_by_time ON attempts (client, prepared_us);
CREATE INDEX attempts_unknown ON attempts (id) WHERE state = 'unknown';

-- The balances of a budget are those of all time; what counts against its limit is summed from the days.
ALTER TABLE budgets ADD COLUMN limit_nanos INTEGER CHECK (limit_nanos >= 0);
ALTER TABLE budgets ADD COLUMN period TEXT NOT NULL DEFAULT 'never' CHECK (period IN ('day', 'month', 'never'));
ALTER TABLE budgets ADD COLUMN updated_us INTEGER NOT NULL DEFAULT 0;
-- Grows with every change of limit or period.
ALTER TABLE budgets ADD COLUMN version INTEGER NOT NULL DEFAULT 0;

CREATE TABLE budget_days (
    scope              TEXT NOT NULL,
    currency           TEXT NOT NULL,
    day                INTEGER NOT NULL,
    spent_nanos        INTEGER NOT NULL CHECK (spent_nanos >= 0),
    reserved_nanos     INTEGER NOT NULL CHECK (reserved_nanos >= 0),
    unknown_held_nanos INTEGER NOT NULL CHECK (unknown_held_nanos >= 0),
    PRIMARY KEY (scope, currency, day)
) STRICT;

-- The ledger learns of days, and of refunds:
--   refund:  out of spent
CREATE TABLE ledger_with_days (
    id           INTEGER PRIMARY KEY,
    event_key    TEXT NOT NULL UNIQUE,
    scope        TEXT NOT NULL,
    currency     TEXT NOT NULL,
    day          INTEGER NOT NULL,
    kind         TEXT NOT NULL CHECK (kind IN ('reserve', 'release', 'settle', 'hold', 'unhold', 'refund')),
    amount_nanos INTEGER NOT NULL CHECK (amount_nanos >= 0),
    attempt_id   TEXT NOT NULL,
    at_us        INTEGER NOT NULL
) STRICT;

INSERT INTO ledger_with_days (id, event_key, scope, currency, day, kind, amount_nanos, attempt_id, at_us)
    SELECT id, event_key, scope, currency,
           COALESCE((SELECT budget_day FROM attempts WHERE attempts.id = ledger.attempt_id), at_us / 86400000000),
           kind, amount_nanos, attempt_id, at_us
    FROM ledger ORDER BY id;

DROP TABLE ledger;
ALTER TABLE ledger_with_days RENAME TO ledger;

CREATE INDEX ledger_by_attempt ON ledger (attempt_id, id);
CREATE INDEX ledger_by_scope ON ledger (scope, currency, day, kind, amount_nanos);

INSERT INTO budget_days (scope, currency, day, spent_nanos, reserved_nanos, unknown_held_nanos)
    SELECT scope, currency, day,
           SUM(CASE kind WHEN 'settle' THEN amount_nanos ELSE 0 END),
           SUM(CASE kind WHEN 'reserve' THEN amount_nanos WHEN 'unhold' THEN amount_nanos
                         WHEN 'release' THEN -amount_nanos WHEN 'hold' THEN -amount_nanos ELSE 0 END),
           SUM(CASE kind WHEN 'hold' THEN amount_nanos WHEN 'unhold' THEN -amount_nanos ELSE 0 END)
    FROM ledger GROUP BY scope, currency, day;

-- Who did what to money and executions. Rows are only ever added.
CREATE TABLE audit_events (
    id         TEXT NOT NULL PRIMARY KEY,
    client     TEXT NOT NULL,
    created_us INTEGER NOT NULL,
    actor      TEXT NOT NULL,
    action     TEXT NOT NULL,
    subject    TEXT NOT NULL,
    reason     TEXT NOT NULL,
    -- A JSON object of strings, with sorted keys.
    details    TEXT NOT NULL
) STRICT;

CREATE INDEX audit_events_by_time ON audit_events (client, created_us, id);
CREATE INDEX audit_events_by_action ON audit_events (client, action, created_us, id);

-- Executions that were removed after the retention time: asked for, they are gone and not unknown.
CREATE TABLE pruned_executions (
    id        TEXT NOT NULL PRIMARY KEY,
    client    TEXT NOT NULL,
    ended_us  INTEGER NOT NULL,
    pruned_us INTEGER NOT NULL
) STRICT;
