-- The second half of the sweeps of followups.silence: plans a follow-up with its job, due now, for everybody in `due`,
-- with the silence in words, and records the decision. The dedupe key is one plan for one instant counted from.
described AS MATERIALIZED (
    SELECT
        due.user_id,
        due.last_interaction,
        due.since,
        due.silent,
        rhythm.usual_low,
        rhythm.usual_high,
        followups_rhythm_in_words(rhythm.usual_low, rhythm.usual_high, due.silent) AS words
    FROM due
    LEFT JOIN LATERAL (
        SELECT known.usual_low, known.usual_high
        FROM member_rhythms AS known
        WHERE known.user_id = due.user_id AND known.gaps >= %(enough_gaps)s AND %(by_rhythm)s
        OFFSET 0
    ) AS rhythm ON true
),
planned AS (
    INSERT INTO scheduled_followups (id, user_id, trigger_type, trigger_data, scheduled_at, job_id, dedupe_key)
    SELECT
        gen_random_uuid()::text,
        user_id,
        %(trigger)s,
        jsonb_strip_nulls(jsonb_build_object(
            'quiet_since', last_interaction,
            'silent_days', floor(extract(epoch FROM silent) / 86400),
            'usual_low_days', round(extract(epoch FROM usual_low) / 86400, 1),
            'usual_high_days', round(extract(epoch FROM usual_high) / 86400, 1),
            'rhythm', words
        )),
        %(now)s,
        gen_random_uuid()::text,
        format('%%s:%%s:%%s', %(trigger)s::text, user_id, (extract(epoch FROM since) * 1000000)::bigint)
    FROM described
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
        %(trigger)s,
        'planning',
        'send',
        '',
        format(
            %(reason)s,
            coalesce(trigger_data ->> 'rhythm', format('%%s days without a message', trigger_data ->> 'silent_days'))
        ),
        jsonb_build_object('newest_receipt', 'granted', 'last_interaction', trigger_data -> 'quiet_since')
    FROM planned
),
answered AS (
    UPDATE user_profiles AS member
    SET quiet_planned_for = member.last_interaction,
        re_engagement_counts_from = coalesce(%(counts_from)s, member.re_engagement_counts_from)
    WHERE member.user_id = ANY(ARRAY(SELECT user_id FROM due))  -- a join was planned to read the whole table
)
SELECT count(*) FROM planned
