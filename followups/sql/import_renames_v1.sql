-- Give known accounts their newer names; called by followups.importing, served by
-- social_media_accounts_external_id. `updated_at` is when the stored names were true. Locks in a fixed order.
WITH outdated AS MATERIALIZED (
    SELECT a.id, s.username, s.display_name, s.true_at
    FROM social_media_accounts a
    JOIN import_authors s ON s.external_id = a.external_id
    WHERE a.platform = 'discord'
      AND s.true_at > a.updated_at
      AND (a.username, a.display_name) IS DISTINCT FROM (s.username, s.display_name)
    ORDER BY a.external_id
    FOR NO KEY UPDATE OF a
)
UPDATE social_media_accounts a
SET username = o.username, display_name = o.display_name, updated_at = o.true_at
FROM outdated o
WHERE a.id = o.id
