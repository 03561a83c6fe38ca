-- Says a rhythm as followups.rhythm.in_words does ("usually every 2-4 days, now 11"). Called by the sweeps for the
-- ledger; reads no table. NULL where no rhythm is known.
CREATE FUNCTION followups_rhythm_in_words(low interval, high interval, silent interval) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    a bigint := greatest(1, floor(extract(epoch FROM low) / 86400 + 0.5));
    b bigint := greatest(1, floor(extract(epoch FROM high) / 86400 + 0.5));
    now_days bigint := floor(extract(epoch FROM silent) / 86400);
BEGIN
    IF b <= 1 THEN
        RETURN format('usually every day, now %s day%s', now_days, CASE WHEN now_days = 1 THEN '' ELSE 's' END);
    ELSIF a = b THEN
        RETURN format('usually every %s days, now %s', a, now_days);
    END IF;
    RETURN format('usually every %s-%s days, now %s', a, b, now_days);
END
$$;
