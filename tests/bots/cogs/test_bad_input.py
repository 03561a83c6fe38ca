"""Bad input in commands: a kind, clear, private answer each, in both forms, and nothing is changed."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pytest

from bots import misuse
from bots.answers import NOT_KEPT
from bots.database import run_unit
from bots.models import BotControl
from bots.practice.server import PracticeServer
from bots.practice.world import User
from followups.models import ConsentReceipt, ErasureReceipt, FollowUp, Goal, UserProfile
from jobs.models import JobPause, ScheduledJob
from socialmedia.models import Message
from tests.bots import running, support
from tests.bots.running import HastyBot, checkback

OWNER, MODERATOR, MEMBER, UNMET, LEFT = 0, 1, 2, 3, 4
"""Of the community's people: the first is its administrator, the third is known and has not opted in."""
OTHER_BOT, STRANGER = 1_100_000_000_000_000_001, 1_100_000_000_000_000_002
NOWHERE = 1_100_000_000_000_000_003
CHANGED_BY_COMMANDS = (FollowUp, ScheduledJob, Goal, ConsentReceipt, ErasureReceipt, JobPause, BotControl)


@dataclass(frozen=True)
class Row:
    """What somebody asks, and words of the answer. {name} stands for somebody's id."""

    words: str
    text: str | None = None
    """The typed form, without `!`."""
    slash: str | None = None
    options: Any = None
    who: int = OWNER


def hours(value: object, words: str) -> Row:
    """Planning after so many hours."""
    slash = "schedule_followup" if isinstance(value, int | float) else None
    return Row(words, f"schedule_followup {{member}} {value}", slash, {"user": "{member}", "hours": value})


def about(who: str, words: str) -> list[Row]:
    """Planning for, and asking about, somebody."""
    return [
        Row(words, f"{command} <@!{{{who}}}>", command, {"user": f"{{{who}}}"})
        for command in ("schedule_followup", "followups_why")
    ]


ROWS = [
    # hours that make no sense (ORIGINS 1.9: "0, negative or huge accepted")
    *(hours(value, "more than 0 and at most 8760") for value in (0, -1, 1e9, "nan", "inf", "-0.0")),
    hours("soon", "`!schedule_followup <user> [hours]`"),
    # people it can't be about
    *about("left", "not in this community"),
    *about("other_bot", "is a bot"),
    *about("itself", "is a bot"),
    *about("stranger", "not in this community"),
    *about("unmet", "I have not met"),
    Row("has not opted in", "schedule_followup {member}", "schedule_followup", {"user": "{member}"}),
    Row("I know no person `<@1100000000000000003>`", "schedule_followup <@{nowhere}>"),
    Row("I know no person `nobody at all`", 'schedule_followup "nobody at all" 3'),
    Row("I need one thing more: `user`", "schedule_followup"),
    Row("quotation marks do not match", 'schedule_followup "ada'),
    # goals
    Row("5,000 characters", f"goal set {'x' * 5000} in 2 weeks", "goal set", {"text": "x" * 5000, "when": "2 weeks"}),
    Row("can't tell when", None, "goal set", {"text": "run", "when": "the day after never"}),
    Row("And when shall I ask you", "goal set run a marathon", "goal set", {"text": "run a marathon"}),
    Row("is past", "goal set run 2020-01-01", "goal set", {"text": "run", "when": "2020-01-01"}),
    Row("too far ahead", "goal set run 2099-01-01", "goal set", {"text": "run", "when": "2099-01-01"}),
    Row("can't tell when", None, "goal set", {"text": "run", "when": "2027-02-30"}),
    Row("What is your goal?", "goal set in 2 weeks", "goal set", {"text": " ", "when": "in 2 weeks"}),
    Row("I need one thing more: `text`", "goal set"),
    Row("more than I understand", "goal fly to the moon"),
    # birthdays
    Row("February has days from 1 to 29", "birthday set February 30", "birthday set", {"month": "February", "day": 30}),
    Row("April has days", "birthday set 4 -1", "birthday set", {"month": "April", "day": -1}),
    Row("I know no month", "birthday set Brumaire 18"),
    Row("I did not understand", "birthday set March Ides"),
    Row("I need one thing more: `day`", "birthday set March"),
    # the rest
    Row("There is no job `nonsense`", "job_status nonsense", "job_status", {"id": "nonsense"}),
    Row("Write `pause_followups on`", "pause_followups maybe"),
    Row("at most 255 characters", f"stop_all {'x' * 256}", "stop_all", {"reason": "x" * 256}),
    Row("at most 255 characters", f"pause_followups on {'x' * 256}"),
    Row("Say `on`, `off` or `status`", "debug maybe"),
    Row("more than I understand", "mydata everything"),
    Row("I hold nothing", None, "mydata export", who=UNMET),
    # those who may not
    *(
        Row(misuse.NOT_STAFF, command, who=who)
        for who in (MODERATOR, MEMBER)
        for command in (
            "schedule_followup {member}", "followups_why {member}", "job_status", "debug on", "stop_all",
            "resume_all", "pause_followups on",
        )
    ),
]  # fmt: skip


class Town:
    """A community in which everybody of the table lives."""

    def __init__(self, server: PracticeServer, bot: HastyBot) -> None:
        self.server, self.bot = server, bot
        self.people = [user.id for user in support.people(server.world)]
        self.ids = {
            "member": self.people[MEMBER],
            "unmet": self.people[UNMET],
            "left": self.people[LEFT],
            "other_bot": OTHER_BOT,
            "stranger": STRANGER,
            "nowhere": NOWHERE,
            "itself": server.world.bot.id,
        }

    async def settle(self) -> None:
        """Let people come and go."""
        for index in (OWNER, MODERATOR, MEMBER, LEFT):
            await run_unit(running.profile_of, self.server, index)
        self.server.world.add_user(User(STRANGER, "stranger", "A Stranger"))
        await self.server.member_joins(User(OTHER_BOT, "otherbot", "Other Bot", is_bot=True))
        await self.server.member_leaves(self.people[LEFT])
        await running.eventually(
            lambda: UserProfile.objects.filter(pk=str(self.people[LEFT]), left_at__isnull=False).exists(), "they left"
        )

    async def type(self, row: Row, where: int | str) -> str:
        """Write the typed form, and return the private answer."""
        assert row.text is not None
        async with asyncio.timeout(20):
            said = f"!{row.text.format(**self.ids)}"
            await self.server.member_says(self.people[row.who], where, said)  # type: ignore[arg-type]
            answer = await self.server.sent.get()
        assert answer.channel_id == self.server.channel_for(self.people[row.who], "dm").id
        return answer.content

    async def use(self, row: Row) -> str:
        """Use the slash form, and return the answer."""
        assert row.slash is not None
        options = {
            name: int(value.format(**self.ids)) if name == "user" else value
            for name, value in (row.options or {}).items()
        }
        general = support.general(self.server)
        (answer,) = await self.server.invoke_slash(self.people[row.who], row.slash, options, where=general)
        assert answer.ephemeral_for == self.people[row.who]
        return answer.content


def count() -> dict[str, int]:
    """How many rows there are of what commands change."""
    return {model.__name__: model._default_manager.count() for model in CHANGED_BY_COMMANDS}


def words_of(user_id: int) -> set[str]:
    """What is kept of the private messages with somebody."""
    messages = Message.objects.filter(conversation__participant_id=str(user_id))
    return set(messages.values_list("message_text", flat=True))


def bad(answers: Iterable[tuple[Row, str]]) -> list[tuple[str | None, str]]:
    """The answers that are not what they should be."""
    return [
        (row.text or row.slash, answer)
        for row, answer in answers
        if row.words not in answer or len(answer) > 400 or "Traceback" in answer
    ]


@pytest.mark.usefixtures("database")
class TestBadInput:
    async def test_of_slash_commands(self, practice: PracticeServer) -> None:
        async with checkback(practice) as bot:
            town = Town(practice, bot)
            await town.settle()
            before = await run_unit(count)
            answers = [(row, await town.use(row)) for row in ROWS if row.slash is not None]
            assert bad(answers) == []
            assert await run_unit(count) == before
        assert practice.sent.empty()

    async def test_of_typed_commands(self, practice: PracticeServer, settings: Any) -> None:
        settings.DISCORD_STAFF_USERS = []
        async with checkback(practice) as bot:
            town = Town(practice, bot)
            await town.settle()
            before = await run_unit(count)
            general = support.general(practice)
            answers = [(row, await town.type(row, general)) for row in ROWS if row.text is not None]
            assert bad(answers) == []
            assert await run_unit(count) == before

    async def test_of_the_team_in_private(self, practice: PracticeServer, settings: Any) -> None:
        """The administrator of a community is nobody there; who is named may ask about everybody."""
        settings.DISCORD_STAFF_USERS = [support.people(practice.world)[MODERATOR].id]
        async with checkback(practice) as bot:
            town = Town(practice, bot)
            await town.settle()
            before = await run_unit(count)
            answers = [
                (row, await town.type(row, "dm"))
                for row in (
                    Row(misuse.NOT_STAFF, "schedule_followup {member} 2", who=OWNER),
                    Row("has not opted in", "schedule_followup {member} 2", who=MODERATOR),
                    Row("has not opted in", "schedule_followup {left} 2", who=MODERATOR),
                    Row("I have not met", "schedule_followup {stranger}", who=MODERATOR),
                    Row("`!schedule_followup <user> [hours]`", "schedule_followup {member} soon", who=MODERATOR),
                )
            ]
            assert bad(answers) == []
            assert await run_unit(count) == before
            assert await run_unit(words_of, town.people[MODERATOR]) == {NOT_KEPT}
