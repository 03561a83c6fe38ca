"""What presses do, on a real database: early, late, twice, and by somebody else's hand."""

from datetime import datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bots.answers import Question
from bots.cockpit import acts, layout, presses, wording
from bots.cockpit.acts import Screen
from bots.panels import cockpit
from bots.people import Person
from followups import consent, planning, preferences
from followups.models import Booking, ConsentReceipt, FollowUp, UserProfile
from jobs import pauses
from jobs.models import ScheduledJob
from socialmedia.models import MessageStatus
from tests.concurrency import at_once
from tests.followups.factories import DAY, HOUR, NOON, make_member, make_plan, make_queued, make_sent, opt_in, opt_out

pytestmark = pytest.mark.django_db
MOST_QUERIES = 25


def ask(profile: UserProfile, *, at: datetime | None = None) -> Question:
    """A press of this member."""
    person = Person(profile.pk, profile.account.username, profile.account.display_name)
    asked_at = at or datetime(2099, 1, 1, tzinfo=NOON.tzinfo)  # receipts bear the database's time
    return Question(person, source="button", evidence="interaction 5", asked_at=asked_at)


def press(profile: UserProfile, custom_id: str, *values: str, now: datetime = NOON, **more: Any) -> Screen:
    """Let the member press."""
    return acts.answer(presses.read(custom_id, values), ask(profile, **more), now=now)


def ids(screen: Screen) -> list[str]:
    """The buttons and menus below it."""
    return [item.custom_id for row in screen.rows for item in row]


def snooze(follow_up: FollowUp) -> str:
    """The menu that moves it, as drawn now."""
    return presses.snooze(follow_up.pk, due_at=follow_up.scheduled_at)


class TestLooking:
    def test_records_nothing(self) -> None:
        profile = make_member(opted_in=False)
        assert consent.WORDING in press(profile, presses.page(presses.HOME)).text
        assert consent.WORDING in acts.open_cockpit(ask(profile), now=NOON).text
        assert not ConsentReceipt.objects.exists()

    def test_shows_the_next_one_and_counts_the_others(self) -> None:
        profile = make_member()
        make_plan(profile, due_at=NOON + 5 * DAY, occasion="later")
        first = make_plan(profile, due_at=NOON + DAY, occasion="first", trigger_data={"text": "Hello {name}!"})
        text = press(profile, presses.page(presses.HOME)).text
        assert f"**Next:** {wording.moment(first.scheduled_at)}" in text
        assert "1 more is planned after it." in text
        assert "It reads:\n> Hello Ada!" in text

    def test_shows_a_template_as_it_would_read_now(self) -> None:
        profile = make_member()
        make_plan(profile, trigger="goal", due_at=NOON + DAY, occasion="1", trigger_data={"goal": "row **a** mile"})
        text = press(profile, presses.page(presses.HOME)).text
        assert "to ask about your goal: row \\*\\*a\\*\\* mile" in text
        assert "may be worded differently when it is sent:\n> " in text

    def test_names_the_event_it_comes_after(self) -> None:
        profile = make_member()
        event_at = (NOON - DAY).isoformat()
        make_plan(
            profile, trigger="post_event", due_at=NOON + DAY, trigger_data={"event": "Boat", "event_at": event_at}
        )
        said = f"after **Boat** on <t:{int((NOON - DAY).timestamp())}:D>"
        assert said in press(profile, presses.page(presses.HOME)).text

    def test_says_what_holds_it_in_the_members_words(self) -> None:
        profile = make_member(paused_until=NOON + 3 * DAY)
        make_plan(profile, due_at=NOON + DAY)
        FollowUp.objects.update(scheduled_at=NOON + DAY)
        text = press(profile, presses.page(presses.HOME)).text
        until = wording.moment(NOON + 3 * DAY)
        assert f"**held** until about {until}, because you paused follow-ups" in text
        assert "gate" not in text

    def test_tells_of_a_pause_of_all_follow_ups(self) -> None:
        profile = make_member()
        make_plan(profile, due_at=NOON + DAY)
        pauses.pause(planning.JOB_TYPE, by="grace", now=NOON)
        said = "because follow-ups are switched off for everybody at the moment"
        assert f"it will be **held**, {said}" in press(profile, presses.page(presses.HOME)).text
        assert f"**Right now** no check-in would come, {said}" in press(profile, presses.WHY).text

    def test_knows_when_it_is_on_its_way(self) -> None:
        profile = make_member()
        queued = make_queued(profile)
        screen = press(profile, presses.page(presses.HOME))
        assert "It is on its way to you." in screen.text
        assert presses.skip(queued.pk) in ids(screen)
        assert not any(each.startswith(f"{presses.PREFIX}snooze") for each in ids(screen))

    def test_is_the_same_below_a_command(self) -> None:
        profile = make_member()
        make_plan(profile, due_at=NOON + DAY)
        assert tuple(cockpit.read(profile.pk, now=NOON)) == press(profile, presses.page(presses.HOME)).rows


class TestTurningOn:
    def test_records_the_wording_that_was_read(self) -> None:
        profile = make_member(opted_in=False)
        screen = press(profile, presses.turn_on(consent.WORDING_VERSION))
        assert screen.text.startswith(wording.TURNED_ON)
        receipt = ConsentReceipt.objects.get()
        assert (receipt.state, receipt.source, receipt.evidence) == ("granted", "button", "interaction 5")
        assert (receipt.wording_version, receipt.actor) == (consent.WORDING_VERSION, profile.pk)

    def test_twice_writes_one_receipt(self) -> None:
        profile = make_member()
        assert press(profile, presses.turn_on(consent.WORDING_VERSION)).text.startswith(wording.ON_ALREADY)
        assert ConsentReceipt.objects.count() == 1

    @pytest.mark.parametrize("version", ["2026-11-22", "1999", ""])
    def test_asks_again_when_another_wording_was_read(self, version: str) -> None:
        profile = make_member(opted_in=False)
        screen = press(profile, presses.turn_on(version))
        assert screen.text.startswith(wording.NEW_WORDING)
        assert consent.WORDING in screen.text
        assert presses.turn_on(consent.WORDING_VERSION) in ids(screen)
        assert not ConsentReceipt.objects.exists()

    def test_read_late_does_not_undo_what_was_said_since(self) -> None:
        profile = make_member()
        opt_out(profile)
        screen = press(profile, presses.turn_on(consent.WORDING_VERSION), at=NOON - DAY)
        assert screen.text.startswith(wording.SAID_SINCE)
        assert ConsentReceipt.objects.latest("id").state == "withdrawn"

    def test_again_plans_what_the_opt_out_had_cancelled_but_not_what_was_skipped(self) -> None:
        profile = make_member(opted_in=False)
        for name in ("one", "two"):
            at = NOON + (2 if name == "one" else 9) * DAY
            Booking.objects.create(user=profile, name=name, event_at=at, booking_id=name)
        press(profile, presses.turn_on(consent.WORDING_VERSION))
        skipped = FollowUp.objects.order_by("scheduled_at")[0]
        press(profile, presses.skip(skipped.pk))
        press(profile, presses.STOP)
        press(profile, presses.turn_on(consent.WORDING_VERSION))
        names = FollowUp.objects.filter(status="pending").values_list("trigger_data__event", flat=True)
        assert list(names) == ["two"]


class TestStopping:
    def test_cancels_all_and_records_it(self) -> None:
        profile = make_member()
        make_plan(profile, due_at=NOON + DAY)
        screen = press(profile, presses.STOP)
        assert screen.text.startswith(wording.stopped(1))
        assert ConsentReceipt.objects.latest("id").state == "withdrawn"
        assert not FollowUp.objects.filter(status="pending").exists()

    def test_twice_records_it_once(self) -> None:
        profile = make_member()
        press(profile, presses.STOP)
        assert press(profile, presses.STOP).text.startswith(wording.STOPPED_ALREADY)
        assert ConsentReceipt.objects.count() == 2


class TestSkipping:
    def test_cancels_it_with_its_job_in_the_members_name(self) -> None:
        profile = make_member()
        follow_up = make_plan(profile, due_at=NOON + DAY)
        assert press(profile, presses.skip(follow_up.pk)).text.startswith(wording.SKIPPED)
        follow_up.refresh_from_db()
        assert (follow_up.status, follow_up.reason) == ("cancelled", "cancelled by the member")
        assert not planning.is_missing(follow_up.pk)  # a person did it: nobody plans it again by itself
        assert ScheduledJob.objects.get(job_id=follow_up.job_id).status == "cancelled"

    def test_stops_a_message_that_waits_in_the_outbox(self) -> None:
        queued = make_queued(make_member())
        assert press(queued.user, presses.skip(queued.pk)).text.startswith(wording.SKIPPED)
        queued.refresh_from_db()
        assert queued.message is not None
        assert queued.message.status == MessageStatus.SUPPRESSED

    def test_says_when_it_is_too_late(self) -> None:
        queued = make_queued(make_member())
        assert queued.message is not None
        queued.message.first_attempt_at = NOON
        queued.message.save()
        assert press(queued.user, presses.skip(queued.pk)).text.startswith(wording.UNDER_WAY)

    def test_says_what_became_of_it(self) -> None:
        profile = make_member()
        planned, again = (make_plan(profile, due_at=NOON + DAY, occasion=each) for each in "ab")
        sent = make_sent(profile, at=NOON - DAY).follow_up
        assert sent is not None
        press(profile, presses.skip(planned.pk))
        planning.cancel_followup(again.pk, reason="cancelled by boss", now=NOON)
        failed = make_plan(profile, due_at=NOON + DAY, occasion="c")
        FollowUp.objects.filter(pk=failed.pk).update(status="failed")
        for follow_up, said in (
            (planned, wording.SKIPPED_ALREADY),
            (again, wording.CANCELLED_ALREADY),
            (sent, wording.ARRIVED_ALREADY),
            (failed, wording.OVER),
        ):
            assert press(profile, presses.skip(follow_up.pk)).text.startswith(said)
            assert press(profile, snooze(follow_up), "1").text.startswith(said)

    @pytest.mark.parametrize("key", ["nothing", "", "\x00"])
    def test_says_that_it_does_not_know_it(self, key: str) -> None:
        assert press(make_member(), presses.skip(key)).text.startswith(wording.GONE)

    def test_does_not_know_anybody_elses(self) -> None:
        follow_up = make_plan(make_member(), due_at=NOON + DAY)
        other = make_member()
        for custom_id, values in ((presses.skip(follow_up.pk), ()), (snooze(follow_up), ("1",))):
            assert press(other, custom_id, *values).text.startswith(wording.GONE)
        follow_up.refresh_from_db()
        assert (follow_up.status, follow_up.scheduled_at) == ("pending", NOON + DAY)


class TestMoving:
    @pytest.mark.parametrize("days", layout.SNOOZES)
    def test_moves_it_with_its_job(self, days: int) -> None:
        profile = make_member()
        follow_up = make_plan(profile, due_at=NOON + DAY)
        screen = press(profile, snooze(follow_up), str(days))
        due_at = NOON + (1 + days) * DAY
        assert screen.text.startswith(wording.moved(due_at))
        follow_up.refresh_from_db()
        assert follow_up.scheduled_at == due_at
        assert ScheduledJob.objects.get(job_id=follow_up.job_id).scheduled_time == due_at

    def test_counts_from_now_what_was_due_already(self) -> None:
        profile = make_member()
        follow_up = make_plan(profile, due_at=NOON)
        press(profile, snooze(follow_up), "1", now=NOON + 2 * HOUR)
        follow_up.refresh_from_db()
        assert follow_up.scheduled_at == NOON + DAY + 2 * HOUR

    def test_of_what_was_moved_since_moves_nothing(self) -> None:
        profile = make_member()
        follow_up = make_plan(profile, due_at=NOON + DAY)
        seen = snooze(follow_up)
        press(profile, seen, "1")
        screen = press(profile, seen, "7")
        assert screen.text.startswith(wording.moved_already(NOON + 2 * DAY))
        follow_up.refresh_from_db()
        assert follow_up.scheduled_at == NOON + 2 * DAY

    def test_refuses_what_is_written(self) -> None:
        queued = make_queued(make_member())
        assert press(queued.user, snooze(queued), "1").text.startswith(wording.UNDER_WAY)

    def test_refuses_what_is_too_far(self) -> None:
        profile = make_member()
        follow_up = make_plan(profile, due_at=NOON + 365 * DAY)
        assert press(profile, snooze(follow_up), "7").text.startswith(wording.TOO_FAR)

    @pytest.mark.parametrize("days", ["2", "99999999", "x", "-1"])
    def test_refuses_what_was_not_offered(self, days: str) -> None:
        follow_up = make_plan(make_member(), due_at=NOON + DAY)
        assert press(follow_up.user, snooze(follow_up), days).text.startswith(wording.NOT_UNDERSTOOD)


class TestChoosing:
    def test_pauses_and_ends_the_pause(self) -> None:
        profile = make_member()
        screen = press(profile, presses.PAUSE, "7")
        assert screen.text.startswith(wording.paused(NOON + 7 * DAY))
        assert presses.RESUME in ids(screen)
        assert press(profile, presses.RESUME).text.startswith(wording.RESUMED)
        assert press(profile, presses.RESUME).text.startswith(wording.NOT_PAUSED)

    def test_makes_it_less_only_once_and_never_more(self) -> None:
        profile = make_member()
        (less,) = [each for each in ids(press(profile, presses.page(presses.HOME))) if "less" in each]
        assert press(profile, less).text.startswith(wording.less_often(96))
        assert press(profile, less).text.startswith(wording.less_often_already(96))
        press(profile, presses.OFTEN, "720")
        assert press(profile, less).text.startswith(wording.less_often_already(720))
        assert preferences.of_member(profile.pk, now=NOON).frequency_hours == 720

    def test_sets_exactly_the_topics(self) -> None:
        profile = make_member()
        make_plan(profile, due_at=NOON + DAY)
        screen = press(profile, presses.TOPICS, "events")
        assert screen.text.startswith("You will hear from me about: after events. 1 planned message cancelled.")
        assert "**Settings**" in screen.text
        receipts = ConsentReceipt.objects.count()
        press(profile, presses.TOPICS, "events")
        assert ConsentReceipt.objects.count() == receipts

    def test_without_any_topic_offers_to_stop_and_changes_nothing(self) -> None:
        profile = make_member()
        screen = press(profile, presses.TOPICS)
        assert screen.text.startswith(wording.NO_TOPIC)
        assert ids(screen) == [presses.page(presses.SETTINGS), presses.STOP]
        assert ConsentReceipt.objects.count() == 1

    @pytest.mark.parametrize("code", ["fr", "pt-br"])
    def test_keeps_the_language(self, code: str) -> None:
        profile = make_member()
        press(profile, presses.LANGUAGE, code)
        assert preferences.of_member(profile.pk, now=NOON).locale == code
        press(profile, presses.LANGUAGE, presses.COMMUNITY)
        assert preferences.of_member(profile.pk, now=NOON).locale == ""

    def test_takes_the_form_whole_or_not_at_all(self) -> None:
        profile = make_member()
        press(profile, presses.FORM, "23", "8", "Europe/Berlin")
        assert press(profile, presses.FORM, "1", "2", "Berlin").text.startswith("That did not work: 'Berlin' is no")
        assert press(profile, presses.FORM, "1", "", "").text.startswith("That did not work: quiet hours need both")
        chosen = preferences.of_member(profile.pk, now=NOON)
        assert (chosen.quiet_start, chosen.quiet_end, chosen.timezone) == (23, 8, "Europe/Berlin")
        press(profile, presses.FORM, "", "", "")
        chosen = preferences.of_member(profile.pk, now=NOON)
        assert (chosen.quiet_start, chosen.quiet_end, chosen.timezone) == (None, None, "")

    @pytest.mark.parametrize(
        ("custom_id", "value"),
        [
            (presses.PAUSE, "8"),
            (presses.PAUSE, "never"),
            (presses.OFTEN, "0"),
            (presses.OFTEN, "999999"),
            (presses.OFTEN, "often"),
            (presses.TOPICS, "weather"),
            (presses.LANGUAGE, "not a language"),
            ("followups:dance", ""),
            ("followups:page:last_word", ""),
            ("followups:", ""),
        ],
    )
    def test_of_what_was_not_offered_changes_nothing(self, custom_id: str, value: str) -> None:
        profile = make_member()
        before = preferences.of_member(profile.pk, now=NOON)
        screen = press(profile, custom_id, value)
        assert screen.text.startswith((wording.NOT_UNDERSTOOD, "That did not work"))
        assert preferences.of_member(profile.pk, now=NOON) == before


EVERYTHING = [
    (presses.skip("1"), ()),
    (presses.snooze("1", due_at=NOON), ("1",)),
    (presses.PAUSE, ("7",)),
    (presses.RESUME, ()),
    (presses.less_often(96), ()),
    (presses.OFTEN, ("168",)),
    (presses.TOPICS, ("events",)),
    (presses.TOPICS, ()),
    (presses.LANGUAGE, ("de",)),
    (presses.FORM, ("22", "8", "")),
]


class TestLate:
    @pytest.mark.parametrize(("custom_id", "values"), EVERYTHING)
    def test_after_opting_out_changes_nothing(self, custom_id: str, values: tuple[str, ...]) -> None:
        profile = make_member()
        opt_out(profile)
        before = preferences.of_member(profile.pk, now=NOON)
        screen = press(profile, custom_id, *values, now=NOON + 365 * DAY)
        assert screen.text.startswith(wording.OFF)
        assert presses.turn_on(consent.WORDING_VERSION) in ids(screen)
        assert preferences.of_member(profile.pk, now=NOON) == before
        assert ConsentReceipt.objects.count() == 2

    @pytest.mark.parametrize(("custom_id", "values"), [*EVERYTHING, (presses.STOP, ()), (presses.WHY, ())])
    def test_of_somebody_forgotten_remembers_nobody(self, custom_id: str, values: tuple[str, ...]) -> None:
        stranger = Question(Person("404", "ada"), source="button", evidence="interaction 5", asked_at=NOON)
        screen = acts.answer(presses.read(custom_id, values), stranger, now=NOON)
        assert screen.text.startswith(wording.STRANGER)
        assert not UserProfile.objects.exists()


class TestWhy:
    def test_tells_what_was_decided_and_what_would_be_now(self) -> None:
        profile = make_member(last_interaction=NOON - HOUR)
        skipped = make_plan(profile, due_at=NOON + DAY, occasion="a")
        make_plan(profile, due_at=NOON + DAY, occasion="b")
        press(profile, presses.skip(skipped.pk))
        press(profile, presses.TOPICS, "events")
        planning.plan(user_id=profile.pk, trigger="custom", now=NOON)
        text = press(profile, presses.WHY).text
        assert "**Right now** no check-in would come, because it is about something you left out." in text
        assert "A message by your community's team: you skipped it." in text
        assert "A message by your community's team: it was cancelled." in text
        assert "it did not come, because it is about something you left out." in text

    def test_has_an_answer_before_anything_was_decided(self) -> None:
        text = press(make_member(opted_in=False), presses.WHY).text
        assert "because follow-ups were off for you" in text
        assert "Nothing has been decided about you so far." in text


class TestCost:
    """At a million members nothing may depend on how many there are, nor take long."""

    @pytest.mark.parametrize(
        ("custom_id", "values"),
        [
            (presses.page(presses.HOME), ()),
            (presses.STOP, ()),
            (presses.PAUSE, ("7",)),
            (presses.less_often(96), ()),
            (presses.TOPICS, ("check_ins",)),
            (presses.WHY, ()),
            ("skip", ()),
            ("snooze", ("1",)),
        ],
    )
    def test_is_at_most_so_many_queries(self, custom_id: str, values: tuple[str, ...]) -> None:
        profile = make_member()
        opt_in(profile)
        plans = [make_plan(profile, due_at=NOON + (n + 1) * DAY, occasion=str(n)) for n in range(3)]
        custom_id = {"skip": presses.skip(plans[0].pk), "snooze": snooze(plans[0])}.get(custom_id, custom_id)
        with CaptureQueriesContext(connection) as captured:
            press(profile, custom_id, *values)
        asked = [query["sql"] for query in captured if "SAVEPOINT" not in query["sql"]]
        assert len(asked) <= MOST_QUERIES, "\n".join(asked)
        assert all('"user_profiles"' not in sql or "WHERE" in sql for sql in asked)


@pytest.mark.django_db(transaction=True)
class TestTwoAtOnce:
    def race(self, profile: UserProfile, custom_id: str, *values: str) -> list[str]:
        """Press twice at the same moment, and return the first lines of both answers."""
        profile.account  # noqa: B018 - read it before the threads
        screens = at_once(2, lambda _: press(profile, custom_id, *values))
        return sorted(screen.text.partition("\n")[0] for screen in screens)

    def test_skip_once(self) -> None:
        follow_up = make_plan(make_member(), due_at=NOON + DAY)
        said = self.race(follow_up.user, presses.skip(follow_up.pk))
        assert said == sorted([wording.SKIPPED, wording.SKIPPED_ALREADY])

    def test_move_once(self) -> None:
        follow_up = make_plan(make_member(), due_at=NOON + DAY)
        said = self.race(follow_up.user, snooze(follow_up), "1")
        assert said == sorted([wording.moved(NOON + 2 * DAY), wording.moved_already(NOON + 2 * DAY)])
        follow_up.refresh_from_db()
        assert follow_up.scheduled_at == NOON + 2 * DAY

    def test_turn_on_once(self) -> None:
        profile = make_member(opted_in=False)
        said = self.race(profile, presses.turn_on(consent.WORDING_VERSION))
        assert said == sorted([wording.TURNED_ON, wording.ON_ALREADY])
        assert ConsentReceipt.objects.count() == 1

    def test_stop_once(self) -> None:
        said = self.race(make_member(), presses.STOP)
        assert said == sorted([wording.stopped(0), wording.STOPPED_ALREADY])
        assert ConsentReceipt.objects.count() == 2

    def test_make_it_less_once(self) -> None:
        profile = make_member()
        said = self.race(profile, presses.less_often(96))
        assert said == sorted([wording.less_often(96), wording.less_often_already(96)])
        assert preferences.of_member(profile.pk, now=NOON).frequency_hours == 96

    def test_skip_and_stop_leave_nothing_behind(self) -> None:
        follow_up = make_plan(make_member(), due_at=NOON + DAY)
        profile = follow_up.user
        profile.account  # noqa: B018 - the same
        wishes = [presses.skip(follow_up.pk), presses.STOP]
        at_once(2, lambda index: press(profile, wishes[index]))
        follow_up.refresh_from_db()
        assert follow_up.status == "cancelled"
        assert ConsentReceipt.objects.latest("id").state == "withdrawn"
