-- Claim up to :size due jobs for one worker: higher priorities first, then the oldest. Rows that somebody else is
-- claiming are skipped, so any number of workers may run this at once. A job that must not pay for the death of a
-- worker that never began it (:not_repeatable types, later attempts, the only attempt) has no start until
-- jobs.leases.begin. Called by jobs.leases.claim; served by idx_scheduled_jobs_due, one probe for each priority
-- level, so that jobs due later are never looked at.
WITH due AS MATERIALIZED (
    SELECT candidate.job_id
    FROM generate_series(9, 0, -1) AS level
    CROSS JOIN LATERAL (
        SELECT job_id
        FROM scheduled_jobs
        WHERE status = 'pending' AND priority = level AND next_attempt_at <= now()
        ORDER BY next_attempt_at
        LIMIT %(size)s
        FOR UPDATE SKIP LOCKED
    ) AS candidate
    LIMIT %(size)s
)
UPDATE scheduled_jobs AS job
SET status = 'running',
    started_at = CASE
        WHEN job.retry_count = 0 AND job.max_retries > 0 AND job.job_type <> ALL(%(not_repeatable)s::text[]) THEN now()
    END,
    lease_token = %(token)s,
    lease_expires_at = now() + %(lease)s * interval '1 second',
    worker = %(worker)s
FROM due
WHERE job.job_id = due.job_id
RETURNING
    job.job_id,
    job.job_type,
    job.payload::text,
    job.scheduled_time,
    job.retry_count,
    job.max_retries,
    coalesce(job.expires_at < now(), FALSE) AS is_too_late,
    job.started_at IS NULL AS is_marked_at_start,
    job.priority,
    job.next_attempt_at
