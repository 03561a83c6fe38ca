-- The pending job that comes first, and the seconds until it is due (negative when it is late).
-- Called by jobs.broker; served by idx_scheduled_jobs_due, one probe for each priority level.
SELECT first.job_id, extract(EPOCH FROM first.next_attempt_at - now())::float8 AS seconds
FROM generate_series(0, 9) AS level
CROSS JOIN LATERAL (
    SELECT job_id, next_attempt_at
    FROM scheduled_jobs
    WHERE status = 'pending' AND priority = level
    ORDER BY next_attempt_at
    LIMIT 1
) AS first
ORDER BY first.next_attempt_at
LIMIT 1
