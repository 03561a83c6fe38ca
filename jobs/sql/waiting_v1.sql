-- How many jobs are due at :now, and how many were before :late and are of no paused type, each counted to :most for
-- each head of the queue; and since when the first one is due. Called by jobs.stats; served by
-- idx_scheduled_jobs_queue: it reads the due jobs, never those of later.
SELECT
    coalesce(sum(waiting.due), 0)::bigint,
    coalesce(sum(waiting.overdue) FILTER (WHERE NOT waiting.is_paused), 0)::bigint,
    min(waiting.first),
    coalesce(max(waiting.due) >= %(most)s, FALSE)
FROM (
    SELECT
        head.next_attempt_at AS first,
        count(*) AS due,
        count(*) FILTER (WHERE job.next_attempt_at <= %(late)s) AS overdue,
        EXISTS (SELECT FROM job_pauses AS pause WHERE pause.job_type IN (head.job_type, '*')) AS is_paused
    FROM job_heads() AS head
    CROSS JOIN LATERAL (
        SELECT next_attempt_at
        FROM scheduled_jobs
        WHERE status = 'pending' AND priority = head.priority AND job_type = head.job_type
            AND next_attempt_at <= %(now)s
        ORDER BY next_attempt_at
        LIMIT %(most)s
    ) AS job
    GROUP BY head.priority, head.job_type, head.next_attempt_at
) AS waiting
