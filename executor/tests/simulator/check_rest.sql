-- What must hold once the trouble is over and nothing goes on any more by itself. Only what is parked because its
-- owners died too often may have left something open.
SELECT 'money is still reserved' AS rule, a.id AS subject FROM attempts a JOIN executions e ON e.id = a.execution_id
WHERE a.reserved_nanos <> 0 AND NOT (e.state = 'needs_decision' AND e.failure IS NOT NULL)

UNION ALL
SELECT 'an execution is ' || state || ' for ever', id FROM executions
WHERE state IN ('pending', 'processing', 'cancelling')

UNION ALL
SELECT 'an execution waits for a decision about nothing', e.id FROM executions e
WHERE e.state = 'needs_decision' AND e.failure IS NULL AND NOT EXISTS (
    SELECT 1 FROM steps s JOIN attempts a ON a.client = e.client AND a.state = 'unknown'
    WHERE s.execution_id = e.id AND s.state = 'needs_decision')

UNION ALL
SELECT 'an answer that came is not looked at', a.id FROM attempts a JOIN executions e ON e.id = a.execution_id
WHERE a.state = 'unknown' AND NOT (e.state = 'needs_decision' AND e.failure IS NOT NULL) AND EXISTS (
    SELECT 1 FROM receipts r WHERE r.attempt_id = a.id AND r.kind = 'answer' AND r.staging_key <> '')

LIMIT 1
