-- Name the staged people who have no name yet; called by followups.importing after their profiles are locked,
-- served by the primary key of user_profiles.
UPDATE user_profiles p
SET name = coalesce(nullif(s.display_name, ''), s.username)
FROM import_authors s
WHERE s.external_id = p.user_id AND p.name = ''
