-- Store the staged messages of a direct message that are not known, already read, and count the person's new ones
-- in their profile as import_activity does; called by followups.importing, served by
-- social_media_messages_external_id. Answers the number of new messages.
WITH fresh AS (
    INSERT INTO social_media_messages
        (conversation_id, external_message_id, message_text, media_url, is_outgoing, sender_username, status,
         is_read, sent_at, delivered_at, metadata)
    SELECT %(conversation)s, s.message_id::text, s.words, s.media_url, s.is_bot, author.username, 'sent',
           true, s.sent_at, s.sent_at, '{"imported": true}'::jsonb
    FROM import_messages s
    JOIN import_authors author ON author.external_id = s.author_id::text
    ORDER BY s.message_id
    ON CONFLICT (conversation_id, external_message_id) DO NOTHING
    RETURNING is_outgoing, sent_at, message_text
), newest AS (
    SELECT sent_at, is_outgoing, left(message_text, 100) AS preview FROM fresh ORDER BY sent_at DESC LIMIT 1
), threaded AS (
    UPDATE social_media_conversations c
    SET last_message_preview = CASE WHEN n.sent_at >= coalesce(c.last_message_at, n.sent_at)
                                    THEN n.preview ELSE c.last_message_preview END,
        last_message_is_outgoing = CASE WHEN n.sent_at >= coalesce(c.last_message_at, n.sent_at)
                                        THEN n.is_outgoing ELSE c.last_message_is_outgoing END,
        last_message_at = greatest(c.last_message_at, n.sent_at),
        conversation_started_at = least(c.conversation_started_at, (SELECT min(sent_at) FROM fresh)),
        updated_at = %(now)s
    FROM newest n
    WHERE c.id = %(conversation)s
), written AS (
    SELECT count(*) AS messages, min(sent_at) AS first_at, least(max(sent_at), %(now)s) AS last_at
    FROM fresh
    WHERE NOT is_outgoing
    HAVING count(*) > 0
)
SELECT (SELECT count(*) FROM fresh), (
    SELECT followups_count_activity(person.external_id, w.messages, w.first_at, w.last_at)
    FROM written w
    JOIN import_authors person ON NOT person.is_bot
)
