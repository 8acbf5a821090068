-- What processes tell each other about providers: who may call now, who waits, and how the provider does.

-- How each provider does. No row: nothing is wrong with it.
CREATE TABLE provider_gates (
    provider      TEXT NOT NULL PRIMARY KEY,
    -- Calls in a row that found it unavailable.
    failures      INTEGER NOT NULL DEFAULT 0 CHECK (failures >= 0),
    -- How often in a row its breaker opened; zero: it is closed, and everybody may call.
    trips         INTEGER NOT NULL DEFAULT 0 CHECK (trips >= 0),
    -- Until when nobody calls it; from then on one at a time, until one succeeds.
    open_us       INTEGER,
    -- Until when it asked everybody to wait.
    cooling_us    INTEGER,
    -- What was last wrong, in a sentence.
    why           TEXT NOT NULL DEFAULT '',
    updated_us    INTEGER NOT NULL
) STRICT;

-- Calls in progress and processes that wait for one. Calls that ended stay while they count in the minute.
CREATE TABLE provider_turns (
    id         TEXT NOT NULL PRIMARY KEY,
    provider   TEXT NOT NULL,
    boot_id    TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('waiting', 'calling', 'probing', 'ended')),
    asked_us   INTEGER NOT NULL,
    -- When the call began; nothing while it waits.
    begun_us   INTEGER,
    -- Until when it counts without a sign of life of its process.
    lease_us   INTEGER NOT NULL,
    CHECK ((state = 'waiting') = (begun_us IS NULL))
) STRICT;

CREATE INDEX provider_turns_by_provider ON provider_turns (provider, asked_us, id);

-- What the step waits for before its next call: a limn.v1.StepWait. Nothing: it never waited.
ALTER TABLE steps ADD COLUMN wait BLOB;
-- Targets that were passed over without a call: a limn.v1.StepStatus with nothing else.
ALTER TABLE steps ADD COLUMN skipped_targets BLOB;
