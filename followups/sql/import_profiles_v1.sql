-- Make a profile, not opted in, for each staged person who has none; called by followups.importing, served by the
-- primary key of user_profiles and social_media_accounts_external_id. Never for a bot.
INSERT INTO user_profiles (user_id, account_id, name)
SELECT s.external_id, a.id, coalesce(nullif(s.display_name, ''), s.username)
FROM import_authors s
JOIN social_media_accounts a ON a.platform = 'discord' AND a.external_id = s.external_id
WHERE NOT s.is_bot AND a.account_type <> 'bot'
ORDER BY s.external_id
ON CONFLICT DO NOTHING
