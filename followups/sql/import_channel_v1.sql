-- Remember the channel; called by followups.importing, served by community_channels_external_id. Answers its id.
-- A name changes only when this file reaches as far as every file imported before.
INSERT INTO community_channels AS c (platform, external_id, name, guild_id, guild_name)
VALUES ('discord', %(external_id)s, %(name)s, %(guild_id)s, %(guild_name)s)
ON CONFLICT (platform, external_id) DO UPDATE
SET name = CASE
        WHEN c.name = '' OR %(last_at)s >= (SELECT max(i.last_message_at) FROM chat_imports i WHERE i.channel_id = c.id)
        THEN EXCLUDED.name ELSE c.name END,
    guild_id = coalesce(nullif(c.guild_id, ''), EXCLUDED.guild_id),
    guild_name = coalesce(nullif(c.guild_name, ''), EXCLUDED.guild_name)
RETURNING c.id
