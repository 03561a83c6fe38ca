-- Take back jobs whose lease ran out: their worker died, hangs, or lost the database. The attempt counts, unless the
-- job has no start: then it was never begun and only goes back. A begun one of a type that must not run twice
-- (not among :repeatable, as
-- one that this program does not know) becomes unknown. Called by jobs.rescue; served by idx_scheduled_jobs_leases.
WITH dead AS (
    SELECT job_id
    FROM scheduled_jobs
    WHERE status = 'running' AND lease_expires_at < now()
    ORDER BY lease_expires_at
    LIMIT %(size)s
    FOR UPDATE SKIP LOCKED
), rescued AS (
    UPDATE scheduled_jobs AS job
    SET status = verdict.status,
        completed_at = CASE WHEN verdict.status <> 'pending' THEN now() END,
        next_attempt_at = CASE WHEN verdict.status = 'pending' THEN now() ELSE job.next_attempt_at END,
        retry_count = job.retry_count + (verdict.status = 'pending' AND job.started_at IS NOT NULL)::int,
        error_message = CASE
            WHEN job.started_at IS NULL THEN job.error_message
            ELSE 'The worker ' || coalesce(job.worker, '?') || ' did not report back before its lease ran out.'
        END,
        lease_token = NULL,
        lease_expires_at = NULL
    FROM dead
    JOIN scheduled_jobs AS stored USING (job_id)
    CROSS JOIN LATERAL (
        SELECT CASE
            WHEN stored.started_at IS NULL THEN 'pending'
            WHEN stored.job_type <> ALL(%(repeatable)s) THEN 'unknown'
            WHEN stored.retry_count >= stored.max_retries THEN 'failed'
            ELSE 'pending'
        END AS status
    ) AS verdict
    WHERE job.job_id = dead.job_id
    RETURNING job.job_id, job.job_type, job.started_at, job.status, job.error_message, job.worker,
              job.retry_count - (job.status = 'pending')::int + 1 AS attempt
), history AS (
    INSERT INTO job_execution_history (job_id, job_type, execution_time, status, error_message, attempt, worker)
    SELECT job_id, job_type, started_at, CASE status WHEN 'unknown' THEN 'unknown' ELSE 'failed' END,
           error_message, attempt, coalesce(worker, '')
    FROM rescued
    WHERE started_at IS NOT NULL
), wake AS (
    -- Also without a job that waits again: a place of a limited type is free.
    SELECT pg_notify('checkback_jobs', '') FROM rescued LIMIT 1
)
SELECT count(*) FROM rescued, (SELECT count(*) FROM wake) AS woken
