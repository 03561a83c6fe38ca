-- Takes a place for one action of one account, or says when the next is free. Called by socialmedia.limits, which holds
-- the lock of this account and kind of action in a statement before this one: only a later statement sees what whoever
-- held the lock before has taken.
-- A limit of N is full while the N-th newest action is younger than its span. idx_actions_recent yields that one by
-- reading N entries, however long the log is.
WITH allowed AS (
    SELECT * FROM unnest(%(spans)s::interval[], %(mosts)s::bigint[]) AS allowed (span, most)
), earliest AS (
    SELECT max((
        SELECT action.created_at + allowed.span
        FROM automation_actions AS action
        WHERE action.account_id = %(account_id)s AND action.action_type = %(action_type)s
        ORDER BY action.created_at DESC
        OFFSET allowed.most - 1
        LIMIT 1
    )) AS free_at
    FROM allowed
), taken AS (
    INSERT INTO automation_actions
        (account_id, platform, action_type, target_type, target_id, action_date, action_hour, created_at)
    SELECT %(account_id)s, %(platform)s, %(action_type)s, %(target_type)s, %(target_id)s, %(date)s, %(hour)s, %(now)s
    FROM earliest
    WHERE %(is_taking)s AND (free_at IS NULL OR free_at <= %(now)s)
    RETURNING id
)
SELECT taken.id, earliest.free_at FROM earliest LEFT JOIN taken ON true
