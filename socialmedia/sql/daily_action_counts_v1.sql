-- What each account did of each kind, day by day, in the last seven days. Read by the console's page of limits. Days are
-- those of the account's zone, as written when the action was begun. What nobody confirmed is in neither of the two last
-- columns; the actions of deleted accounts are a group of their own. One account's are found by idx_actions_account_date.
CREATE VIEW daily_action_counts AS
SELECT
    account_id,
    action_date,
    action_type,
    count(*) AS action_count,
    count(*) FILTER (WHERE success) AS success_count,
    count(*) FILTER (WHERE NOT success) AS failure_count
FROM automation_actions
WHERE action_date >= CURRENT_DATE - 7
GROUP BY account_id, action_date, action_type
