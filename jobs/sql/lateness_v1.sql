-- How late the attempts from :since on started, in buckets, and the 99th percentile in seconds; at most the newest :size.
-- Called by jobs.stats.lateness; served by idx_job_history_time.
WITH recent AS (
    SELECT lateness_ms / 1000.0 AS late
    FROM job_execution_history
    WHERE execution_time >= %(since)s
    ORDER BY execution_time DESC
    LIMIT %(size)s
)
SELECT
    count(late) FILTER (WHERE late < 1) AS under_1_s,
    count(late) FILTER (WHERE late >= 1 AND late < 10) AS under_10_s,
    count(late) FILTER (WHERE late >= 10 AND late < 60) AS under_1_min,
    count(late) FILTER (WHERE late >= 60 AND late < 600) AS under_10_min,
    count(late) FILTER (WHERE late >= 600) AS later,
    (percentile_cont(0.99) WITHIN GROUP (ORDER BY late))::float8 AS p99
FROM recent
