-- The heads of the queue that may start, now or later, in the order in which they are claimed, with the seconds until
-- then (negative when late). Left out: paused types, and due ones of which as many workers run (:workers) as may. A
-- rate (:starts in :seconds) puts a head off until its oldest counted start is old enough. Types with the same :names
-- share one limit. Called by jobs.heads; served by idx_scheduled_jobs_queue and idx_scheduled_jobs_leases.
WITH limited AS (
    SELECT *
    FROM unnest(
        %(job_types)s::text[], %(names)s::text[], %(workers)s::int[], %(starts)s::int[], %(seconds)s::float8[]
    ) AS entry (job_type, name, workers, starts, seconds)
)
SELECT
    head.priority,
    head.job_type,
    head.job_id,
    extract(EPOCH FROM greatest(
        head.next_attempt_at,
        -- A start in the future is a clock's mistake.
        CASE WHEN use.name IS NOT NULL THEN
            least(use.recent_starts[cardinality(use.recent_starts) - limited.starts + 1], now())
            + limited.seconds * interval '1 second'
        END
    ) - now())::float8 AS seconds
FROM job_heads() AS head
LEFT JOIN limited ON limited.job_type = head.job_type
LEFT JOIN job_type_use AS use
    ON use.name = limited.name AND cardinality(use.recent_starts) >= limited.starts
WHERE NOT EXISTS (SELECT FROM job_pauses AS pause WHERE pause.job_type IN (head.job_type, '*'))
    AND (
        limited.workers IS NULL
        OR head.next_attempt_at > now()
        OR limited.workers > (
            SELECT count(DISTINCT job.lease_token)
            FROM scheduled_jobs AS job
            WHERE job.status = 'running'
                AND job.job_type IN (SELECT job_type FROM limited AS sharing WHERE sharing.name = limited.name)
        )
    )
ORDER BY head.priority DESC, head.next_attempt_at
