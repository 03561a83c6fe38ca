-- Who is due for a check-in: every opted-in, reachable member who wants check-ins, has been quiet for long enough, by
-- the community's time and by their own rhythm, and whose silence is not answered yet. The first half of the statement
-- of followups.silence.plan_quiet_members; plan_due_v1.sql is the other. idx_profiles_quiet_fixed yields those without a known rhythm, longest silence
-- first, and idx_profiles_quiet_personal those with one, so the cost follows the number due and not that of members.
--
-- `quiet_since` is the instant since which somebody has listened for `window` in all. A silence from before
-- `away_since` is the re-engagement's business. Neither what nobody heard (the gaps, newest first) nor a time for which
-- the member said to be away counts as silence; what lies in both counts once.
--
-- Two sweeps at once: each skips the members that the other has locked, and a member whom the other has finished since
-- this statement's snapshot fails the re-check of quiet_planned_for. A withdrawal in between fails the re-check of
-- follow_ups_enabled. An earlier follow-up whose outcome a person must settle does not hold up the next silence's; the
-- policy counts it as if it had arrived. The dedupe key is the last line of defence: one plan for one silence.
--
-- OFFSET 0 keeps the questions about a member from becoming joins, and the caller forbids reading whole tables: what is
-- written here grows faster than its statistics, and such plans took a minute instead of a second for 10,000 members.
-- LATERAL with its lock does the same for the member's own row.
WITH due AS MATERIALIZED (
    SELECT quiet.user_id, quiet.last_interaction, quiet.last_interaction AS since, quiet.silent
    FROM (
        (
            SELECT member.user_id
            FROM user_profiles AS member
            WHERE member.follow_ups_enabled
              AND member.unreachable_since IS NULL
              AND member.left_at IS NULL
              AND (member.quiet_planned_for IS NULL OR member.quiet_planned_for < member.last_interaction)
              AND member.quiet_due_at IS NULL
              AND member.last_interaction > %(away_since)s
              AND member.last_interaction <= %(quiet_since)s
            ORDER BY member.last_interaction
        )
        UNION ALL
        (
            SELECT member.user_id
            FROM user_profiles AS member
            WHERE member.follow_ups_enabled
              AND member.unreachable_since IS NULL
              AND member.left_at IS NULL
              AND (member.quiet_planned_for IS NULL OR member.quiet_planned_for < member.last_interaction)
              -- Implied by the times of the silence; they bound the index.
              AND member.quiet_due_at > %(away_since)s
              AND member.quiet_due_at <= %(now)s
            ORDER BY member.quiet_due_at
        )
    ) AS candidate
    CROSS JOIN LATERAL (
        SELECT member.user_id, member.last_interaction, %(now)s - member.last_interaction - excused.length AS silent
        FROM user_profiles AS member
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(upper(part) - lower(part)), '0') AS length
            FROM unnest((
                SELECT range_agg(tstzrange(greatest(began_at, member.last_interaction), least(ended_at, %(now)s)))
                FROM (
                    SELECT began_at, ended_at
                    FROM unnest(%(gaps_begin)s::timestamptz[], %(gaps_end)s::timestamptz[]) AS deaf (began_at, ended_at)
                    UNION ALL
                    SELECT absence.starts_at, absence.ends_at
                    FROM member_absences AS absence
                    WHERE absence.user_id = member.user_id
                ) AS excuse
                WHERE ended_at > member.last_interaction AND began_at < %(now)s
            )) AS part
        ) AS excused
        WHERE member.user_id = candidate.user_id
          AND member.follow_ups_enabled
          AND member.unreachable_since IS NULL
          AND member.left_at IS NULL
          AND (member.quiet_planned_for IS NULL OR member.quiet_planned_for < member.last_interaction)
          -- As a length of time, so that no index of times is taken for this one row.
          AND %(now)s - member.last_interaction < %(now)s - %(away_since)s
          AND 'check_ins' = ANY(member.topics)
          AND (member.paused_until IS NULL OR member.paused_until <= %(now)s)
          AND (
              SELECT receipt.state
              FROM consent_receipts AS receipt
              WHERE receipt.user_id = member.user_id
              ORDER BY receipt.id DESC
              LIMIT 1
          ) = 'granted'
          AND NOT EXISTS (
              SELECT FROM member_absences AS absence
              WHERE absence.user_id = member.user_id AND absence.ends_at > %(now)s AND absence.starts_at <= %(now)s
              OFFSET 0
          )
          AND greatest(member.last_interaction + %(window)s, member.quiet_due_at) + excused.length <= %(now)s
          AND NOT EXISTS (
              SELECT FROM (
                  SELECT status, trigger_type, message_id
                  FROM scheduled_followups
                  WHERE user_id = member.user_id
                  OFFSET 0
              ) AS earlier
              WHERE earlier.status = 'pending'
                AND earlier.trigger_type IN ('inactivity', 're_engagement')
                AND NOT EXISTS (
                    SELECT FROM social_media_messages AS message
                    WHERE message.id = earlier.message_id AND message.status = 'unknown'
                )
              OFFSET 0
          )
          AND NOT EXISTS (
              SELECT FROM social_media_conversations AS conversation
              JOIN social_media_accounts AS account ON account.id = conversation.account_id
              WHERE conversation.participant_id = member.user_id
                AND (conversation.is_blocked OR conversation.is_spam)
                AND account.is_own
              OFFSET 0
          )
        FOR NO KEY UPDATE OF member SKIP LOCKED
    ) AS quiet
    LIMIT %(limit)s
),
