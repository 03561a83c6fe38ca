-- Rename the channel when this file reaches as far as every file imported before; called by followups.importing,
-- served by community_channels_external_id.
UPDATE community_channels c
SET name = %(name)s
WHERE c.platform = 'discord'
  AND c.external_id = %(external_id)s
  AND c.name <> %(name)s
  AND (
      c.name = ''
      OR %(last_at)s >= (SELECT max(i.last_message_at) FROM chat_imports i WHERE i.channel_id = c.id)
  )
