-- Who is due for a re-engagement: every opted-in, reachable member who wants them and has been away for long: since
-- `away_since`, the instant since which somebody has listened for `window` in all. The first half of the statement of
-- followups.silence.plan_re_engagements; plan_due_v1.sql is the other. Served by idx_profiles_re_engagement, longest silence first. Never for
-- somebody who has never written, nor after two that were not answered (ORIGINS W21).
--
-- The silence counts from the last message, or from `re_engagement_counts_from` if that is later: planning one moves
-- that on, so that the next is due after the cool-off. No check-in follows in the same silence.
--
-- Locks, skips and OFFSET 0 as in due_quiet_members_v1.sql; the dedupe key is one plan for one instant counted from.
WITH due AS MATERIALIZED (
    SELECT quiet.user_id, quiet.last_interaction, quiet.since, quiet.silent
    FROM (
        SELECT member.user_id
        FROM user_profiles AS member
        WHERE member.follow_ups_enabled
          AND member.unreachable_since IS NULL
          AND member.left_at IS NULL
          AND member.re_engagements_unanswered < %(most_unanswered)s
          AND member.last_interaction IS NOT NULL
          AND greatest(member.last_interaction, member.re_engagement_counts_from) <= %(away_since)s
        ORDER BY greatest(member.last_interaction, member.re_engagement_counts_from)
    ) AS candidate
    CROSS JOIN LATERAL (
        SELECT member.user_id, member.last_interaction, counted.since, %(now)s - member.last_interaction AS silent
        FROM user_profiles AS member
        CROSS JOIN LATERAL (
            SELECT greatest(member.last_interaction, member.re_engagement_counts_from) AS since
        ) AS counted
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(upper(part) - lower(part)), '0') AS length
            FROM unnest((
                SELECT range_agg(tstzrange(greatest(began_at, counted.since), least(ended_at, %(now)s)))
                FROM (
                    SELECT began_at, ended_at
                    FROM unnest(%(gaps_begin)s::timestamptz[], %(gaps_end)s::timestamptz[]) AS deaf (began_at, ended_at)
                    UNION ALL
                    SELECT absence.starts_at, absence.ends_at
                    FROM member_absences AS absence
                    WHERE absence.user_id = member.user_id
                ) AS excuse
                WHERE ended_at > counted.since AND began_at < %(now)s
            )) AS part
        ) AS excused
        WHERE member.user_id = candidate.user_id
          AND member.follow_ups_enabled
          AND member.unreachable_since IS NULL
          AND member.left_at IS NULL
          AND member.re_engagements_unanswered < %(most_unanswered)s
          AND member.last_interaction IS NOT NULL
          AND 're_engagement' = ANY(member.topics)
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
          AND greatest(counted.since + %(window)s, CASE WHEN %(by_rhythm)s THEN member.quiet_due_at END) + excused.length
              <= %(now)s
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
