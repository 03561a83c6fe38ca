-- How many jobs are in each state, estimated from what the last ANALYZE saw: a state's share of its sample, of the
-- planner's number of rows. No row comes back for a table that was never analyzed. Called by jobs.stats; reads the
-- catalog only, never the table.
SELECT share.status, round(table_.reltuples * share.frequency)::bigint AS jobs
FROM pg_class AS table_
JOIN pg_namespace AS space ON space.oid = table_.relnamespace
JOIN pg_stats AS seen
    ON seen.schemaname = space.nspname AND seen.tablename = table_.relname AND seen.attname = 'status'
    AND NOT seen.inherited
CROSS JOIN LATERAL unnest(seen.most_common_vals::text::text[], seen.most_common_freqs) AS share (status, frequency)
WHERE table_.oid = to_regclass('scheduled_jobs')
