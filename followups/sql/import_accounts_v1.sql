-- Remember the staged authors; called by followups.importing, served by social_media_accounts_external_id.
-- Sorted, so that two imports lock in the same order. A name changes only for a newer one: `updated_at` is when
-- the stored one was true.
INSERT INTO social_media_accounts AS a (platform, external_id, username, display_name, account_type, updated_at)
SELECT 'discord', s.external_id, s.username, s.display_name, CASE WHEN s.is_bot THEN 'bot' ELSE 'member' END, s.true_at
FROM import_authors s
ORDER BY s.external_id
ON CONFLICT (platform, external_id) DO UPDATE
SET username = EXCLUDED.username, display_name = EXCLUDED.display_name, updated_at = EXCLUDED.updated_at
WHERE EXCLUDED.updated_at > a.updated_at
  AND (a.username, a.display_name) IS DISTINCT FROM (EXCLUDED.username, EXCLUDED.display_name)
