-- Remember the channel; called by followups.importing, served by community_channels_external_id. A known one is
-- neither locked nor changed here: live messages in it need not wait for the import.
INSERT INTO community_channels (platform, external_id, name, guild_id, guild_name)
VALUES ('discord', %(external_id)s, %(name)s, %(guild_id)s, %(guild_name)s)
ON CONFLICT (platform, external_id) DO NOTHING
