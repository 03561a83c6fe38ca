-- At which hours of its day each account does what, over the last 30 days. Read by the console's page of limits. One
-- account's are found by idx_actions_account_date.
CREATE VIEW hourly_action_distribution AS
SELECT account_id, action_type, action_hour, count(*) AS action_count
FROM automation_actions
WHERE action_date >= CURRENT_DATE - 30
GROUP BY account_id, action_type, action_hour
