-- Record how attempts ended, and their history, for jobs that the lease :token still holds; the others are left alone.
-- :status is the job's next state; pending means that it waits for another attempt. Without :history_status no
-- history is written. Called by jobs.outcomes; served by the primary key.
WITH settled AS (
    UPDATE scheduled_jobs
    SET status = %(status)s,
        started_at = %(started_at)s,
        completed_at = CASE WHEN %(status)s <> 'pending' THEN %(now)s::timestamptz END,
        next_attempt_at = coalesce(%(next_attempt_at)s, next_attempt_at),
        retry_count = retry_count + %(retries_used)s,
        error_message = %(error)s,
        lease_token = NULL,
        lease_expires_at = NULL
    WHERE job_id = ANY(%(job_ids)s) AND lease_token = %(token)s AND status = 'running'
    RETURNING job_id, job_type, retry_count - %(retries_used)s + 1 AS attempt, worker, next_attempt_at
), history AS (
    INSERT INTO job_execution_history
        (job_id, job_type, execution_time, duration_ms, status, error_message, attempt, worker, lateness_ms)
    SELECT
        job_id, job_type, %(started_at)s, %(duration_ms)s, %(history_status)s, %(error)s, attempt, worker,
        -- Unless another attempt follows, next_attempt_at is still when this one was due. Ten years fit.
        CASE WHEN %(status)s NOT IN ('pending', 'expired')
            THEN least(greatest(extract(EPOCH FROM %(started_at)s::timestamptz - next_attempt_at) * 1000, 0), 2e9)::int
        END
    FROM settled
    WHERE %(history_status)s::text IS NOT NULL
)
-- Whoever waits for the next due time must hear of this one, which may come before.
SELECT count(*), CASE WHEN %(status)s = 'pending' AND count(*) > 0 THEN pg_notify('checkback_jobs', '') END FROM settled
