"""How a command is answered: an operation of the database makes the answer, for the asker's eyes only.

A slash command is answered by an ephemeral message, a typed one by a queued private message; so one definition serves
both. What a command does is an `Operation`: one transaction, the member locked, an `Answer` at its end or `Refused`.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

import discord
import structlog
from discord.ext import commands
from django.db import transaction
from django.utils import timezone

from bots import attachments, failures, inbound, panels, texts
from bots.database import run_unit
from bots.failures import UNREACHED
from bots.people import Letter, Person, letter_of, person_of
from followups.planning import CannotPlan
from followups.preferences import BadPreference
from socialmedia import inbox, outbox
from socialmedia.models import Account, Conversation, Message

if TYPE_CHECKING:
    from bots.client import CheckbackBot  # noqa: F401 - named in the string below

log = structlog.get_logger(__name__)

T = TypeVar("T")
Context = commands.Context["CheckbackBot"]
NOT_KEPT: Final = "[a command of the team; its words are not kept]"


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

    @property
    def actor(self) -> str:
        """Who it was, for those who read later what was done."""
        return f"{self.author.username} ({self.author.external_id}, on Discord)"


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


async def respond(
    ctx: Context, operation: Operation, *, meets: bool = True, is_kept: bool = True, even_unheard: bool = False
) -> None:
    """Carry out a command, and let only its author see the answer.

    `meets=False`: who asks with a slash command is not remembered for it. `is_kept=False`: the answer to a typed
    command is sent at once instead of queued, and its words are stored nowhere. `even_unheard`: a slash command is
    carried out although Discord takes no answer to it any more, as it is 3 s after the question: an end of messages
    must not depend on that.
    """
    if ctx.interaction is not None:
        await _acknowledge(ctx, ctx.interaction, even_unheard=even_unheard)
        await _respond_to_slash(ctx, ctx.interaction, operation, meets=meets)
    elif is_kept:
        await _persist(ctx, answer_text, operation)
    else:
        answer = await _persist(ctx, answer_directly, operation)
        if answer is not None:
            await send_directly(ctx, answer)


async def respond_to_unknown(ctx: Context, text: str) -> None:
    """Queue a private message to who wrote a private message that has been taken in already, once."""
    await run_unit(
        queue_note,
        person_of(ctx.author),
        text,
        own=ctx.bot.account,
        channel_id=str(ctx.channel.id),
        message_id=str(ctx.message.id),
        now=timezone.now(),
    )


async def _respond_to_slash(
    ctx: Context, interaction: discord.Interaction[Any], operation: Operation, *, meets: bool
) -> None:
    question = question_of(interaction, source="slash_command")
    answer = await run_unit(answer_interaction, operation, question, meets=meets, now=timezone.now())
    more = await extras(answer.metadata, user_id=question.user_id)
    try:
        await ctx.send(answer.text, ephemeral=True, **more)
    except UNREACHED as error:  # it is done, so nobody may be told that it is not
        log.warning("bot.answer_not_sent", interaction_id=interaction.id, **failures.describe(error))
        await _show_once_more(interaction, answer, user_id=question.user_id)


async def _acknowledge(ctx: Context, interaction: discord.Interaction[Any], *, even_unheard: bool) -> None:
    """Say that it was heard: the first answer must come within 3 s, whatever the database does."""
    if interaction.response.is_done():
        return
    try:
        await ctx.defer(ephemeral=True)
    except UNREACHED as error:
        if not even_unheard:
            raise
        log.warning("bot.answer_not_sent", interaction_id=interaction.id, **failures.describe(error))


async def _show_once_more(interaction: discord.Interaction[Any], answer: Answer, *, user_id: str) -> None:
    """Put the answer in the place of "is thinking". If the first one arrived after all, it is the same message."""
    more = await extras(answer.metadata, user_id=user_id)
    if "file" in more:
        more["attachments"] = [more.pop("file")]
    try:
        await interaction.edit_original_response(content=answer.text, **more)
    except UNREACHED:
        with suppress(*UNREACHED):
            await interaction.edit_original_response(content=texts.NOT_SHOWN)


async def _persist(ctx: Context, take: Callable[..., T], operation: Operation) -> T:
    """Take in a typed command. It is known by its id, so it may be tried again, however long the database is away: it
    may say that somebody wants no more messages.
    """

    def command() -> T:
        return take(
            operation,
            question_of_message(ctx.message),
            own=ctx.bot.account,
            letter=letter_of(ctx.message),
            channel_id=str(ctx.channel.id) if ctx.guild is None else "",
            now=timezone.now(),
        )

    return await ctx.bot.listening.persist(command)


async def send_directly(ctx: Context, answer: Answer) -> None:
    """Send an answer past the outbox, which may be stopped at this moment. What Discord refuses is only logged: who
    asked can ask again.
    """
    more = await extras(answer.metadata, user_id=str(ctx.author.id))
    try:
        await ctx.author.send(answer.text, nonce=nonce_for(str(ctx.message.id)), **more)
    except UNREACHED as error:
        log.warning("bot.answer_not_sent", message_id=ctx.message.id, **failures.describe(error))


def question_of(interaction: discord.Interaction[Any], *, source: str) -> Question:
    """The question that an interaction (a slash command, a button, a menu, a form) is."""
    return Question(
        author=person_of(interaction.user),
        source=source,
        evidence=f"interaction {interaction.id}",
        asked_at=interaction.created_at,
        guild_id=interaction.guild_id,
    )


def question_of_message(message: discord.Message) -> Question:
    """The question that a typed command is."""
    return Question(
        author=person_of(message.author),
        source="text_command",
        evidence=f"message {message.id}",
        asked_at=message.created_at,
        guild_id=message.guild.id if message.guild else None,
    )


async def extras(metadata: Mapping[str, Any], *, user_id: str) -> dict[str, Any]:
    """What goes along with an answer's text, as discord.py's `send` takes it: `view`, `file`."""
    made: dict[str, Any] = {}
    if panel := panels.PANELS.get(metadata.get("panel", "")):
        view = panel.draw(await run_unit(panel.read, user_id, now=timezone.now()))
        view.stop()  # its custom ids say all that a press needs; the client would keep each view in memory for ever
        made["view"] = view
    if attachment := attachments.ATTACHMENTS.get(metadata.get("attachment", "")):
        made["file"] = await run_unit(attachment, user_id, now=timezone.now())
    return made


def answer_interaction(operation: Operation, question: Question, *, meets: bool = True, now: datetime) -> Answer:
    """Meet the asker, lock them, and carry the operation out; a refusal becomes the answer."""
    try:
        with transaction.atomic():
            if meets:
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
    """Carry out a typed command once, and queue the answer as a private message. False when the command is known.

    One that was written in private (`channel_id`) is kept in the inbox.
    """
    conversation = _take_in(question, own=own, letter=letter, channel_id=channel_id, now=now)
    if conversation is None:
        return False
    answer = answer_interaction(operation, question, meets=False, now=now)
    outbox.queue_reply(
        conversation=conversation,
        text=answer.text,
        metadata=answer.metadata,
        nonce=nonce_for(letter.external_id),
        now=now,
    )
    return True


@transaction.atomic
def answer_directly(
    operation: Operation, question: Question, *, own: Account, letter: Letter, channel_id: str = "", now: datetime
) -> Answer | None:
    """Carry out a typed command once, and return the answer for the caller to send; None when the command is known.
    Neither the command's words nor the answer's are kept: they are about other people.
    """
    letter = replace(letter, text=NOT_KEPT)
    conversation = _take_in(question, own=own, letter=letter, channel_id=channel_id, now=now)
    if conversation is None:
        return None
    answer = answer_interaction(operation, question, meets=False, now=now)
    record = outbox.queue_reply(conversation=conversation, text=NOT_KEPT, nonce=nonce_for(letter.external_id), now=now)
    outbox.suppress_queued(record.pk, reason="answered at once, past the outbox", now=now)
    return answer


@transaction.atomic
def queue_note(person: Person, text: str, *, own: Account, channel_id: str, message_id: str, now: datetime) -> bool:
    """Queue the one answer to a private message that is no command. False when it has one."""
    account, _ = inbound.meet(person, now=now)
    if Message.objects.filter(nonce=nonce_for(message_id)).exists():
        return False
    conversation = inbox.open_conversation(account=own, participant=account, external_channel_id=channel_id, now=now)
    outbox.queue_reply(conversation=conversation, text=text, nonce=nonce_for(message_id), now=now)
    return True


def nonce_for(message_id: str) -> str:
    """The nonce of the one answer to a typed command. The database refuses a second message with it, and so does
    Discord for some minutes.
    """
    return f"re-{message_id}"


def _take_in(
    question: Question, *, own: Account, letter: Letter, channel_id: str, now: datetime
) -> Conversation | None:
    """Meet and lock who wrote a command, and open their conversation; None when the command is answered already."""
    account, _ = inbound.meet(question.author, now=now)
    if Message.objects.filter(nonce=nonce_for(letter.external_id)).exists():
        return None
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
        return None
    return conversation
