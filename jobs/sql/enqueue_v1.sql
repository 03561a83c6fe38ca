-- Add one job unless its id is taken or a live job holds its unique key; no row comes back then, and the caller's
-- transaction is unharmed. Called by jobs.enqueue; served by the primary key and scheduled_jobs_unique_live_key.
INSERT INTO scheduled_jobs
    (job_id, job_type, scheduled_time, payload, max_retries, next_attempt_at, expires_at, priority, unique_key)
VALUES
    (%(job_id)s, %(job_type)s, %(scheduled_time)s, %(payload)s::jsonb, %(max_retries)s, %(scheduled_time)s,
     %(expires_at)s, %(priority)s, %(unique_key)s)
ON CONFLICT DO NOTHING
RETURNING created_at
