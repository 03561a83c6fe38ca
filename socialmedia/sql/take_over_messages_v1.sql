-- Takes over messages whose relay died while it was delivering them. Called by socialmedia.outbox.stranded.
-- idx_messages_in_delivery (sending, by lease_expires_at) serves it.
WITH chosen AS MATERIALIZED (
    SELECT candidate.id
    FROM social_media_messages AS candidate
    JOIN social_media_conversations AS conversation ON conversation.id = candidate.conversation_id
    WHERE candidate.status = 'sending'
      AND candidate.lease_expires_at < statement_timestamp()
      AND conversation.account_id = %(account_id)s
    ORDER BY candidate.lease_expires_at, candidate.id
    LIMIT %(limit)s
    FOR UPDATE OF candidate SKIP LOCKED
)
UPDATE social_media_messages AS message
SET lease_token = gen_random_uuid(),
    lease_expires_at = statement_timestamp() + %(lease)s,
    attempts = message.attempts + 1
FROM chosen
WHERE message.id = chosen.id
RETURNING message.id, message.lease_token, FALSE AS untried
