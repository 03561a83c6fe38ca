-- Store the staged messages of a channel that are not known, and count only those in their authors' profiles;
-- called by followups.importing, served by the primary key of channel_activity and the unique user_profiles.account.
-- Answers the number of new messages. A time in the future (a wrong clock) must not make a member look active for
-- ever: %(now)s is the latest.
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
)
-- The sum makes sure that each author is counted: PostgreSQL leaves out what nobody reads.
SELECT coalesce(sum(followups_count_activity(p.user_id, w.messages, w.first_at, w.last_at)), 0)::bigint
FROM written w
LEFT JOIN user_profiles p ON p.account_id = w.author_id
