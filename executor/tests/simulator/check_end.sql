-- What must hold once the trouble is over and nothing goes on any more.
SELECT 'money is still reserved' AS rule, scope AS subject FROM budgets WHERE reserved_nanos <> 0

UNION ALL
SELECT 'an execution is ' || state || ' for ever', id FROM executions
WHERE state IN ('pending', 'processing', 'cancelling')

UNION ALL
SELECT 'an execution waits for a decision about nothing', e.id FROM executions e
WHERE e.state = 'needs_decision' AND NOT EXISTS (
    SELECT 1 FROM steps s WHERE s.execution_id = e.id AND s.state = 'needs_decision')

LIMIT 1
