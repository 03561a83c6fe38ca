-- Takes due queued messages of one account: what the relay may deliver now. Called by socialmedia.outbox.claim.
-- idx_messages_outbox (queued, by next_attempt_at) yields the candidates in order, idx_messages_queue and the unique
-- social_media_messages_one_in_delivery answer the two questions about the rest of a candidate's conversation.
--
-- The conversation's row is locked so that two relays never look at the same conversation at the same time. It does not
-- protect against a snapshot that is older than another relay's finished claim: for the same message the re-check of
-- `status` after locking does, for another message of the conversation the unique index does (see outbox.claim).
-- A queued automated message that waits for its time (quiet hours) holds up nobody: answers pass it.
WITH chosen AS MATERIALIZED (
    SELECT candidate.id, candidate.first_attempt_at IS NULL AS untried
    FROM social_media_messages AS candidate
    JOIN social_media_conversations AS conversation ON conversation.id = candidate.conversation_id
    WHERE candidate.status = 'queued'
      AND candidate.next_attempt_at <= statement_timestamp()
      AND conversation.account_id = %(account_id)s
      AND NOT EXISTS (
          SELECT FROM social_media_messages AS other
          WHERE other.conversation_id = candidate.conversation_id AND other.status = 'sending'
      )
      AND NOT EXISTS (
          SELECT FROM social_media_messages AS earlier
          WHERE earlier.conversation_id = candidate.conversation_id
            AND earlier.status = 'queued'
            AND earlier.id < candidate.id
            AND (earlier.next_attempt_at <= statement_timestamp() OR NOT earlier.is_automated)
      )
    ORDER BY candidate.next_attempt_at, candidate.id
    LIMIT %(limit)s
    FOR UPDATE OF candidate SKIP LOCKED
    FOR NO KEY UPDATE OF conversation SKIP LOCKED
)
UPDATE social_media_messages AS message
SET status = 'sending',
    lease_token = gen_random_uuid(),
    lease_expires_at = statement_timestamp() + %(lease)s,
    attempts = message.attempts + 1,
    first_attempt_at = COALESCE(message.first_attempt_at, statement_timestamp())
FROM chosen
WHERE message.id = chosen.id
RETURNING message.id, message.lease_token, chosen.untried
