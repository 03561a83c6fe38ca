-- Writes into the log of actions which handle did them. Called by migration 0007; what comes later has it from the start.
UPDATE automation_actions AS action
SET account_username = account.username
FROM social_media_accounts AS account
WHERE account.id = action.account_id AND action.account_username = ''
