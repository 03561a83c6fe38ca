"""Who was active where and when; the words only where the caller, who knows the community's choice, gives them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q

from socialmedia.models import Account, Channel, ChannelActivity, Platform

_REMEMBER_CHANNEL = """
INSERT INTO community_channels AS known (platform, external_id, name, guild_id, guild_name)
VALUES (%(platform)s, %(external_id)s, %(name)s, %(guild_id)s, %(guild_name)s)
ON CONFLICT (platform, external_id) DO UPDATE SET
    name = COALESCE(NULLIF(EXCLUDED.name, ''), known.name),
    guild_id = EXCLUDED.guild_id, guild_name = EXCLUDED.guild_name
WHERE (known.name, known.guild_id, known.guild_name) IS DISTINCT FROM
      (COALESCE(NULLIF(EXCLUDED.name, ''), known.name), EXCLUDED.guild_id, EXCLUDED.guild_name)
"""

_RECORD = """
INSERT INTO channel_activity (message_id, channel_id, author_id, sent_at, text, edited_at)
SELECT %(message_id)s, id, %(author_id)s, %(sent_at)s, %(text)s, %(edited_at)s
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


def record(
    *,
    message_id: int,
    channel: ChannelRef,
    author: Account,
    sent_at: datetime,
    text: str = "",
    edited_at: datetime | None = None,
) -> bool:
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
        "text": text,
        "edited_at": edited_at,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_REMEMBER_CHANNEL, values)
        cursor.execute(_RECORD, values)
        return bool(cursor.rowcount)


def is_known(message_id: int) -> bool:
    """Whether a channel message is noted."""
    return ChannelActivity.objects.filter(pk=message_id).exists()


def communities(*, since: datetime, platform: str = Platform.DISCORD) -> set[str]:
    """The network's ids of the communities in which somebody has written since a time. By idx_activity_channel_time."""
    written = ChannelActivity.objects.filter(channel=OuterRef("pk"), sent_at__gte=since)
    places = Channel.objects.filter(Exists(written), platform=platform).exclude(guild_id="")
    return set(places.values_list("guild_id", flat=True))


def change(*, message_id: int, text: str, edited_at: datetime) -> bool:
    """Put the words of an edit in place of the stored ones. False when the message is not known, or holds these words
    or those of a newer edit already.
    """
    rows = ChannelActivity.objects.filter(Q(edited_at=None) | Q(edited_at__lt=edited_at), pk=message_id)
    is_changed = bool(rows.exclude(text=text).update(text=text, edited_at=edited_at))
    if text and not is_changed:
        rows.update(edited_at=edited_at)  # back to earlier words: what was in between comes too late from now on
    return is_changed


def take_back(message_ids: Collection[int], *, now: datetime) -> int:
    """Forget the words of messages that were deleted; that somebody wrote then stays. An edit from before that comes
    later changes nothing. Returns how many are known.
    """
    return ChannelActivity.objects.filter(pk__in=message_ids).update(text="", edited_at=now)
