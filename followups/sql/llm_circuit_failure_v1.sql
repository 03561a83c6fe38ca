-- Count a failure of a model's endpoint: from the :opens_after-th in a row on nobody asks for :first, doubling with
-- each failed trial up to :longest, or for as long as the endpoint itself said (:retry_after, up to :longest).
-- Calls that were under way when it was opened change nothing any more: only a trial lengthens the wait.
-- Called by followups.llm.circuit.fail; served by the primary key.
INSERT INTO llm_circuits AS known (endpoint, failures, open_until, last_error, updated_at)
VALUES (
    %(endpoint)s,
    1,
    -- least() alone would take NULL for no limit.
    CASE WHEN %(retry_after)s::interval IS NOT NULL THEN now() + least(%(retry_after)s::interval, %(longest)s::interval) END,
    %(error)s,
    now()
)
ON CONFLICT (endpoint) DO UPDATE SET
    failures = known.failures + 1,
    open_until = CASE
        WHEN known.failures + 1 >= %(opens_after)s THEN now() + least(
            %(longest)s::interval,
            greatest(
                %(first)s::interval * power(2, least(known.failures + 1 - %(opens_after)s, 16)),
                %(retry_after)s::interval
            )
        )
        ELSE EXCLUDED.open_until
    END,
    last_error = EXCLUDED.last_error,
    updated_at = EXCLUDED.updated_at
WHERE known.open_until IS NULL OR %(is_trial)s
