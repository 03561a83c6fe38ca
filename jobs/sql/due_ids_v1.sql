-- The ids of up to :most pending jobs that are due before :before. Called by jobs.heads; served by
-- idx_scheduled_jobs_queue.
SELECT job.job_id
FROM job_heads() AS head
CROSS JOIN LATERAL (
    SELECT job_id
    FROM scheduled_jobs
    WHERE status = 'pending' AND priority = head.priority AND job_type = head.job_type
        AND next_attempt_at < %(before)s
    ORDER BY next_attempt_at
    LIMIT %(most)s
) AS job
LIMIT %(most)s
