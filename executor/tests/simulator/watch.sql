-- Written into the database before the schedule begins: every change of state is compared with the legal ones as it
-- is made, and history is watched while it is written. What is broken is noted and read by the checker.

CREATE TABLE sim_broken (rule TEXT NOT NULL, subject TEXT NOT NULL);

-- A run of at least `asked_of` schedules has to make the change: what is rare is asked of long runs alone.
CREATE TABLE sim_legal (subject TEXT NOT NULL, old TEXT NOT NULL, new TEXT NOT NULL,
    asked_of INTEGER NOT NULL DEFAULT 1000, PRIMARY KEY (subject, old, new));
INSERT INTO sim_legal (subject, old, new) VALUES
    ('execution', 'pending', 'processing'),
    ('execution', 'pending', 'cancelling'),
    ('execution', 'processing', 'cancelling'),
    ('execution', 'processing', 'needs_decision'),
    ('execution', 'processing', 'completed'),
    ('execution', 'processing', 'failed'),
    ('execution', 'needs_decision', 'cancelling'),
    -- Something was learnt, or a person decided.
    ('execution', 'needs_decision', 'processing'),
    ('execution', 'pending', 'needs_decision'),
    ('execution', 'cancelling', 'needs_decision'),
    ('execution', 'needs_decision', 'pending'),
    ('execution', 'needs_decision', 'failed'),
    ('execution', 'cancelling', 'cancelled'),
    ('execution', 'cancelling', 'completed'),
    ('step', 'pending', 'processing'),
    ('step', 'pending', 'cancelled'),
    ('step', 'pending', 'skipped'),
    ('step', 'processing', 'completed'),
    ('step', 'processing', 'failed'),
    ('step', 'processing', 'cancelled'),
    ('step', 'processing', 'skipped'),
    ('step', 'processing', 'needs_decision'),
    ('step', 'needs_decision', 'cancelled'),
    ('step', 'needs_decision', 'processing'),
    ('step', 'needs_decision', 'pending'),
    ('step', 'needs_decision', 'skipped'),
    ('step', 'needs_decision', 'failed'),
    -- Decided before it was parked.
    ('step', 'processing', 'pending'),
    ('attempt', 'prepared', 'dispatching'),
    ('attempt', 'prepared', 'abandoned'),
    ('attempt', 'dispatching', 'accepted'),
    ('attempt', 'dispatching', 'received'),
    ('attempt', 'dispatching', 'abandoned'),
    ('attempt', 'dispatching', 'rejected'),
    ('attempt', 'dispatching', 'unknown'),
    ('attempt', 'accepted', 'received'),
    ('attempt', 'accepted', 'rejected'),
    ('attempt', 'accepted', 'unknown'),
    ('attempt', 'received', 'committed'),
    ('attempt', 'received', 'failed_paid'),
    ('attempt', 'unknown', 'accepted'),
    ('attempt', 'unknown', 'received'),
    ('attempt', 'unknown', 'abandoned'),
    ('attempt', 'unknown', 'rejected'),
    -- Found after the end of the execution.
    ('attempt', 'unknown', 'committed'),
    ('attempt', 'unknown', 'failed_paid'),
    ('attempt', 'unknown', 'written_off'),
    -- It was not billed after all.
    ('attempt', 'written_off', 'rejected'),
    ('unit', 'idle', 'open'),
    ('unit', 'open', 'idle'),
    ('unit', 'open', 'completed');

-- Made by fewer than one schedule in two hundred.
UPDATE sim_legal SET asked_of = 10000 WHERE (subject, old, new) IN (VALUES
    ('execution', 'cancelling', 'needs_decision'),
    ('execution', 'pending', 'needs_decision'),
    ('execution', 'needs_decision', 'pending'),
    ('execution', 'needs_decision', 'failed'),
    ('step', 'needs_decision', 'skipped'),
    ('step', 'processing', 'skipped'),
    ('step', 'processing', 'pending'),
    ('attempt', 'unknown', 'abandoned'),
    ('attempt', 'unknown', 'failed_paid'),
    ('attempt', 'written_off', 'rejected'));

-- Every change that was seen, with one that made it. What is not legal is found by the checker.
CREATE TABLE sim_seen (subject TEXT NOT NULL, old TEXT NOT NULL, new TEXT NOT NULL, id TEXT NOT NULL,
    PRIMARY KEY (subject, old, new));

CREATE TRIGGER sim_executions AFTER UPDATE OF state ON executions WHEN OLD.state <> NEW.state
BEGIN INSERT OR IGNORE INTO sim_seen VALUES ('execution', OLD.state, NEW.state, NEW.id); END;

CREATE TRIGGER sim_steps AFTER UPDATE OF state ON steps WHEN OLD.state <> NEW.state
BEGIN INSERT OR IGNORE INTO sim_seen VALUES ('step', OLD.state, NEW.state, NEW.execution_id || '/' || NEW.step_id); END;

CREATE TRIGGER sim_attempts AFTER UPDATE OF state ON attempts WHEN OLD.state <> NEW.state
BEGIN INSERT OR IGNORE INTO sim_seen VALUES ('attempt', OLD.state, NEW.state, NEW.id); END;

CREATE TRIGGER sim_units AFTER UPDATE OF state ON units WHEN OLD.state <> NEW.state
BEGIN INSERT OR IGNORE INTO sim_seen VALUES ('unit', OLD.state, NEW.state, NEW.render_digest); END;

-- A step that ended never changes; an attempt belongs to its unit for ever.
CREATE TRIGGER sim_steps_ended AFTER UPDATE ON steps WHEN OLD.state IN ('completed', 'failed', 'cancelled', 'skipped')
BEGIN INSERT INTO sim_broken VALUES ('a step that ended was changed', NEW.execution_id); END;

-- Where the history of an execution was when it ended; the event of the end comes after that.
CREATE TABLE sim_ended (id TEXT NOT NULL PRIMARY KEY, last_seq INTEGER NOT NULL);
CREATE TRIGGER sim_executions_end AFTER UPDATE OF state ON executions
    WHEN OLD.state <> NEW.state AND NEW.state IN ('completed', 'failed', 'cancelled')
BEGIN INSERT INTO sim_ended VALUES (NEW.id, NEW.last_seq); END;

CREATE TRIGGER sim_events_after_end AFTER INSERT ON events
    WHEN EXISTS (SELECT 1 FROM sim_ended WHERE id = NEW.execution_id AND NEW.seq > last_seq + 1)
BEGIN INSERT INTO sim_broken VALUES ('an event came after the end', NEW.execution_id || '/' || NEW.seq); END;

CREATE TRIGGER sim_events_in_order AFTER INSERT ON events
    WHEN NEW.seq <> 1 + (SELECT COALESCE(MAX(seq), 0) FROM events
                         WHERE execution_id = NEW.execution_id AND seq <> NEW.seq)
BEGIN INSERT INTO sim_broken VALUES ('events have a gap', NEW.execution_id || '/' || NEW.seq); END;

-- What is only ever added.
-- Of histories that may be removed, only those of executions that ended and hold no money.
CREATE TRIGGER sim_events_removed AFTER DELETE ON events
    WHEN NOT EXISTS (SELECT 1 FROM sim_ended WHERE id = OLD.execution_id)
BEGIN INSERT INTO sim_broken VALUES ('an event of an execution that goes on was removed', OLD.execution_id); END;
CREATE TRIGGER sim_attempts_removed AFTER DELETE ON attempts
    WHEN OLD.state IN ('prepared', 'dispatching', 'accepted', 'received', 'unknown')
        OR OLD.reserved_nanos <> 0 OR OLD.unknown_held_nanos <> 0
BEGIN INSERT INTO sim_broken VALUES ('an attempt that holds something was removed', OLD.id); END;
CREATE TRIGGER sim_events_changed AFTER UPDATE ON events
BEGIN INSERT INTO sim_broken VALUES ('an event was changed', NEW.execution_id || '/' || NEW.seq); END;
CREATE TRIGGER sim_ledger_changed AFTER UPDATE ON ledger
BEGIN INSERT INTO sim_broken VALUES ('a ledger row was changed', NEW.event_key); END;
CREATE TRIGGER sim_ledger_removed AFTER DELETE ON ledger
BEGIN INSERT INTO sim_broken VALUES ('a ledger row was removed', OLD.event_key); END;
CREATE TRIGGER sim_receipts_changed AFTER UPDATE ON receipts
BEGIN INSERT INTO sim_broken VALUES ('a receipt was changed', NEW.attempt_id); END;
CREATE TRIGGER sim_audit_changed AFTER UPDATE ON audit_events
BEGIN INSERT INTO sim_broken VALUES ('an audit event was changed', NEW.id); END;
CREATE TRIGGER sim_audit_removed AFTER DELETE ON audit_events
BEGIN INSERT INTO sim_broken VALUES ('an audit event was removed', OLD.id); END;
