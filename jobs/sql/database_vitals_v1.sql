-- The server's version, connections used and allowed, and the age in seconds of the oldest transaction that somebody
-- holds open on this database: no backup, no VACUUM, which may take hours and hold up no other. Called by
-- jobs.health_checks; reads the server's statistics views, no table.
SELECT
    current_setting('server_version'),
    (SELECT sum(numbackends)::int FROM pg_stat_database),
    current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int,
    (
        SELECT extract(epoch FROM max(clock_timestamp() - xact_start))::float
        FROM pg_stat_activity
        WHERE datname = current_database() AND backend_type = 'client backend'
            AND application_name <> %(backup)s AND pid <> pg_backend_pid()
            AND pid NOT IN (SELECT pid FROM pg_stat_progress_vacuum)
    )
