-- What must hold once people decided about everything that executors could not.
SELECT 'money is still held' AS rule, scope AS subject FROM budgets WHERE reserved_nanos <> 0 OR unknown_held_nanos <> 0

UNION ALL
SELECT 'an attempt is ' || state || ' for ever', id FROM attempts
WHERE state IN ('prepared', 'dispatching', 'accepted', 'received', 'unknown')

UNION ALL
SELECT 'an execution is ' || state || ' for ever', id FROM executions
WHERE state NOT IN ('completed', 'failed', 'cancelled')

UNION ALL
SELECT 'a unit is open for ever', render_digest FROM units WHERE state = 'open'

LIMIT 1
