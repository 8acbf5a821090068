-- What must hold after every step: any row is a broken rule and what breaks it.
SELECT rule, subject FROM sim_broken

UNION ALL
SELECT 'an illegal change of a(n) ' || subject || ' from ' || old || ' to ' || new, id FROM sim_seen
WHERE (subject, old, new) NOT IN (SELECT subject, old, new FROM sim_legal)

UNION ALL
SELECT 'a balance is not what the ledger says', b.scope FROM budgets b
LEFT JOIN (
    SELECT scope, currency,
        SUM(CASE kind WHEN 'settle' THEN amount_nanos WHEN 'refund' THEN -amount_nanos ELSE 0 END) AS spent,
        SUM(CASE kind WHEN 'reserve' THEN amount_nanos WHEN 'unhold' THEN amount_nanos
                      WHEN 'release' THEN -amount_nanos WHEN 'hold' THEN -amount_nanos ELSE 0 END) AS reserved,
        SUM(CASE kind WHEN 'hold' THEN amount_nanos WHEN 'unhold' THEN -amount_nanos ELSE 0 END) AS held
    FROM ledger GROUP BY scope, currency) l ON l.scope = b.scope AND l.currency = b.currency
WHERE (b.spent_nanos, b.reserved_nanos, b.unknown_held_nanos)
    IS NOT (COALESCE(l.spent, 0), COALESCE(l.reserved, 0), COALESCE(l.held, 0))

UNION ALL
SELECT 'the money of an execution is not that of its attempts', e.id FROM executions e
LEFT JOIN (
    SELECT execution_id, SUM(COALESCE(cost_nanos, 0)) AS spent, SUM(reserved_nanos) AS reserved,
        SUM(unknown_held_nanos) AS held
    FROM attempts GROUP BY execution_id) a ON a.execution_id = e.id
WHERE (e.settled_nanos, e.reserved_nanos, e.unknown_held_nanos)
    IS NOT (COALESCE(a.spent, 0), COALESCE(a.reserved, 0), COALESCE(a.held, 0))

UNION ALL
SELECT 'the balance of a client is not that of its executions', b.scope FROM budgets b
LEFT JOIN (
    SELECT 'clients/' || client || '/budgets/client' AS scope, currency, SUM(settled_nanos) AS spent,
        SUM(reserved_nanos) AS reserved, SUM(unknown_held_nanos) AS held
    FROM executions GROUP BY client, currency) e ON e.scope = b.scope AND e.currency = b.currency
WHERE b.scope LIKE '%/budgets/client' AND NOT EXISTS (SELECT 1 FROM pruned_executions)
    AND (b.spent_nanos, b.reserved_nanos, b.unknown_held_nanos)
        IS NOT (COALESCE(e.spent, 0), COALESCE(e.reserved, 0), COALESCE(e.held, 0))

UNION ALL
-- A refusal of which nobody says whether it is billed keeps its hold.
SELECT 'an attempt that is ' || state || ' keeps other money than it should', id FROM attempts
WHERE NOT CASE
    WHEN state IN ('prepared', 'dispatching', 'accepted', 'received')
        THEN reserved_nanos = ceiling_nanos AND unknown_held_nanos = 0 AND cost_nanos IS NULL
    WHEN state = 'unknown'
        THEN reserved_nanos = 0 AND unknown_held_nanos = ceiling_nanos AND cost_nanos IS NULL
    WHEN state = 'rejected'
        THEN reserved_nanos = 0 AND (unknown_held_nanos = 0 OR unknown_held_nanos = ceiling_nanos AND cost_nanos IS NULL)
            AND (cost_nanos IS NULL OR resolution = 'charged' OR resolution = 'not_charged' AND cost_nanos = 0)
    WHEN state IN ('abandoned')
        THEN reserved_nanos = 0 AND unknown_held_nanos = 0 AND cost_nanos IS NULL
    ELSE reserved_nanos = 0 AND unknown_held_nanos = 0 AND cost_nanos IS NOT NULL
END

UNION ALL
SELECT 'two attempts are open on one unit', MIN(id) FROM attempts
WHERE state IN ('prepared', 'dispatching', 'accepted', 'received', 'unknown')
GROUP BY client, render_digest, take HAVING COUNT(*) > 1

UNION ALL
SELECT 'an attempt is in flight in an execution that ended', a.id FROM attempts a
JOIN executions e ON e.id = a.execution_id
WHERE e.state IN ('completed', 'failed', 'cancelled')
    AND a.state IN ('prepared', 'dispatching', 'accepted', 'received')

UNION ALL
SELECT 'a unit is open for a step that ended', u.render_digest FROM units u
JOIN steps s ON s.execution_id = u.execution_id AND s.step_id = u.step_id
WHERE u.state = 'open' AND s.state IN ('completed', 'failed', 'cancelled', 'skipped')
    AND NOT EXISTS (SELECT 1 FROM attempts a
        WHERE a.client = u.client AND a.render_digest = u.render_digest AND a.take = u.take
            AND a.state IN ('prepared', 'dispatching', 'accepted', 'received', 'unknown'))

UNION ALL
SELECT 'a completed step has no image', s.execution_id || '/' || s.step_id FROM steps s
LEFT JOIN images i ON i.id = s.image_id
WHERE s.state = 'completed' AND (i.id IS NULL OR i.execution_id <> s.execution_id OR i.step_id <> s.step_id)

UNION ALL
SELECT 'an event is missing', e.id FROM executions e
WHERE e.events_pruned_us IS NULL AND e.last_seq <> (SELECT COUNT(*) FROM events v WHERE v.execution_id = e.id)

UNION ALL
-- The vendors know best. Who decides that nothing was billed has to know, too.
SELECT 'an attempt that is ' || a.state || ' was billed', a.id FROM charges c JOIN attempts a ON a.id = c.attempt_id
WHERE NOT c.excused AND a.resolution <> 'not_charged' AND (a.state IN ('prepared', 'abandoned')
    OR (a.state = 'rejected' AND a.unknown_held_nanos = 0 AND a.cost_nanos IS NULL))

UNION ALL
SELECT 'an attempt was billed twice', attempt_id FROM charges
WHERE NOT excused GROUP BY attempt_id HAVING COUNT(*) > 1

UNION ALL
SELECT 'a unit was billed twice, and nobody gave the first up', MIN(a.id) FROM charges c
JOIN attempts a ON a.id = c.attempt_id
WHERE NOT c.excused AND a.state NOT IN ('failed_paid', 'written_off', 'rejected')
GROUP BY a.client, a.render_digest, a.take HAVING COUNT(*) > 1

UNION ALL
SELECT 'more was billed than is reserved, held or spent', a.id FROM charges c JOIN attempts a ON a.id = c.attempt_id
WHERE NOT c.excused AND a.resolution <> 'not_charged'
    AND MIN(c.nanos, a.ceiling_nanos) > a.reserved_nanos + a.unknown_held_nanos + COALESCE(a.cost_nanos, 0)

UNION ALL
SELECT 'the balance of a day is not what the ledger says', d.scope || '/' || d.day FROM budget_days d
LEFT JOIN (
    SELECT scope, currency, day,
        SUM(CASE kind WHEN 'settle' THEN amount_nanos WHEN 'refund' THEN -amount_nanos ELSE 0 END) AS spent,
        SUM(CASE kind WHEN 'reserve' THEN amount_nanos WHEN 'unhold' THEN amount_nanos
                      WHEN 'release' THEN -amount_nanos WHEN 'hold' THEN -amount_nanos ELSE 0 END) AS reserved,
        SUM(CASE kind WHEN 'hold' THEN amount_nanos WHEN 'unhold' THEN -amount_nanos ELSE 0 END) AS held
    FROM ledger GROUP BY scope, currency, day) l ON l.scope = d.scope AND l.currency = d.currency AND l.day = d.day
WHERE (d.spent_nanos, d.reserved_nanos, d.unknown_held_nanos)
    IS NOT (COALESCE(l.spent, 0), COALESCE(l.reserved, 0), COALESCE(l.held, 0))

UNION ALL
SELECT 'the days of a budget are not all of it', b.scope FROM budgets b
LEFT JOIN (
    SELECT scope, currency, SUM(spent_nanos) AS spent, SUM(reserved_nanos) AS reserved, SUM(unknown_held_nanos) AS held
    FROM budget_days GROUP BY scope, currency) d ON d.scope = b.scope AND d.currency = b.currency
WHERE (b.spent_nanos, b.reserved_nanos, b.unknown_held_nanos)
    IS NOT (COALESCE(d.spent, 0), COALESCE(d.reserved, 0), COALESCE(d.held, 0))

UNION ALL
-- A limit is never lowered while a schedule runs, and a bill above its ceiling is an accident of its own.
SELECT 'more is committed than a budget allows', b.scope FROM budgets b
WHERE b.limit_nanos IS NOT NULL AND b.period = 'never'
    AND NOT EXISTS (SELECT 1 FROM charges c JOIN attempts a ON a.id = c.attempt_id WHERE c.nanos > a.ceiling_nanos)
    AND b.spent_nanos + b.reserved_nanos + b.unknown_held_nanos > b.limit_nanos

UNION ALL
SELECT 'more is committed than a budget allows in a day', d.scope FROM budget_days d
JOIN budgets b ON b.scope = d.scope AND b.currency = d.currency
WHERE b.limit_nanos IS NOT NULL AND b.period = 'day'
    AND NOT EXISTS (SELECT 1 FROM charges c JOIN attempts a ON a.id = c.attempt_id WHERE c.nanos > a.ceiling_nanos)
    AND d.spent_nanos + d.reserved_nanos + d.unknown_held_nanos > b.limit_nanos

UNION ALL
SELECT 'an attempt was given up without a word in the audit log', a.id FROM attempts a
WHERE (a.state = 'written_off' OR a.resolution <> '')
    AND NOT EXISTS (SELECT 1 FROM audit_events v WHERE v.details LIKE '%' || a.id || '%')

UNION ALL
SELECT 'what an answer cost is not what was billed', a.id FROM attempts a
WHERE a.state IN ('committed', 'failed_paid')
    AND a.cost_nanos <> (SELECT COALESCE(SUM(c.nanos), 0) FROM charges c WHERE c.attempt_id = a.id AND NOT c.excused)
    AND NOT EXISTS (SELECT 1 FROM charges c WHERE c.attempt_id = a.id AND c.excused)

UNION ALL
-- Of an execution that ended only the money moves.
SELECT 'an execution that ended was changed', e.id FROM executions e JOIN ended o ON o.id = e.id
WHERE (e.state, e.ended_us, e.failure, e.owner_boot_id, e.lease_epoch, e.last_seq)
    IS NOT (o.state, o.ended_us, o.failure, o.owner_boot_id, o.lease_epoch, o.last_seq)

LIMIT 1
