-- Take one reading into the member's profile: the mood, unless a newer message has set it; the last fifty moods, in the
-- order in which the messages were written; and the count of unhappy messages less happy ones, never below 0. %(was)s is
-- the entry of an earlier reading of the same message, which this one replaces, or NULL. Called by followups.readings,
-- which holds the member's row; served by user_profiles' primary key and idx_emotions_user_time.
WITH entries AS (
    SELECT e.entry, e.place
    FROM user_profiles p, jsonb_array_elements(p.emotion_history) WITH ORDINALITY AS e (entry, place)
    WHERE p.user_id = %(user_id)s
), replaced AS (
    SELECT max(place) AS place FROM entries WHERE entry - 'triggers' = %(was)s::jsonb
), newest AS (
    SELECT entry, place
    FROM (
        SELECT entry, place FROM entries WHERE place IS DISTINCT FROM (SELECT place FROM replaced)
        UNION ALL
        SELECT %(entry)s::jsonb, coalesce((SELECT place FROM replaced), (SELECT count(*) + 1 FROM entries))
    ) AS known
    ORDER BY coalesce(entry ->> 'timestamp', '') DESC, place DESC
    LIMIT %(keep)s
)
UPDATE user_profiles
SET emotion_history = (SELECT jsonb_agg(entry ORDER BY coalesce(entry ->> 'timestamp', ''), place) FROM newest),
    escalation_count = greatest(0, escalation_count + %(change)s),
    current_emotion = CASE
        WHEN EXISTS (SELECT 1 FROM message_emotions m WHERE m.user_id = %(user_id)s AND m.sent_at > %(at)s)
        THEN current_emotion
        ELSE %(emotion)s
    END
WHERE user_id = %(user_id)s
