"""Who was active where: times only, never the words."""

from dataclasses import dataclass
from datetime import datetime

from socialmedia.models import Account


@dataclass(frozen=True)
class ChannelRef:
    """A channel as the network names it."""

    external_id: str
    name: str
    guild_id: str
    guild_name: str


def record(*, message_id: int, channel: ChannelRef, author: Account, sent_at: datetime) -> bool:
    """Note one channel message. False when this message id is known already."""
    raise NotImplementedError
