-- The first pending job of each priority and type: one index probe for each pair that has any, however many jobs wait.
-- Asked by jobs.leases and jobs.broker for what may start, and by jobs.stats for what is late; served by
-- idx_scheduled_jobs_queue.
CREATE FUNCTION job_heads()
RETURNS TABLE (priority smallint, job_type varchar, next_attempt_at timestamptz, job_id varchar)
LANGUAGE sql STABLE AS $$
    WITH RECURSIVE head AS (
        (
            SELECT job.priority, job.job_type, job.next_attempt_at, job.job_id
            FROM scheduled_jobs AS job
            WHERE job.status = 'pending'
            ORDER BY job.priority, job.job_type, job.next_attempt_at
            LIMIT 1
        )
        UNION ALL
        SELECT following.*
        FROM head
        CROSS JOIN LATERAL (
            SELECT job.priority, job.job_type, job.next_attempt_at, job.job_id
            FROM scheduled_jobs AS job
            WHERE job.status = 'pending' AND (job.priority, job.job_type) > (head.priority, head.job_type)
            ORDER BY job.priority, job.job_type, job.next_attempt_at
            LIMIT 1
        ) AS following
    )
    SELECT head.priority, head.job_type, head.next_attempt_at, head.job_id FROM head
$$;
