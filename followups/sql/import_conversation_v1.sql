-- Open the conversation between the staged bot and the staged person; called by followups.importing for a direct
-- message, served by social_media_conversations_participant. Answers its id. On Discord the handle is the id.
INSERT INTO social_media_conversations AS c
    (account_id, platform, participant_username, participant_id, participant_display_name, external_channel_id)
SELECT ours.id, 'discord', person.external_id, person.external_id, person.display_name, %(external_channel)s
FROM import_authors bot
JOIN social_media_accounts ours ON ours.platform = 'discord' AND ours.external_id = bot.external_id
CROSS JOIN import_authors person
WHERE bot.is_bot AND NOT person.is_bot
ON CONFLICT (account_id, platform, participant_username) DO UPDATE
SET external_channel_id = EXCLUDED.external_channel_id
RETURNING c.id
