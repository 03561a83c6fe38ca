-- Wakes the brokers (channel checkback_jobs) once for each statement that adds jobs, at commit.
-- Used by the trigger scheduled_jobs_wake.
CREATE FUNCTION scheduled_jobs_wake() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('checkback_jobs', '');
    RETURN NULL;
END
$$;

CREATE TRIGGER scheduled_jobs_wake
AFTER INSERT ON scheduled_jobs
FOR EACH STATEMENT EXECUTE FUNCTION scheduled_jobs_wake();
