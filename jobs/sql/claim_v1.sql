-- Claim up to :size due jobs for one worker, from the heads of the queue that :priorities and :job_types name, in
-- their order; of one head the oldest first. Rows that somebody else is claiming are skipped, so any number of workers
-- may run this at once. A job that must not pay for the death of a worker that never began it (:not_repeatable types,
-- later attempts, the only attempt) has no start until jobs.leases.begin. Called by jobs.leases.claim; served by
-- idx_scheduled_jobs_queue, so that neither jobs due later nor those of paused types are ever looked at.
WITH due AS MATERIALIZED (
    SELECT candidate.job_id
    FROM unnest(%(priorities)s::smallint[], %(job_types)s::text[]) AS head (priority, job_type)
    CROSS JOIN LATERAL (
        SELECT job_id
        FROM scheduled_jobs
        WHERE status = 'pending' AND priority = head.priority AND job_type = head.job_type AND next_attempt_at <= now()
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
    coalesce(job.expires_at < now() AND job.retry_count = 0, FALSE) AS is_too_late,
    job.started_at IS NULL AS is_marked_at_start,
    job.priority,
    job.next_attempt_at
