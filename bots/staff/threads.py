"""The threads of the staff channel, in Discord: one for each member who talks to the bot."""

from contextlib import suppress
from typing import Final

import discord

from bots.database import run_unit
from bots.models import StaffThread
from socialmedia.models import Conversation

LONGEST_NAME: Final = 100
WEEK_IN_MINUTES: Final = 10_080
_WELCOME: Final = (
    "Here you see what {name} and the bot write to each other in private. "
    "Answer with `/reply` or `{prefix}reply your text`: they get it as a private message from the bot. "
    "Whatever else you write here stays among you."
)


async def of_conversation(channel: discord.TextChannel, conversation: Conversation, *, prefix: str) -> int:
    """Return the id of the conversation's thread, opened when there is none.

    Should the process die between opening and noting it, the next one finds it by the member's id in its name.

    Raises:
        discord.HTTPException, and what else a request can end with.
    """
    known = await run_unit(_known, conversation.pk)
    if known is not None:
        return known
    name = _name(conversation)
    found = discord.utils.get(channel.threads, name=name)
    if found is None:
        found = await channel.create_thread(
            name=name, type=discord.ChannelType.public_thread, auto_archive_duration=WEEK_IN_MINUTES
        )
        await found.send(_WELCOME.format(name=conversation.participant_display_name or "the member", prefix=prefix))
    return await run_unit(_note, conversation, found.id)


async def delete_orphans(client: discord.Client, *, account_id: int) -> None:
    """Delete the threads of members who were forgotten, in Discord and then here."""
    for row in await run_unit(_orphans, account_id):
        with suppress(discord.NotFound):
            thread = await client.fetch_channel(int(row.thread_id))
            if isinstance(thread, discord.Thread):
                await thread.delete()
        await run_unit(row.delete)


def forget(conversation_id: int) -> None:
    """The conversation's thread is gone in Discord: the next post opens another."""
    StaffThread.objects.filter(conversation=conversation_id).delete()


def _name(conversation: Conversation) -> str:
    identifier = f" · {conversation.participant_id}"
    name = conversation.participant_display_name or conversation.participant_username
    return name[: LONGEST_NAME - len(identifier)] + identifier


def _known(conversation_id: int) -> int | None:
    row = StaffThread.objects.filter(conversation=conversation_id).first()
    return None if row is None else int(row.thread_id)


def _note(conversation: Conversation, thread_id: int) -> int:
    row, _ = StaffThread.objects.get_or_create(
        conversation=conversation, defaults={"account_id": conversation.account_id, "thread_id": str(thread_id)}
    )
    return int(row.thread_id)


def _orphans(account_id: int) -> list[StaffThread]:
    return list(StaffThread.objects.filter(account=account_id, conversation=None)[:50])
