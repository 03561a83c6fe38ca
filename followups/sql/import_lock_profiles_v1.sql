-- Lock the staged people's profiles, always in the same order and before their messages are stored (a live message
-- takes the same order); called by followups.importing, served by the primary key of user_profiles.
SELECT count(*)
FROM (
    SELECT p.user_id
    FROM user_profiles p
    JOIN import_authors s ON s.external_id = p.user_id
    ORDER BY p.user_id
    FOR NO KEY UPDATE OF p
) AS locked
