-- Plans an inactivity follow-up with its job for every opted-in, reachable member who has been quiet for long enough
-- (since before `quiet_since`) and whose silence is not answered yet. Called by followups.planning.plan_quiet_members;
-- idx_profiles_quiet yields the members, longest silence first, so the cost follows the number due and not the number
-- of members.
--
-- Two sweeps at once: each skips the members that the other has locked, and a member whom the other has finished since
-- this statement's snapshot fails the re-check of quiet_planned_for. A withdrawal in between fails the re-check of
-- follow_ups_enabled. An earlier check-in whose outcome a person must settle does not hold up the next silence's; the
-- policy counts it as if it had arrived. The dedupe key is the last line of defence: one plan for one silence.
--
-- OFFSET 0 keeps the two questions about a member from becoming joins: while a table grows faster than its statistics,
-- such a join was planned to read the whole table for each member (31 s instead of 1 s for 10,000 of them).
WITH due AS MATERIALIZED (
    SELECT member.user_id, member.last_interaction
    FROM user_profiles AS member
    WHERE member.follow_ups_enabled
      AND member.unreachable_since IS NULL
      AND member.left_at IS NULL
      AND (member.quiet_planned_for IS NULL OR member.quiet_planned_for < member.last_interaction)
      AND member.last_interaction <= %(quiet_since)s
      AND (
          SELECT receipt.state
          FROM consent_receipts AS receipt
          WHERE receipt.user_id = member.user_id
          ORDER BY receipt.id DESC
          LIMIT 1
      ) = 'granted'
      AND NOT EXISTS (
          SELECT FROM scheduled_followups AS earlier
          WHERE earlier.user_id = member.user_id
            AND earlier.trigger_type = 'inactivity'
            AND earlier.status = 'pending'
            AND NOT EXISTS (
                SELECT FROM social_media_messages AS message
                WHERE message.id = earlier.message_id AND message.status = 'unknown'
            )
          OFFSET 0
      )
      AND NOT EXISTS (
          SELECT FROM social_media_conversations AS conversation
          JOIN social_media_accounts AS account ON account.id = conversation.account_id
          WHERE conversation.participant_id = member.user_id AND conversation.is_blocked AND account.is_own
          OFFSET 0
      )
    ORDER BY member.last_interaction
    LIMIT %(limit)s
    FOR NO KEY UPDATE OF member SKIP LOCKED
),
planned AS (
    INSERT INTO scheduled_followups (id, user_id, trigger_type, trigger_data, scheduled_at, job_id, dedupe_key)
    SELECT
        gen_random_uuid()::text,
        due.user_id,
        'inactivity',
        jsonb_build_object('quiet_since', due.last_interaction),
        %(now)s,
        gen_random_uuid()::text,
        format('inactivity:%%s:%%s', due.user_id, (extract(epoch FROM due.last_interaction) * 1000000)::bigint)
    FROM due
    ON CONFLICT (dedupe_key) DO NOTHING
    RETURNING id, user_id, job_id, trigger_data
),
enqueued AS (
    INSERT INTO scheduled_jobs (job_id, job_type, scheduled_time, next_attempt_at, payload)
    SELECT job_id, 'follow_up_message', %(now)s, %(now)s, jsonb_build_object('follow_up_id', id)
    FROM planned
),
recorded AS (
    INSERT INTO followup_decisions
        (follow_up_id, user_id, trigger_type, asked_by, verdict, gate, reason, inputs)
    SELECT
        id,
        user_id,
        'inactivity',
        'planning',
        'send',
        '',
        'The member opted in and has been quiet long enough; the other limits are asked when the message is due.',
        jsonb_build_object('newest_receipt', 'granted', 'last_interaction', trigger_data -> 'quiet_since')
    FROM planned
),
answered AS (
    UPDATE user_profiles AS member
    SET quiet_planned_for = due.last_interaction
    FROM due
    WHERE member.user_id = due.user_id
)
SELECT count(*) FROM planned
