"""How a command is answered: an operation of the database makes the answer, for the asker's eyes only.

A slash command is answered by an ephemeral message, a typed one by a queued private message; so one definition serves
both. What a command does is an `Operation`: one transaction, the member locked, an `Answer` at its end or `Refused`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import discord
from discord.ext import commands
from django.db import transaction
from django.utils import timezone

from bots import attachments, inbound, panels
from bots.database import run_unit
from bots.people import Letter, Person, letter_of, person_of
from followups.planning import CannotPlan
from followups.preferences import BadPreference
from socialmedia import inbox, outbox
from socialmedia.models import Account

if TYPE_CHECKING:
    from bots.client import CheckbackBot  # noqa: F401 - named in the string below

Context = commands.Context["CheckbackBot"]


class Refused(Exception):
    """What was asked can't be done; the message is a kind sentence for the asker. Nothing has changed."""


@dataclass(frozen=True)
class Question:
    """Who asks, and how we know."""

    author: Person
    source: str
    """slash_command, text_command or button."""
    evidence: str
    """The interaction or the message, by Discord's id."""
    asked_at: datetime
    guild_id: int | None = None

    @property
    def user_id(self) -> str:
        """The key of the asker's profile."""
        return self.author.external_id


@dataclass(frozen=True)
class Answer:
    """What the asker gets to see."""

    text: str
    panel: str = ""
    """Buttons and menus below it: a name in `panels.PANELS`."""
    attachment: str = ""
    """A file with it: a name in `attachments.ATTACHMENTS`."""

    @property
    def metadata(self) -> dict[str, str]:
        """What a queued message keeps of it beside the words: panel and file are made when it is sent."""
        return {name: value for name, value in (("panel", self.panel), ("attachment", self.attachment)) if value}


Operation = Callable[[Question], Answer]


async def respond(ctx: Context, operation: Operation) -> None:
    """Carry out a command, and let only its author see the answer."""
    if ctx.interaction is None:
        question = Question(
            author=person_of(ctx.author),
            source="text_command",
            evidence=f"message {ctx.message.id}",
            asked_at=ctx.message.created_at,
            guild_id=ctx.guild.id if ctx.guild else None,
        )
        await run_unit(
            answer_text,
            operation,
            question,
            own=ctx.bot.account,
            letter=letter_of(ctx.message),
            channel_id=str(ctx.channel.id) if ctx.guild is None else "",
            now=timezone.now(),
        )
        return
    await ctx.defer(ephemeral=True)  # the first answer must come within 3 s, whatever the database does
    question = question_of(ctx.interaction, source="slash_command")
    answer = await run_unit(answer_interaction, operation, question, now=timezone.now())
    await ctx.send(answer.text, ephemeral=True, **await extras(answer.metadata, user_id=question.user_id))


def question_of(interaction: discord.Interaction[Any], *, source: str) -> Question:
    """The question that an interaction (a slash command, a button, a menu, a form) is."""
    return Question(
        author=person_of(interaction.user),
        source=source,
        evidence=f"interaction {interaction.id}",
        asked_at=interaction.created_at,
        guild_id=interaction.guild_id,
    )


async def extras(metadata: Mapping[str, Any], *, user_id: str) -> dict[str, Any]:
    """What goes along with an answer's text, as discord.py's `send` takes it: `view`, `file`."""
    made: dict[str, Any] = {}
    if panel := panels.PANELS.get(metadata.get("panel", "")):
        made["view"] = panel.draw(await run_unit(panel.read, user_id, now=timezone.now()))
    if attachment := attachments.ATTACHMENTS.get(metadata.get("attachment", "")):
        made["file"] = await run_unit(attachment, user_id, now=timezone.now())
    return made


def answer_interaction(operation: Operation, question: Question, *, now: datetime) -> Answer:
    """Meet the asker, lock them, and carry the operation out; a refusal becomes the answer."""
    try:
        with transaction.atomic():
            inbound.meet(question.author, now=now)
            return operation(question)
    except (Refused, CannotPlan) as refusal:
        return Answer(str(refusal))
    except BadPreference as refusal:
        return Answer(f"That did not work: {refusal.problem}")


@transaction.atomic
def answer_text(
    operation: Operation, question: Question, *, own: Account, letter: Letter, channel_id: str = "", now: datetime
) -> bool:
    """Carry out a typed command, and queue the answer as a private message.

    A command that was written in private (`channel_id`) is kept in the inbox and taken once: False when it is known.
    """
    account, _ = inbound.meet(question.author, now=now)
    conversation = inbox.open_conversation(account=own, participant=account, external_channel_id=channel_id, now=now)
    if channel_id and not inbox.record_inbound(
        conversation=conversation,
        external_message_id=letter.external_id,
        text=letter.text,
        sent_at=letter.sent_at,
        metadata={"command": True},
        is_read=True,
        now=now,
    ):
        return False
    answer = answer_interaction(operation, question, now=now)
    outbox.queue_reply(conversation=conversation, text=answer.text, metadata=answer.metadata, now=now)
    return True
