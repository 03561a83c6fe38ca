-- Remember the staged authors who are not known; called by followups.importing, served by
-- social_media_accounts_external_id. Sorted, so that two imports at once wait for each other in the same order, and
-- DO NOTHING, because DO UPDATE would lock every known account (and hold up live messages) even to change nothing.
INSERT INTO social_media_accounts (platform, external_id, username, display_name, account_type, updated_at)
SELECT 'discord', s.external_id, s.username, s.display_name, CASE WHEN s.is_bot THEN 'bot' ELSE 'member' END, s.true_at
FROM import_authors s
ORDER BY s.external_id
ON CONFLICT (platform, external_id) DO NOTHING
