-- Takes over messages whose relay died while it was delivering them. Called by socialmedia.outbox.stranded.
-- idx_messages_in_delivery (sending, by lease_expires_at) serves it.
-- Of a first attempt whose channel is not even known nothing has left: the channel's id is recorded before the call.
WITH chosen AS MATERIALIZED (
    SELECT candidate.id, candidate.attempts = 1 AND conversation.external_channel_id = '' AS untried
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
    attempts = message.attempts + 1,
    first_attempt_at = CASE WHEN chosen.untried THEN statement_timestamp() ELSE message.first_attempt_at END
FROM chosen
WHERE message.id = chosen.id
RETURNING message.id, message.lease_token, chosen.untried
