-- Takes the next place for one request of a provider, or nothing: no row comes back when the day's budget is spent, the
-- provider is stopped, or the place is further away than the caller waits. Called by socialmedia.providers.budget; by the
-- primary key. All by the database's clock, and one statement: whoever comes second waits for the row and goes by what
-- the first one wrote. Places are evenly spaced (the generic cell rate algorithm). Should the clock be set back, the next
-- one is ten minutes away at most; nobody waits so long for a place.
INSERT INTO provider_budgets AS known (provider_name, next_call_at, day, used)
SELECT
    %(provider)s, clock_timestamp() + %(gap)s::interval, (clock_timestamp() AT TIME ZONE 'UTC')::date, 1
WHERE %(per_day)s::bigint > 0
ON CONFLICT (provider_name) DO UPDATE SET
    next_call_at = %(gap)s::interval + greatest(
        clock_timestamp(),
        least(coalesce(known.next_call_at, clock_timestamp()), clock_timestamp() + interval '10 minutes')
    ),
    used = CASE WHEN known.day = (clock_timestamp() AT TIME ZONE 'UTC')::date THEN known.used + 1 ELSE 1 END,
    day = (clock_timestamp() AT TIME ZONE 'UTC')::date
WHERE
    (known.blocked_until IS NULL OR known.blocked_until <= clock_timestamp())
    AND (known.day IS DISTINCT FROM (clock_timestamp() AT TIME ZONE 'UTC')::date OR known.used < %(per_day)s::bigint)
    AND (
        known.next_call_at IS NULL
        OR least(known.next_call_at, clock_timestamp() + interval '10 minutes')
            <= clock_timestamp() + %(patience)s::interval
    )
RETURNING
    greatest(next_call_at - %(gap)s::interval - clock_timestamp(), interval '0') AS wait,
    blocked_until IS NOT NULL OR refusals > 0 AS is_trial
