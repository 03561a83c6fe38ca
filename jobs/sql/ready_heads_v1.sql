-- The heads of the queue that may start, now or later, in the order in which they are claimed, with the seconds until
-- then (negative when late). Left out: paused types, and due ones of which as many workers run (:limits) as may
-- (:limited_types). Called by jobs.heads; served by idx_scheduled_jobs_queue and idx_scheduled_jobs_leases.
SELECT
    head.priority,
    head.job_type,
    head.job_id,
    extract(EPOCH FROM greatest(head.next_attempt_at, use.free_at) - now())::float8 AS seconds
FROM job_heads() AS head
LEFT JOIN unnest(%(limited_types)s::text[], %(limits)s::int[]) AS limited (job_type, workers)
    ON limited.job_type = head.job_type
LEFT JOIN job_type_use AS use ON use.job_type = limited.job_type
WHERE NOT EXISTS (SELECT FROM job_pauses AS pause WHERE pause.job_type IN (head.job_type, '*'))
    AND (
        limited.workers IS NULL
        OR head.next_attempt_at > now()
        OR limited.workers > (
            SELECT count(DISTINCT job.lease_token)
            FROM scheduled_jobs AS job
            WHERE job.status = 'running' AND job.job_type = head.job_type
        )
    )
ORDER BY head.priority DESC, head.next_attempt_at
