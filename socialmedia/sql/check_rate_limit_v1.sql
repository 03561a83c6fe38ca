-- Whether an account may do one more of something now: fewer than its limits were done in the last 60 minutes and on
-- its day, failures and unconfirmed ones counted, each once. Called by socialmedia.actions.may, and by whoever writes
-- into automation_actions by SQL: with the INSERT in the same transaction as the question, no number of them exceeds a
-- limit, because it takes the lock that socialmedia.limits takes, and keeps it until the transaction ends.
-- Without a daily limit it takes the one of the setting automation_rate_limits, and 100 for what that does not name. The
-- day is that of the account's zone, else of the community's. Without an account it is about what deleted ones did.
-- Both counts are read by idx_actions_recent, no further back than a day of 25 hours.
CREATE FUNCTION check_rate_limit(
    account_id bigint,
    action_type varchar,
    daily_limit integer DEFAULT NULL,
    community_zone text DEFAULT 'UTC',
    at timestamptz DEFAULT NULL
) RETURNS boolean
LANGUAGE plpgsql
VOLATILE
AS $$
#variable_conflict use_column
DECLARE
    allowed jsonb;
    zone text;
    today date;
    in_hour bigint;
    in_day bigint;
BEGIN
    -- A later statement must see what whoever held the lock before has written. An older snapshot would not.
    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
        RAISE EXCEPTION 'check_rate_limit needs a transaction that is READ COMMITTED, not %.',
            upper(current_setting('transaction_isolation'));
    END IF;
    PERFORM pg_advisory_xact_lock(
        hashtextextended(format('automation_actions %s %s', check_rate_limit.account_id, check_rate_limit.action_type), 0)
    );
    check_rate_limit.at := coalesce(check_rate_limit.at, clock_timestamp());

    SELECT setting.setting_value INTO allowed
    FROM system_settings AS setting
    WHERE setting.setting_key = 'automation_rate_limits';
    IF jsonb_typeof(allowed) <> 'object'
        OR jsonb_typeof(allowed -> check_rate_limit.action_type) <> 'object'
        OR jsonb_typeof(allowed -> check_rate_limit.action_type -> 'hourly') NOT IN ('number', 'null')
        OR jsonb_typeof(allowed -> check_rate_limit.action_type -> 'daily') NOT IN ('number', 'null')
    THEN
        RAISE EXCEPTION 'The setting automation_rate_limits is broken at %.', quote_literal(check_rate_limit.action_type)
            USING HINT = 'Mend it in the console, under Settings.';
    END IF;
    allowed := allowed -> check_rate_limit.action_type;

    SELECT account.timezone INTO zone
    FROM social_media_accounts AS account
    WHERE account.id = check_rate_limit.account_id;
    BEGIN
        today := (check_rate_limit.at AT TIME ZONE coalesce(nullif(zone, ''), check_rate_limit.community_zone))::date;
        zone := coalesce(nullif(zone, ''), check_rate_limit.community_zone);
    EXCEPTION WHEN invalid_parameter_value THEN
        zone := check_rate_limit.community_zone;
        today := (check_rate_limit.at AT TIME ZONE zone)::date;
    END;

    SELECT
        count(*) FILTER (WHERE lately.created_at > check_rate_limit.at - interval '1 hour'),
        count(*) FILTER (WHERE (lately.created_at AT TIME ZONE zone)::date = today)
    INTO in_hour, in_day
    FROM (
        SELECT action.created_at
        FROM automation_actions AS action
        WHERE action.account_id = check_rate_limit.account_id
          AND action.action_type = check_rate_limit.action_type
          AND action.created_at > check_rate_limit.at - interval '26 hours'
        UNION ALL
        SELECT action.created_at
        FROM automation_actions AS action
        WHERE check_rate_limit.account_id IS NULL
          AND action.account_id IS NULL
          AND action.action_type = check_rate_limit.action_type
          AND action.created_at > check_rate_limit.at - interval '26 hours'
    ) AS lately;

    RETURN in_hour < coalesce((allowed ->> 'hourly')::numeric, 'infinity')
        AND in_day < coalesce(check_rate_limit.daily_limit, (allowed ->> 'daily')::numeric, 100);
END
$$
