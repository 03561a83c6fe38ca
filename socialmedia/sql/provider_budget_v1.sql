-- Why no place was taken, and in how long one may be had: the stop, the day's budget, the place itself. Called by
-- socialmedia.providers.budget after a place was not to be had, and by the console; by the primary key.
SELECT
    greatest(coalesce(blocked_until - clock_timestamp(), interval '0'), interval '0') AS stopped_for,
    blocked_reason,
    CASE WHEN day = (clock_timestamp() AT TIME ZONE 'UTC')::date THEN used ELSE 0 END AS used,
    (
        ((clock_timestamp() AT TIME ZONE 'UTC')::date + 1)::timestamp - (clock_timestamp() AT TIME ZONE 'UTC')
    ) AS rest_of_day,
    greatest(coalesce(next_call_at - clock_timestamp(), interval '0'), interval '0') AS next_in
FROM provider_budgets
WHERE provider_name = %(provider)s
