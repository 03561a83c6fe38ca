-- Counts new messages of a member, written from `first_at` to `last_at`, and answers how many: the one place where
-- `last_interaction` and all that hangs on it change. Called by followups.responses for each live message and by both
-- imports, which have locked the member; served by the primary keys of user_profiles and member_rhythms.
--
-- Messages may arrive late and in any order: no time moves backwards (LEAST and GREATEST pass over NULL). What began a
-- new day, or lies before the newest message, may have changed the member's rhythm: it is marked to be computed.
CREATE FUNCTION followups_count_activity(
    member_id text, messages bigint, first_at timestamptz, last_at timestamptz
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    known_until timestamptz;
BEGIN
    SELECT member.last_interaction INTO known_until
    FROM user_profiles AS member
    WHERE member.user_id = member_id
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN messages;  -- a bot's, or of somebody who has no profile
    END IF;

    UPDATE user_profiles AS member
    SET interaction_count = member.interaction_count + messages,
        first_interaction = least(member.first_interaction, first_at),
        last_interaction = greatest(member.last_interaction, last_at),
        quiet_due_at = greatest(member.last_interaction, last_at) + member.quiet_after,
        relationship_level = followups_relationship_level(
            member.relationship_level, member.interaction_count, messages
        ),
        re_engagements_unanswered = CASE
            WHEN last_at <= known_until THEN member.re_engagements_unanswered ELSE 0
        END,
        unreachable_since = CASE WHEN member.unreachable_since > last_at THEN member.unreachable_since END
    WHERE member.user_id = member_id;

    IF known_until IS NULL
        OR first_at < known_until
        OR (last_at AT TIME ZONE 'UTC')::date > (known_until AT TIME ZONE 'UTC')::date
    THEN
        INSERT INTO member_rhythms AS known (user_id, gaps, usual_low, usual_high, rare, weekdays)
        VALUES (member_id, 0, '0', '0', '0', array_fill(0::float8, ARRAY[7]))
        ON CONFLICT (user_id) DO UPDATE SET computed_at = NULL WHERE known.computed_at IS NOT NULL;
    END IF;
    RETURN messages;
END
$$;
