-- Computes the rhythms of some members from their active days: days, in the member's own zone, on which they wrote in a
-- channel or to us, live or imported, commands included. Called by followups.rhythm.compute, which has locked the
-- members; served by idx_activity_author_time, idx_conversations_participant and idx_messages_thread.
--
-- A gap counts in days, from one active day to the next, but not the time in it in which nobody listened: who writes
-- daily has not paused for three days because we did. Downtimes under an hour make no difference to days.
WITH member AS MATERIALIZED (
    SELECT profile.user_id, profile.account_id, coalesce(own.name, community.name, 'UTC') AS zone
    FROM user_profiles AS profile
    -- What Python takes for a zone, PostgreSQL need not know: then it would refuse the whole statement.
    LEFT JOIN pg_timezone_names AS own ON own.name = profile.timezone
    LEFT JOIN pg_timezone_names AS community ON community.name = %(zone)s
    WHERE profile.user_id = ANY(%(members)s)
),
wrote AS (
    SELECT member.user_id, activity.sent_at, (activity.sent_at AT TIME ZONE member.zone)::date AS day
    FROM member
    JOIN channel_activity AS activity ON activity.author_id = member.account_id
    WHERE activity.sent_at > %(since)s AND activity.sent_at <= %(now)s
    UNION ALL
    SELECT member.user_id, message.sent_at, (message.sent_at AT TIME ZONE member.zone)::date
    FROM member
    JOIN social_media_conversations AS conversation ON conversation.participant_id = member.user_id
    JOIN social_media_messages AS message ON message.conversation_id = conversation.id
    WHERE NOT message.is_outgoing AND message.sent_at > %(since)s AND message.sent_at <= %(now)s
),
days AS MATERIALIZED (
    SELECT user_id, day, min(sent_at) AS first_at, max(sent_at) AS last_at
    FROM wrote
    GROUP BY user_id, day
),
deaf AS MATERIALIZED (
    SELECT began_at, ended_at
    FROM listening_gaps
    WHERE platform = %(platform)s AND ended_at > %(since)s AND ended_at - began_at >= interval '1 hour'
),
pauses AS (
    SELECT
        user_id,
        (day - lag(day) OVER by_day) * interval '1 day' AS length,
        lag(last_at) OVER by_day AS from_at,
        first_at AS to_at
    FROM days
    WINDOW by_day AS (PARTITION BY user_id ORDER BY day)
),
gaps AS (
    SELECT user_id, greatest(interval '1 day', length - coalesce((
        SELECT sum(least(deaf.ended_at, pauses.to_at) - greatest(deaf.began_at, pauses.from_at))
        FROM deaf
        WHERE deaf.ended_at > pauses.from_at AND deaf.began_at < pauses.to_at
    ), interval '0')) AS gap
    FROM pauses
    WHERE length IS NOT NULL
),
usual AS (
    SELECT
        user_id,
        count(*) AS gaps,
        percentile_cont(ARRAY[0.25, 0.75, 0.9]::float8[]) WITHIN GROUP (ORDER BY gap) AS quantiles
    FROM gaps
    GROUP BY user_id
),
weeks AS (
    SELECT user_id, array_agg(share ORDER BY weekday) AS shares
    FROM (
        SELECT
            member.user_id,
            weekday,
            coalesce(count(days.day) / nullif(sum(count(days.day)) OVER (PARTITION BY member.user_id), 0), 0)::float8
                AS share
        FROM member
        CROSS JOIN generate_series(1, 7) AS weekday
        LEFT JOIN days ON days.user_id = member.user_id AND extract(isodow FROM days.day) = weekday
        GROUP BY member.user_id, weekday
    ) AS by_weekday
    GROUP BY user_id
),
found AS MATERIALIZED (
    SELECT
        member.user_id,
        coalesce(usual.gaps, 0) AS gaps,
        coalesce(usual.quantiles, ARRAY[interval '0', interval '0', interval '0']) AS quantiles,
        weeks.shares
    FROM member
    JOIN weeks ON weeks.user_id = member.user_id
    LEFT JOIN usual ON usual.user_id = member.user_id
),
kept AS (
    UPDATE member_rhythms AS rhythm
    SET gaps = found.gaps,
        usual_low = found.quantiles[1],
        usual_high = found.quantiles[2],
        rare = found.quantiles[3],
        weekdays = found.shares,
        computed_at = %(now)s
    FROM found
    WHERE rhythm.user_id = found.user_id
)
UPDATE user_profiles AS profile
SET quiet_after = judged.quiet_after, quiet_due_at = profile.last_interaction + judged.quiet_after
FROM (
    SELECT user_id, CASE WHEN gaps >= %(enough)s THEN
        least(%(longest)s, greatest(%(shortest)s, quantiles[3] * %(margin)s))
    END AS quiet_after
    FROM found
) AS judged
WHERE profile.user_id = judged.user_id
