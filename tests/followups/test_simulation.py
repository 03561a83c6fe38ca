"""The forecast: the policy's own code on another clock, and nothing is sent or written."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection

from followups import simulation, whatif
from followups.models import FollowUp, PolicyDecision, UserProfile
from followups.policy import Verdict
from followups.simulation import CannotSimulate, Forecast
from jobs.errors import Snooze
from jobs.models import ScheduledJob
from socialmedia.models import Message
from tests.followups.factories import DAY, HOUR, NOON, execute, make_member, make_plan, make_queued, make_sent, opt_out
from tests.socialmedia.factories import make_bot

pytestmark = pytest.mark.django_db


def forecast(**options: Any) -> Forecast:
    return simulation.simulate(**{"now": NOON, **options})[0]


def sent(found: Forecast) -> list[tuple[datetime, str]]:
    return [(step.at, step.trigger) for step in found.steps if step.decision.verdict is Verdict.SEND]


class TestSimulate:
    def test_sends_a_check_in_to_who_is_quiet_and_later_a_re_engagement(self) -> None:
        make_member(last_interaction=NOON - 3 * DAY)

        found = forecast(days=60)

        assert sent(found) == [(NOON, "inactivity"), (NOON + 27 * DAY, "re_engagement")]
        assert found.members == found.by_day()[NOON.date()] == 1

    def test_stops_after_two_re_engagements(self) -> None:
        make_member(last_interaction=NOON - 40 * DAY)

        assert sent(forecast(days=366)) == [(NOON, "re_engagement"), (NOON + 90 * DAY, "re_engagement")]

    def test_does_not_answer_a_silence_twice(self) -> None:
        member = make_member(last_interaction=NOON - 3 * DAY)
        UserProfile.objects.update(quiet_planned_for=member.last_interaction)

        assert sent(forecast(days=20)) == []

    def test_waits_for_a_silence_that_is_unusual_for_the_member(self, settings: Any) -> None:
        make_member(last_interaction=NOON - 3 * DAY, quiet_due_at=NOON + 5 * DAY)

        assert sent(forecast(days=20)) == [(NOON + 5 * DAY, "inactivity")]
        settings.FOLLOW_UP_PERSONAL_RHYTHM = False
        assert sent(forecast(days=20)) == [(NOON, "inactivity")]

    def test_holds_what_comes_too_soon_and_says_which_gate_did(self) -> None:
        member = make_member(last_interaction=NOON - 3 * DAY)
        make_sent(member, at=NOON - DAY)
        UserProfile.objects.update(last_follow_up_sent=NOON - DAY)

        found = forecast(days=20)

        assert sent(found) == [(NOON + DAY, "inactivity")]
        assert found.held == {"gap": 1}

    def test_greets_on_the_birthday_at_ten_of_the_member_s_day(self) -> None:
        make_member(last_interaction=NOON - HOUR, birthday_month=11, birthday_day=20, timezone="Asia/Tokyo")

        assert sent(forecast(days=2)) == [(datetime.fromisoformat("2026-11-20T10:00:00+09:00"), "birthday")]

    def test_greets_today_and_once(self) -> None:
        """Ten is past, and the sweep would greet now; who has this year's greeting already gets no other."""
        make_member(last_interaction=NOON - HOUR, birthday_month=11, birthday_day=18)
        greeted = make_member(last_interaction=NOON - HOUR, birthday_month=11, birthday_day=18)
        make_plan(greeted, trigger="birthday", trigger_data={"year": 2026}, occasion="2026", due_at=NOON - HOUR)
        FollowUp.objects.update(status="skipped", reason="gap")

        assert sent(forecast(days=1)) == [(NOON, "birthday")]
        assert forecast(days=366).by_trigger()["birthday"] == 3  # and both next year

    def test_keeps_to_the_calendar(self) -> None:
        """A day that does not exist is nobody's birthday, and February 29 is the 28th in most years."""
        for month, day in ((2, 30), (4, 31), (2, 29)):
            make_member(last_interaction=None, birthday_month=month, birthday_day=day)

        assert [at.date().isoformat() for at, _ in sent(forecast(days=366))] == ["2027-02-28"]

    def test_greets_nobody_the_day_after(self) -> None:
        member = make_member(last_interaction=None, birthday_month=11, birthday_day=18)
        make_sent(member, at=NOON - 25 * HOUR)
        UserProfile.objects.update(last_follow_up_sent=NOON - 25 * HOUR)

        found = forecast(days=3)

        assert (sent(found), found.dropped) == ([], {"gap": 1})

    def test_takes_in_what_is_planned_written_or_not(self) -> None:
        make_bot()
        execute(make_plan(make_member(last_interaction=NOON - HOUR), occasion="1"))
        make_plan(make_member(last_interaction=NOON - HOUR), due_at=NOON + 3 * DAY)

        assert forecast(days=2).by_trigger()["custom"] == 1
        assert forecast(days=5).by_trigger()["custom"] == 2

    def test_leaves_out_who_did_not_opt_in(self) -> None:
        make_member(opted_in=False)
        opt_out(make_member())

        found = forecast()

        assert (found.members, found.total) == (0, 0)

    def test_counts_what_is_dropped_by_gate(self) -> None:
        make_member(unreachable_since=NOON - DAY)

        assert forecast(days=5).dropped == {"reachable": 1}

    def test_never_sends_in_quiet_hours_nor_more_than_the_cap(self) -> None:
        for hours in range(0, 24, 3):
            member = make_member(last_interaction=NOON - 2 * DAY + hours * HOUR, timezone="Europe/Berlin")
            for days in range(1, 6):
                make_plan(member, due_at=NOON + days * DAY, occasion=str(days))

        found = forecast(days=30)

        assert found.total > 8
        weeks: Counter[tuple[str, int]] = Counter()
        for step in found.steps:
            if step.decision.verdict is Verdict.SEND:
                assert 9 <= (step.at + HOUR).hour < 21  # Berlin is an hour ahead of UTC in winter
                weeks[step.user_id, (step.at - NOON) // timedelta(days=7)] += 1
        assert max(weeks.values()) <= 2

    def test_shows_one_member_only(self) -> None:
        first, _ = make_member(), make_member()

        found = forecast(member=first.pk)

        assert {step.user_id for step in found.steps} == {first.pk}
        assert found.members == 1

    def test_keeps_few_steps_but_counts_all(self) -> None:
        for _ in range(5):
            make_member()

        found = forecast(days=5, most_steps=2)

        assert (len(found.steps), found.total) == (2, 5)

    def test_agrees_with_what_execution_does(self) -> None:
        """The same follow-up, forecast and then executed: held by the same gate to the same instant."""
        member = make_member(last_interaction=NOON - HOUR)
        follow_up = make_plan(member)
        make_sent(member, at=NOON - DAY)

        foreseen = forecast(days=5).steps[0].decision
        with pytest.raises(Snooze) as raised:
            execute(follow_up)

        assert foreseen.verdict is Verdict.HOLD
        assert (foreseen.reason, foreseen.until) == (str(raised.value), raised.value.until)

    @pytest.mark.parametrize("days", [0, -1, 367])
    def test_refuses_an_odd_span(self, days: int) -> None:
        with pytest.raises(CannotSimulate, match="1 to 366 days"):
            forecast(days=days)

    def test_refuses_an_unknown_member(self) -> None:
        with pytest.raises(CannotSimulate, match="Nobody with the id 'nobody'"):
            forecast(member="nobody")

    def test_needs_queries_by_thousands_of_members_not_by_members(self, django_assert_max_num_queries: Any) -> None:
        for _ in range(20):
            make_plan(make_member())
        with django_assert_max_num_queries(12):
            forecast()


class TestComparison:
    def test_shows_what_another_policy_would_do_on_the_same_data(self) -> None:
        member = make_member(last_interaction=NOON - HOUR)
        for days in (1, 3, 5):
            make_plan(member, due_at=NOON + days * DAY, occasion=str(days))

        now, then = simulation.simulate(now=NOON, days=6, changes=[{}, {"FOLLOW_UP_MAX_PER_USER_PER_WEEK": "1"}])

        assert (now.by_trigger()["custom"], then.by_trigger()["custom"]) == (2, 1)
        assert then.held["weekly_cap"] > now.held["weekly_cap"]


class TestNothing:
    def test_is_sent_or_written(self) -> None:
        make_queued(make_member())
        before = [model.objects.count() for model in (FollowUp, PolicyDecision, ScheduledJob, Message)]

        assert forecast().total == 3

        assert [model.objects.count() for model in (FollowUp, PolicyDecision, ScheduledJob, Message)] == before

    @pytest.mark.django_db(transaction=True)
    def test_can_be_written_while_it_runs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Not even by mistake: the database refuses."""
        make_member()
        with pytest.raises(DatabaseError, match="read-only"), simulation._looking_only():
            UserProfile.objects.update(name="changed")
        with connection.cursor() as cursor:  # and afterwards it may be written again
            cursor.execute("UPDATE user_profiles SET name = 'x'")


class TestWhatIf:
    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            ({"FOLLOW_UP_MAX": "1"}, "no setting that a forecast can change"),
            ({"FOLLOW_UP_MAX_PER_USER_PER_WEKE": "1"}, "Did you mean FOLLOW_UP_MAX_PER_USER_PER_WEEK?"),
            ({"FOLLOW_UP_MAX_PER_USER_PER_WEEK": "many"}, "is not a whole number"),
            ({"FOLLOW_UP_QUIET_HOURS_START": "24"}, "outside 0 to 23"),
            ({"FOLLOW_UP_ENABLED": "maybe"}, "is not a switch"),
            ({"SCHEDULER_TIMEZONE": "Mars/Olympus"}, "is not a known time zone"),
        ],
    )
    def test_refuses_what_the_settings_would(self, change: dict[str, str], sentence: str) -> None:
        with pytest.raises(whatif.BadSetting, match=sentence.replace("?", r"\?")):
            whatif.changed(change)

    def test_changes_only_what_is_named(self) -> None:
        changed = whatif.changed({"FOLLOW_UP_MAX_PER_USER_PER_WEEK": "5", "FOLLOW_UP_ENABLED": "false"})

        assert (changed.max_per_week, changed.enabled) == (5, False)
        assert changed.min_between == whatif.changed({}).min_between

    def test_knows_the_ranges_of_the_settings(self) -> None:
        """Else a forecast would take what the settings refuse, or the other way round."""
        import inspect
        import re

        from config import settings

        source = inspect.getsource(settings)
        for name, (low, high) in whatif.RANGES.items():
            assert re.search(rf'env\.whole\("{name}", \d+, low={low}, high={high}\)', source), name
