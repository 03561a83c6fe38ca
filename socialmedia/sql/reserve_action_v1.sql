-- Takes a place for one action of one account, or says when the next is free. Called by socialmedia.limits, which holds
-- the lock of this account and kind of action in a statement before this one: only a later statement sees what whoever
-- held the lock before has taken.
-- A rolling limit of N is full while the N-th newest action is younger than its span; the limit of a day while that day
-- has an N-th action, until the next one begins. idx_actions_recent yields that action by reading N entries, however
-- long the log is. What others have taken for tomorrow already, a moment after midnight, is not counted today.
WITH allowed AS (
    SELECT *
    FROM unnest(
        %(mosts)s::bigint[], %(spans)s::interval[], %(day_starts)s::timestamptz[], %(day_ends)s::timestamptz[]
    ) WITH ORDINALITY AS allowed (most, span, day_start, day_end, number)
), full_ones AS (
    SELECT allowed.number, coalesce(allowed.day_end, nth.created_at + allowed.span) AS free_at
    FROM allowed
    CROSS JOIN LATERAL (
        SELECT action.created_at
        FROM automation_actions AS action
        WHERE action.account_id = %(account_id)s
          AND action.action_type = %(action_type)s
          AND action.created_at >= coalesce(allowed.day_start, '-infinity')
          AND action.created_at < coalesce(allowed.day_end, 'infinity')
        ORDER BY action.created_at DESC
        OFFSET allowed.most - 1
        LIMIT 1
    ) AS nth
), earliest AS (
    SELECT max(free_at) AS free_at, (array_agg(number ORDER BY free_at DESC))[1] AS number FROM full_ones
), taken AS (
    INSERT INTO automation_actions (
        account_id, account_username, platform, action_type, target_type, target_id, target_username, target_url,
        content_text, triggered_by, action_date, action_hour, created_at
    )
    SELECT
        %(account_id)s, %(account_username)s, %(platform)s, %(action_type)s, %(target_type)s, %(target_id)s,
        %(target_username)s, %(target_url)s, %(content_text)s, %(triggered_by)s, %(date)s, %(hour)s, %(now)s
    FROM earliest
    WHERE %(is_taking)s AND (free_at IS NULL OR free_at <= %(now)s)
    RETURNING id
)
SELECT taken.id, earliest.free_at, earliest.number FROM earliest LEFT JOIN taken ON true
