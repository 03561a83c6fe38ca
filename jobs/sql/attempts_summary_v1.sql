-- How the attempts from :since, up to and without :until, went; at most the newest :size of them.
-- Called by jobs.stats; served by idx_job_history_time.
WITH recent AS (
    SELECT execution_time, duration_ms, status, lateness_ms
    FROM job_execution_history
    WHERE execution_time >= %(since)s AND execution_time < %(until)s
    ORDER BY execution_time DESC
    LIMIT %(size)s
)
SELECT
    count(*) AS rows_read,
    min(execution_time) AS oldest,
    count(*) FILTER (WHERE status = 'completed') AS successes,
    count(*) FILTER (WHERE status = 'failed') AS failures,
    count(*) FILTER (WHERE status = 'unknown') AS unknown,
    count(*) FILTER (WHERE status = 'expired') AS expired,
    (avg(duration_ms) FILTER (WHERE status <> 'expired'))::float8 AS average_ms,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY duration_ms) FILTER (WHERE status <> 'expired') AS p95_ms,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY lateness_ms) / 1000 AS lateness_p50,
    percentile_cont(0.99) WITHIN GROUP (ORDER BY lateness_ms) / 1000 AS lateness_p99
FROM recent
