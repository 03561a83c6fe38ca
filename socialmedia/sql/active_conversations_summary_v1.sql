-- Conversations to look at: not archived, not blocked, no spam; newest first, those without a message last. Read by
-- socialmedia.inbox.active and the console's inbox.
-- idx_conversations_open yields the rows in order, so that the first page of a million reads fifty; the counts are
-- subqueries, computed for the rows that are shown only, each from idx_messages_thread alone.
CREATE VIEW active_conversations_summary AS
SELECT
    conversation.id,
    conversation.platform,
    conversation.participant_username,
    conversation.participant_display_name,
    conversation.last_message_at,
    conversation.last_message_preview,
    conversation.unread_count,
    (
        SELECT account.username FROM social_media_accounts AS account WHERE account.id = conversation.account_id
    ) AS our_account,
    (
        SELECT count(*) FROM social_media_messages AS message WHERE message.conversation_id = conversation.id
    ) AS total_messages,
    (
        SELECT count(*) FROM social_media_messages AS message
        WHERE message.conversation_id = conversation.id AND message.is_outgoing
    ) AS sent_messages,
    (
        SELECT count(*) FROM social_media_messages AS message
        WHERE message.conversation_id = conversation.id AND NOT message.is_outgoing
    ) AS received_messages
FROM social_media_conversations AS conversation
WHERE NOT conversation.is_archived AND NOT conversation.is_blocked AND NOT conversation.is_spam
ORDER BY conversation.last_message_at DESC NULLS LAST, conversation.id
