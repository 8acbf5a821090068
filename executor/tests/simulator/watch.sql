-- Written into the database before the schedule begins: every change of state is compared with the legal ones as it
-- is made, and history is watched while it is written. What is broken is noted and read by the checker.

CREATE TABLE sim_broken (rule TEXT NOT NULL, subject TEXT NOT NULL);

CREATE TABLE sim_legal (subject TEXT NOT NULL, old TEXT NOT NULL, new TEXT NOT NULL, PRIMARY KEY (subject, old, new));
INSERT INTO sim_legal (subject, old, new) VALUES
    ('execution', 'pending', 'processing'),
    ('execution', 'pending', 'cancelling'),
    ('execution', 'processing', 'cancelling'),
    ('execution', 'processing', 'needs_decision'),
    ('execution', 'processing', 'completed'),
    ('execution', 'processing', 'failed'),
    ('execution', 'needs_decision', 'cancelling'),
    -- A person decided.
    ('execution', 'needs_decision', 'processing'),
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
    ('step', 'needs_decision', 'pending'),
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
    ('attempt', 'unknown', 'rejected'),
    ('attempt', 'unknown', 'written_off'),
    ('unit', 'idle', 'open'),
    ('unit', 'open', 'idle'),
    ('unit', 'open', 'completed');

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

-- Of an execution that ended only the money moves.
CREATE TRIGGER sim_executions_ended AFTER UPDATE ON executions
    WHEN OLD.state IN ('completed', 'failed', 'cancelled') AND (
        NEW.ended_us IS NOT OLD.ended_us OR NEW.failure IS NOT OLD.failure
        OR NEW.owner_boot_id IS NOT OLD.owner_boot_id OR NEW.lease_epoch <> OLD.lease_epoch
        OR NEW.last_seq > 1 + (SELECT last_seq FROM sim_ended WHERE id = NEW.id))
BEGIN INSERT INTO sim_broken VALUES ('an execution that ended was changed', NEW.id); END;

CREATE TRIGGER sim_events_after_end AFTER INSERT ON events
    WHEN EXISTS (SELECT 1 FROM sim_ended WHERE id = NEW.execution_id AND NEW.seq > last_seq + 1)
BEGIN INSERT INTO sim_broken VALUES ('an event came after the end', NEW.execution_id || '/' || NEW.seq); END;

CREATE TRIGGER sim_events_in_order AFTER INSERT ON events
    WHEN NEW.seq <> 1 + (SELECT COALESCE(MAX(seq), 0) FROM events
                         WHERE execution_id = NEW.execution_id AND seq <> NEW.seq)
BEGIN INSERT INTO sim_broken VALUES ('events have a gap', NEW.execution_id || '/' || NEW.seq); END;

-- What is only ever added.
CREATE TRIGGER sim_events_changed AFTER UPDATE ON events
BEGIN INSERT INTO sim_broken VALUES ('an event was changed', NEW.execution_id || '/' || NEW.seq); END;
CREATE TRIGGER sim_ledger_changed AFTER UPDATE ON ledger
BEGIN INSERT INTO sim_broken VALUES ('a ledger row was changed', NEW.event_key); END;
CREATE TRIGGER sim_ledger_removed AFTER DELETE ON ledger
BEGIN INSERT INTO sim_broken VALUES ('a ledger row was removed', OLD.event_key); END;
CREATE TRIGGER sim_receipts_changed AFTER UPDATE ON receipts
BEGIN INSERT INTO sim_broken VALUES ('a receipt was changed', NEW.attempt_id); END;
CREATE TRIGGER sim_receipts_removed AFTER DELETE ON receipts
BEGIN INSERT INTO sim_broken VALUES ('a receipt was removed', OLD.attempt_id); END;
CREATE TRIGGER sim_audit_changed AFTER UPDATE ON audit_events
BEGIN INSERT INTO sim_broken VALUES ('an audit event was changed', NEW.id); END;
CREATE TRIGGER sim_audit_removed AFTER DELETE ON audit_events
BEGIN INSERT INTO sim_broken VALUES ('an audit event was removed', OLD.id); END;
