"""Who was active where: times only, never the words."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from socialmedia.models import Account

_REMEMBER_CHANNEL = """
INSERT INTO community_channels AS known (platform, external_id, name, guild_id, guild_name)
VALUES (%(platform)s, %(external_id)s, %(name)s, %(guild_id)s, %(guild_name)s)
ON CONFLICT (platform, external_id) DO UPDATE SET
    name = EXCLUDED.name, guild_id = EXCLUDED.guild_id, guild_name = EXCLUDED.guild_name
WHERE (known.name, known.guild_id, known.guild_name)
      IS DISTINCT FROM (EXCLUDED.name, EXCLUDED.guild_id, EXCLUDED.guild_name)
"""

_RECORD = """
INSERT INTO channel_activity (message_id, channel_id, author_id, sent_at)
SELECT %(message_id)s, id, %(author_id)s, %(sent_at)s
FROM community_channels
WHERE platform = %(platform)s AND external_id = %(external_id)s
ON CONFLICT (message_id) DO NOTHING
"""


@dataclass(frozen=True)
class ChannelRef:
    """A channel as the network names it."""

    external_id: str
    name: str
    guild_id: str
    guild_name: str


def record(*, message_id: int, channel: ChannelRef, author: Account, sent_at: datetime) -> bool:
    """Note one channel message. False when this message id is known already."""
    values: dict[str, Any] = {
        "platform": author.platform,
        "external_id": channel.external_id,
        "name": channel.name,
        "guild_id": channel.guild_id,
        "guild_name": channel.guild_name,
        "message_id": message_id,
        "author_id": author.pk,
        "sent_at": sent_at,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_REMEMBER_CHANNEL, values)
        cursor.execute(_RECORD, values)
        return bool(cursor.rowcount)
