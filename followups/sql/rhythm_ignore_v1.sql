-- Takes the personal times from the members whom the sweep would judge by them, and marks their rhythms to be
-- computed, should they count again. Called by followups.rhythm.ignore, served by idx_profiles_quiet_personal: nothing
-- to do costs nothing. Answers how many.
WITH judged AS MATERIALIZED (
    SELECT member.user_id
    FROM user_profiles AS member
    WHERE member.follow_ups_enabled
      AND member.unreachable_since IS NULL
      AND member.left_at IS NULL
      AND (member.quiet_planned_for IS NULL OR member.quiet_planned_for < member.last_interaction)
      AND member.quiet_due_at IS NOT NULL
    LIMIT %(limit)s
    FOR NO KEY UPDATE OF member SKIP LOCKED
),
marked AS (
    UPDATE member_rhythms AS rhythm
    SET computed_at = NULL
    WHERE rhythm.user_id = ANY(ARRAY(SELECT user_id FROM judged))
),
cleared AS (
    UPDATE user_profiles AS member
    SET quiet_after = NULL, quiet_due_at = NULL
    WHERE member.user_id = ANY(ARRAY(SELECT user_id FROM judged))
)
SELECT count(*) FROM judged
