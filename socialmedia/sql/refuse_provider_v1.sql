-- A provider refused to serve us: nothing is asked for an hour, after the next refusal two, up to a day. Called by
-- socialmedia.providers.budget; by the primary key. Calls that were already on their way when the stop began are refused,
-- too, and make it no longer.
UPDATE provider_budgets SET
    refusals = refusals + 1,
    blocked_until = clock_timestamp() + least(interval '1 hour' * power(2, least(refusals, 10)), interval '24 hours'),
    blocked_reason = %(reason)s
WHERE provider_name = %(provider)s AND (blocked_until IS NULL OR blocked_until <= clock_timestamp())
