"""The threads of the staff channel, in Discord: one for each member who talks to the bot."""

from contextlib import suppress
from datetime import datetime
from typing import Final

import discord
import structlog
from django.db import transaction

from bots import failures
from bots.database import run_unit
from bots.models import StaffPost, StaffThread
from bots.staff import posts
from socialmedia.models import Conversation

log = structlog.get_logger(__name__)

LONGEST_NAME: Final = 100
WEEK_IN_MINUTES: Final = 10_080
_WELCOME: Final = (
    "Here you see what {name} and the bot write to each other in private. "
    "Answer with `/reply` or `{prefix}reply your text`: they get it as a private message from the bot. "
    "Whatever else you write here stays among you."
)


class MemberForgotten(Exception):
    """The member was forgotten just now; nothing is to be shown of them."""


async def of_conversation(channel: discord.TextChannel, conversation: Conversation, *, own_id: int, prefix: str) -> int:
    """Return the id of the conversation's thread below this channel, opened when there is none.

    Should the process die between opening and noting it, the next one finds it by the member's id in its name.

    Raises:
        MemberForgotten: while the thread was opened; it is going to be deleted.
        discord.HTTPException, and what else a request can end with.
    """
    known = await run_unit(_known, conversation.pk, channel.id)
    if known is not None:
        return known
    found = await _unnoted(channel, conversation, own_id=own_id)
    if found is None:
        found = await channel.create_thread(
            name=_name(conversation), type=discord.ChannelType.public_thread, auto_archive_duration=WEEK_IN_MINUTES
        )
        name = discord.utils.escape_markdown(conversation.participant_display_name or "the member")
        nobody = discord.AllowedMentions.none()
        await found.send(_WELCOME.format(name=name, prefix=prefix), allowed_mentions=nobody)
    if not await run_unit(_note, conversation, channel.id, found.id):
        raise MemberForgotten
    return found.id


async def _unnoted(channel: discord.TextChannel, conversation: Conversation, *, own_id: int) -> discord.Thread | None:
    """The thread that was opened for this conversation, but not noted."""
    ending = _identifier(conversation)
    ours = [thread for thread in channel.threads if thread.owner_id == own_id and thread.name.endswith(ending)]
    noted = await run_unit(_noted, [thread.id for thread in ours]) if ours else set()
    return next((thread for thread in ours if thread.id not in noted), None)


async def delete_what_must_go(client: discord.Client, *, account_id: int, now: datetime) -> bool:
    """Delete the threads of members who were forgotten, and posts that were withdrawn, in Discord and then here. False
    when Discord does not let us: each is tried again later, and none holds up the others.
    """
    rows: list[StaffThread | StaffPost] = [
        *await run_unit(_orphans, account_id),
        *await run_unit(posts.withdrawn, account_id=account_id, now=now),
    ]
    return all([await _delete(client, row) for row in rows])


async def _delete(client: discord.Client, row: StaffThread | StaffPost) -> bool:
    try:
        with suppress(discord.NotFound):
            if isinstance(row, StaffThread):
                await _delete_thread(client, int(row.thread_id))
            elif row.external_message_id:
                place = client.get_partial_messageable(int(row.channel_id))
                await place.get_partial_message(int(row.external_message_id)).delete()
    except discord.DiscordException as error:
        log.warning("staff.not_deleted", row=str(row), **failures.describe(error))
        return False
    await run_unit(row.delete)
    return True


async def _delete_thread(client: discord.Client, thread_id: int) -> None:
    thread = await client.fetch_channel(thread_id)
    if isinstance(thread, discord.Thread):
        await thread.delete()


def forget(thread_id: int) -> None:
    """The thread is gone in Discord: the next post opens another."""
    StaffThread.objects.filter(thread_id=str(thread_id)).delete()


def _identifier(conversation: Conversation) -> str:
    return f" · {conversation.participant_id}"


def _name(conversation: Conversation) -> str:
    identifier = _identifier(conversation)
    name = conversation.participant_display_name or conversation.participant_username
    return name[: LONGEST_NAME - len(identifier)] + identifier


def _known(conversation_id: int, channel_id: int) -> int | None:
    row = StaffThread.objects.filter(conversation=conversation_id, channel_id=str(channel_id)).first()
    return None if row is None else int(row.thread_id)


def _noted(thread_ids: list[int]) -> set[int]:
    rows = StaffThread.objects.filter(thread_id__in=[str(thread_id) for thread_id in thread_ids])
    return {int(thread_id) for thread_id in rows.values_list("thread_id", flat=True)}


@transaction.atomic
def _note(conversation: Conversation, channel_id: int, thread_id: int) -> bool:
    """Note the thread. False when its member was forgotten meanwhile: then it is noted as one that must go."""
    is_known = Conversation.objects.select_for_update(no_key=True).filter(pk=conversation.pk).exists()
    StaffThread.objects.create(
        conversation=conversation if is_known else None,
        account_id=conversation.account_id,
        channel_id=str(channel_id),
        thread_id=str(thread_id),
    )
    return is_known


def _orphans(account_id: int) -> list[StaffThread]:
    return list(StaffThread.objects.filter(account=account_id, conversation=None)[:50])
