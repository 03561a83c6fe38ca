"""`followups` and its panel, over the real gateway: presses as members make them, early, late and twice."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from bots import texts
from bots.cockpit import presses, wording
from bots.database import run_unit
from bots.practice.faults import Fault, Kind
from bots.practice.interactions import Interaction
from bots.practice.server import PracticeServer
from bots.practice.world import Message
from followups import consent, triggers
from followups.models import ConsentReceipt, FollowUp, UserProfile
from followups.privacy import forgetting
from tests.bots import running, support
from tests.bots.cogs.test_settings import execute
from tests.bots.running import checkback

pytestmark = pytest.mark.usefixtures("database")

DAY = timedelta(days=1)


def ada(server: PracticeServer) -> int:
    """One of the community's people."""
    return support.people(server.world)[0].id


def plan(server: PracticeServer, text: str = "How is the boat?") -> FollowUp:
    """Let the team plan a message for Ada, who has opted in, for the day after tomorrow."""
    user_id = running.opt_in(server).user_id
    now = timezone.now()
    made = triggers.schedule_custom_followup(user_id, now + 2 * DAY, text, now=now)
    assert made.follow_up is not None
    return made.follow_up


def newest(model: Any) -> Any:
    """The row that was added last."""
    return model.objects.latest("id")


async def profile(server: PracticeServer) -> UserProfile:
    """What is stored of Ada."""
    return await run_unit(UserProfile.objects.get, pk=str(ada(server)))


async def reload(follow_up: FollowUp) -> FollowUp:
    """The follow-up as it is now."""
    await run_unit(follow_up.refresh_from_db)
    return follow_up


async def cockpit(server: PracticeServer, where: Any = "dm") -> Message:
    """Let Ada use the slash command."""
    (answer,) = await server.invoke_slash(ada(server), "followups", where=where)
    assert answer.ephemeral_for == ada(server)
    return answer


async def settled(row: Interaction) -> Message:
    """Wait until the bot has answered a press, and return the message that says so."""
    async with asyncio.timeout(10):
        while not row.answers and not (
            row.original and row.original.edited_at and row.original.edited_at > row.asked_at
        ):
            await row.changed.wait()
    assert row.original is not None
    return row.original


async def press(
    server: PracticeServer, message: Message, custom_id: str, values: list[str] | None = None, **how: Any
) -> Message:
    """Let Ada press a button, or choose, and return what she sees then."""
    return await settled(await server.press_button(ada(server), message, custom_id, values, **how))


def ids(message: Message) -> list[str]:
    """The custom ids of a message's buttons and menus."""
    return [item["custom_id"] for row in message.components for item in row["components"]]


def the(message: Message, kind: str) -> str:
    """The one custom id of this kind."""
    (found,) = (each for each in ids(message) if each.startswith(f"{presses.PREFIX}{kind}"))
    return found


def own_connection() -> dict[str, Any]:
    """How psycopg itself reaches the test's database."""
    names = {"dbname", "host", "port", "user", "password"}
    return {name: value for name, value in connection.get_connection_params().items() if name in names}


class TestCommand:
    async def test_shows_the_wording_and_records_nothing_by_looking(self, practice: PracticeServer) -> None:
        async with checkback(practice):
            answer = await cockpit(practice, where=support.general(practice))
        assert consent.WORDING in answer.content
        assert presses.turn_on(consent.WORDING_VERSION) in ids(answer)
        assert await run_unit(ConsentReceipt.objects.count) == 0
        assert await run_unit(UserProfile.objects.count) == 0

    # PEERS.md section 3, 8: the next planned message with its text, and why.
    async def test_shows_what_is_planned_with_its_text_and_why(self, practice: PracticeServer) -> None:
        follow_up = await run_unit(plan, practice)
        async with checkback(practice):
            answer = await cockpit(practice)
        due = int(follow_up.scheduled_at.timestamp())
        assert f"<t:{due}:F> (<t:{due}:R>), because your community's team planned it for you" in answer.content
        assert "> How is the boat?" in answer.content
        assert {presses.skip(follow_up.pk), presses.STOP, presses.PAUSE} < set(ids(answer))

    async def test_comes_as_a_private_message_when_typed_and_works_there_alike(self, practice: PracticeServer) -> None:
        follow_up = await run_unit(plan, practice)
        async with checkback(practice):
            await practice.member_says(ada(practice), support.general(practice), "!followups")
            async with asyncio.timeout(10):
                answer = await practice.sent.get()
            assert practice.world.channel(answer.channel_id).is_direct
            assert "> How is the boat?" in answer.content
            after = await press(practice, answer, presses.skip(follow_up.pk), stale=True)
            assert after is answer
            assert wording.SKIPPED in answer.content
            assert "**Paused** until" in (await press(practice, answer, presses.PAUSE, ["7"])).content
        assert (await reload(follow_up)).status == "cancelled"


class TestPresses:
    async def test_turn_it_on_with_the_very_wording(self, practice: PracticeServer) -> None:
        async with checkback(practice):
            answer = await cockpit(practice)
            on = the(answer, "on")
            assert wording.TURNED_ON in (await press(practice, answer, on)).content
            assert wording.ON_ALREADY in (await press(practice, answer, on, stale=True)).content
        receipt = await run_unit(newest, ConsentReceipt)
        assert (receipt.state, receipt.source) == ("granted", "button")
        assert receipt.evidence.startswith("interaction ")
        assert (receipt.wording_version, receipt.actor) == (consent.WORDING_VERSION, str(ada(practice)))
        assert await run_unit(ConsentReceipt.objects.count) == 1

    async def test_skip_move_and_pause(self, practice: PracticeServer) -> None:
        follow_up = await run_unit(plan, practice)
        due = follow_up.scheduled_at
        async with checkback(practice):
            answer = await cockpit(practice)
            moved = await press(practice, answer, the(answer, "snooze"), ["3"])
            assert "Moved" in moved.content
            assert (await reload(follow_up)).scheduled_at == due + 3 * DAY
            paused = await press(practice, moved, presses.PAUSE, ["30"])
            assert "**Paused** until" in paused.content
            said = "As things stand it will **not** come, because you paused follow-ups, or said that you are away, and"
            assert said in paused.content
            assert (await profile(practice)).paused_until is not None
            resumed = await press(practice, paused, presses.RESUME)
            assert wording.RESUMED in resumed.content
            assert (await profile(practice)).paused_until is None
            rarer = await press(practice, resumed, the(resumed, "less"))
            assert "Less often, then: at most once every 4 days" in rarer.content
            skipped = await press(practice, rarer, the(rarer, "skip"))
            assert "Nothing is planned" in skipped.content
        assert (await reload(follow_up)).reason == "cancelled by the member"

    async def test_change_the_settings_on_their_own_page_and_go_back(self, practice: PracticeServer) -> None:
        await run_unit(running.opt_in, practice)
        async with checkback(practice):
            answer = await cockpit(practice)
            page = await press(practice, answer, presses.page(presses.SETTINGS))
            assert "**Settings**" in page.content
            page = await press(practice, page, presses.TOPICS, ["events"])
            assert "You will hear from me about: after events." in page.content
            page = await press(practice, page, presses.OFTEN, ["168"])
            page = await press(practice, page, presses.LANGUAGE, ["de"])
            assert "Language: Deutsch" in page.content
            page = await press(practice, page, presses.LANGUAGE, [presses.COMMUNITY])
            assert "Language: English (the community's)" in page.content
            page = await press(practice, page, presses.page(presses.HOME))
            assert "Nothing is planned" in page.content
        row = await profile(practice)
        assert (row.topics, row.follow_up_frequency_hours, row.locale) == (["events"], 168, "")
        assert (await run_unit(newest, ConsentReceipt)).source == "button"

    # PEERS.md section 2, 25: less and later are offered before the end, which stays one click.
    async def test_offer_to_stop_when_no_topic_is_left(self, practice: PracticeServer) -> None:
        await run_unit(plan, practice)
        async with checkback(practice):
            answer = await cockpit(practice)
            page = await press(practice, answer, presses.page(presses.SETTINGS))
            page = await press(practice, page, presses.TOPICS, [])
            assert wording.NO_TOPIC in page.content
            assert (await profile(practice)).follow_ups_enabled
            page = await press(practice, page, presses.STOP)
            assert "1 planned message cancelled" in page.content
            assert presses.turn_on(consent.WORDING_VERSION) in ids(page)
        assert (await run_unit(newest, ConsentReceipt)).state == "withdrawn"

    async def test_tell_why_and_where_the_data_is_beside_the_panel(self, practice: PracticeServer) -> None:
        follow_up = await run_unit(plan, practice)
        async with checkback(practice):
            answer = await cockpit(practice)
            before = answer.content
            why = await press(practice, answer, presses.WHY)
            data = await press(practice, answer, presses.MY_DATA)
        assert "A message by your community's team: it is planned." in why.content
        assert data.content == wording.MY_DATA_IS
        assert why.ephemeral_for == data.ephemeral_for == ada(practice)
        assert (answer.content, answer.edited_at) == (before, None)
        assert follow_up.pk not in why.content


class TestForm:
    async def test_takes_quiet_hours_and_zone(self, practice: PracticeServer) -> None:
        await run_unit(running.opt_in, practice)
        async with checkback(practice):
            answer = await cockpit(practice)
            page = await press(practice, answer, presses.page(presses.SETTINGS))
            opened = await practice.press_button(ada(practice), page, the(page, "form"))
            fields = {"quiet_start": "10 pm", "quiet_end": "08:00", "zone": "Europe/Berlin"}
            sent = await practice.submit_form(ada(practice), opened, fields)
            page = await settled(sent)
            assert "never from 22:00 to 8:00 (yours) or 21:00 to 9:00 (the community" in page.content
            again = await practice.press_button(ada(practice), page, the(page, "form"))
            assert again.modal is not None
            held = [row["component"].get("value") for row in again.modal["components"]]
            assert held == ["22", "8", "Europe/Berlin"]
        row = await profile(practice)
        assert (row.quiet_start, row.quiet_end, row.timezone) == (22, 8, "Europe/Berlin")

    async def test_says_kindly_what_is_wrong_and_keeps_all_as_it_was(self, practice: PracticeServer) -> None:
        await run_unit(running.opt_in, practice)
        async with checkback(practice):
            answer = await cockpit(practice)
            page = await press(practice, answer, presses.page(presses.SETTINGS))
            opened = await practice.press_button(ada(practice), page, the(page, "form"))
            fields = {"quiet_start": "22", "quiet_end": "8", "zone": "Berlin"}
            page = await settled(await practice.submit_form(ada(practice), opened, fields))
        assert "That did not work: 'Berlin' is no time zone; did you mean Europe/Berlin?" in page.content
        row = await profile(practice)
        assert (row.quiet_start, row.timezone) == (None, "")

    async def test_is_understood_after_a_restart(self, practice: PracticeServer) -> None:
        await run_unit(running.opt_in, practice)
        async with checkback(practice):
            answer = await cockpit(practice)
            page = await press(practice, answer, presses.page(presses.SETTINGS))
            opened = await practice.press_button(ada(practice), page, the(page, "form"))
        async with checkback(practice):
            page = await settled(await practice.submit_form(ada(practice), opened, {"zone": "Europe/Paris"}))
            assert "Europe/Paris" in page.content
            assert "**Settings**" not in (await press(practice, page, presses.page(presses.HOME))).content


class TestStrangePresses:
    async def test_a_year_later_and_after_a_restart_are_answered(self, practice: PracticeServer) -> None:
        follow_up = await run_unit(plan, practice)
        async with checkback(practice):
            await practice.member_says(ada(practice), "dm", "!followups")
            async with asyncio.timeout(10):
                answer = await practice.sent.get()
        user_id = follow_up.user_id
        await run_unit(
            consent.withdraw, user_id=user_id, source="dm_stop_word", evidence="x", actor=user_id, now=timezone.now()
        )
        practice.community.at(datetime.now(UTC) + 365 * DAY)
        skip, snooze = presses.skip(follow_up.pk), presses.snooze(follow_up.pk, due_at=follow_up.scheduled_at)
        async with checkback(practice):
            for custom_id, values in ((skip, None), (snooze, ["1"]), (presses.PAUSE, ["7"])):
                page = await press(practice, answer, custom_id, values, stale=True)
                assert page.content.startswith(wording.OFF)
        assert (await reload(follow_up)).reason == "consent withdrawn"
        assert await run_unit(ConsentReceipt.objects.count) == 2
        assert (await profile(practice)).paused_until is None

    async def test_after_being_forgotten_bring_nothing_back(self, practice: PracticeServer) -> None:
        follow_up = await run_unit(plan, practice)
        async with checkback(practice):
            answer = await cockpit(practice)
            await run_unit(
                forgetting.forget,
                user_id=follow_up.user_id,
                source="api",
                evidence="asked",
                actor="boss",
                now=timezone.now(),
            )
            page = await press(practice, answer, the(answer, "skip"))
            assert page.content.startswith(wording.STRANGER)
            assert not await run_unit(UserProfile.objects.filter(pk=follow_up.user_id).exists)
            page = await press(practice, page, the(page, "on"))
            assert wording.TURNED_ON in page.content

    async def test_two_at_once_have_one_effect_and_two_answers(self, practice: PracticeServer) -> None:
        follow_up = await run_unit(plan, practice)
        due = follow_up.scheduled_at
        async with checkback(practice):
            answer = await cockpit(practice)
            snooze = the(answer, "snooze")
            rows = [practice.community.press(ada(practice), answer, snooze, ["1"]) for _ in range(2)]
            for row in rows:
                await settled(row)
            assert (await reload(follow_up)).scheduled_at == due + DAY
            skip = the(answer, "skip")
            rows = [practice.community.press(ada(practice), answer, skip) for _ in range(2)]
            for row in rows:
                await settled(row)
        assert answer.content.startswith(wording.SKIPPED_ALREADY)
        assert (await reload(follow_up)).status == "cancelled"

    @pytest.mark.parametrize("custom_id", ["followups:dance:7", "followups:snooze:yesterday", "followups:on:1999"])
    async def test_of_another_version_are_told_how_things_stand(self, practice: PracticeServer, custom_id: str) -> None:
        async with checkback(practice):
            page = await press(practice, await cockpit(practice), custom_id, stale=True)
        assert consent.WORDING in page.content
        assert page.content.partition("\n")[0] in {
            wording.NOT_UNDERSTOOD,
            wording.STRANGER,
            wording.NEW_WORDING,
            wording.OFF,
        }
        assert await run_unit(ConsentReceipt.objects.count) == 0

    async def test_show_nobody_elses_affairs_in_a_channel(self, practice: PracticeServer) -> None:
        follow_up = await run_unit(plan, practice)
        async with checkback(practice):
            public = await practice.bot_says(support.general(practice), "Somebody's panel")
            row = await practice.press_button(ada(practice), public, presses.page(presses.HOME), stale=True)
            answer = await settled(row)
            other = support.people(practice.world)[1].id
            row = await practice.press_button(other, public, presses.skip(follow_up.pk), stale=True)
            theirs = await settled(row)
        assert public.content == "Somebody's panel"
        assert (answer.ephemeral_for, theirs.ephemeral_for) == (ada(practice), other)
        assert "boat" in answer.content
        assert "boat" not in theirs.content
        assert (await reload(follow_up)).status == "pending"

    async def test_are_acknowledged_while_the_database_is_slow(self, practice: PracticeServer) -> None:
        follow_up = await run_unit(plan, practice)
        async with checkback(practice):
            answer = await cockpit(practice)
            async with await psycopg.AsyncConnection.connect(**own_connection()) as other:
                await other.execute("SELECT 1 FROM user_profiles FOR UPDATE")
                row = await practice.press_button(ada(practice), answer, the(answer, "skip"))  # waits 3 s at most
                assert answer.edited_at is None
            assert wording.SKIPPED in (await settled(row)).content
        assert (await reload(follow_up)).status == "cancelled"

    async def test_are_answered_beside_a_message_that_is_gone(self, practice: PracticeServer) -> None:
        follow_up = await run_unit(plan, practice)
        practice.faults.add(
            Fault(Kind.REFUSED, method="PATCH", path="/webhooks/*", status=404, code=10008, message="Unknown Message")
        )
        async with checkback(practice):
            answer = await cockpit(practice)
            row = await practice.press_button(ada(practice), answer, the(answer, "skip"))
            async with asyncio.timeout(10):
                while not row.answers:
                    await row.changed.wait()
        (told,) = row.answers
        assert told.content.startswith(wording.SKIPPED)
        assert (told.ephemeral_for, presses.PAUSE in ids(told)) == (ada(practice), True)
        assert (await reload(follow_up)).status == "cancelled"

    async def test_stop_even_if_discord_takes_no_answer(self, practice: PracticeServer) -> None:
        follow_up = await run_unit(plan, practice)
        async with checkback(practice):
            answer = await cockpit(practice)
            practice.faults.add(Fault(Kind.REFUSED, path="/interactions/*", times=2, status=404, code=10062))
            practice.community.press(ada(practice), answer, presses.STOP)
            await running.eventually(lambda: newest(ConsentReceipt).state == "withdrawn", "the end")
        assert (await reload(follow_up)).status == "cancelled"

    async def test_are_apologised_for_when_no_form_opens(self, practice: PracticeServer) -> None:
        async with checkback(practice):
            answer = await cockpit(practice)
            practice.faults.add(Fault(Kind.DROPPED, path="/interactions/*"))
            row = await practice.press_button(ada(practice), answer, presses.form(quiet=None, zone=""), stale=True)
        assert [(each.content, each.ephemeral_for) for each in row.answers] == [(texts.TRY_AGAIN, ada(practice))]

    async def test_are_apologised_for_when_the_database_says_no(self, practice: PracticeServer) -> None:
        follow_up = await run_unit(plan, practice)
        async with checkback(practice):
            answer = await cockpit(practice)
            await run_unit(execute, "ALTER TABLE scheduled_followups RENAME TO away")
            try:
                row = await practice.press_button(ada(practice), answer, the(answer, "skip"))
                async with asyncio.timeout(10):
                    while not row.answers:
                        await row.changed.wait()
            finally:
                await run_unit(execute, "ALTER TABLE away RENAME TO scheduled_followups")
            assert [(each.content, each.ephemeral_for) for each in row.answers] == [(texts.TRY_AGAIN, ada(practice))]
        assert (await reload(follow_up)).status == "pending"
