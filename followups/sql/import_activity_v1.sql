-- Store the staged messages of a channel that are not known, and count only those in their authors' profiles;
-- called by followups.importing, served by the primary key of channel_activity and the unique user_profiles.account.
-- Answers the number of new messages. Thresholds 3, 10, 25; a level never goes down. A time in the future (a
-- wrong clock) must not make a member look active for ever: %(now)s is the latest.
WITH fresh AS (
    INSERT INTO channel_activity (message_id, channel_id, author_id, sent_at)
    SELECT s.message_id, %(channel)s, a.id, s.sent_at
    FROM import_messages s
    JOIN social_media_accounts a ON a.platform = 'discord' AND a.external_id = s.author_id::text
    WHERE NOT s.is_bot
    ORDER BY s.message_id
    ON CONFLICT (message_id) DO NOTHING
    RETURNING author_id, sent_at
), written AS (
    SELECT author_id, count(*) AS messages, min(sent_at) AS first_at, least(max(sent_at), %(now)s) AS last_at
    FROM fresh
    GROUP BY author_id
), counted AS (
    UPDATE user_profiles p
    SET interaction_count = p.interaction_count + w.messages,
        first_interaction = least(p.first_interaction, w.first_at),
        last_interaction = greatest(p.last_interaction, w.last_at),
        unreachable_since = CASE WHEN p.unreachable_since > w.last_at THEN p.unreachable_since END,
        relationship_level = greatest(
            p.relationship_level,
            CASE
                WHEN p.interaction_count + w.messages >= 25 THEN 4
                WHEN p.interaction_count + w.messages >= 10 THEN 3
                WHEN p.interaction_count + w.messages >= 3 THEN 2
                ELSE 1
            END
        )
    FROM written w
    WHERE p.account_id = w.author_id
)
SELECT coalesce(sum(messages), 0)::bigint FROM written
