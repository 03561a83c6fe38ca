"""Texts and campaigns that do harm pause themselves. PEERS: harm."""

from typing import Any

import pytest
from django.utils import timezone

from followups import campaigns
from followups.analytics import guard
from followups.analytics.guard import Paused
from followups.analytics.intervals import Share
from followups.models import Campaign, StaffFlag
from jobs import enqueue, recurring, runner
from socialmedia import templates
from socialmedia.models import MessageTemplate
from tests.concurrency import at_once
from tests.followups.analytics.factories import make_history, make_text
from tests.followups.factories import DAY, HOUR, NOON, SECOND, make_member

pytestmark = pytest.mark.django_db
NOTHING = Paused((), ())


class TestDoesHarm:
    @pytest.mark.parametrize(
        ("harmed", "sent", "expected"),
        [
            (0, 0, False),
            (19, 19, False),  # too few to say
            (2, 20, False),
            (3, 20, True),
            (7, 100, False),  # 7 %, but perhaps by chance
            (11, 100, True),
            (500, 10_000, False),
            (550, 10_000, True),
        ],
    )
    def test_needs_more_than_chance(self, harmed: int, sent: int, expected: bool) -> None:
        assert guard.does_harm(Share(harmed, sent)) is expected


class TestTexts:
    def test_one_that_does_harm_pauses_itself_and_raises_a_flag(self) -> None:
        text, other = make_text(), make_text(variant="b")
        member = make_member()
        make_history(member, 20, harmed=4, template=text, trigger_type="")
        make_history(member, 20, harmed=2, template=other, trigger_type="")
        assert guard.look(now=NOON) == Paused((text.pk,), ())
        text.refresh_from_db()
        assert text.paused_at == NOON
        assert text.pause_reason == (
            "Did harm within a day: 4 of 20 left, blocked, opted out or were unhappy (20 %, likely 8-42 %)."
        )
        flag = StaffFlag.objects.get()
        assert (flag.kind, flag.subject, flag.user_id, flag.times) == ("harm", f"template {text.pk}", None, 1)
        assert text.pause_reason in flag.detail
        assert list(MessageTemplate.objects.filter(status="published", paused_at=None, is_shipped=False)) == [other]

    def test_a_second_look_changes_nothing(self) -> None:
        make_history(make_member(), 20, harmed=4, template=make_text())
        guard.look(now=NOON)
        assert guard.look(now=NOON + HOUR) == NOTHING
        assert StaffFlag.objects.filter(times=1).count() == 2  # the text and the campaign

    def test_is_judged_by_what_is_a_day_old_and_not_older_than_thirty(self) -> None:
        text, member = make_text(), make_member()
        make_history(member, 20, harmed=20, template=text, trigger_type="", at=NOON - DAY)
        make_history(member, 20, harmed=20, template=text, trigger_type="", at=NOON - 30 * DAY - SECOND)
        assert guard.look(now=NOON) == NOTHING
        assert guard.look(now=NOON + SECOND) == Paused((text.pk,), ())

    def test_a_new_version_is_not_judged_by_the_old_ones_words(self) -> None:
        old, member = make_text(status="retired"), make_member()
        make_text(version=2)
        make_history(member, 20, harmed=20, template=old, trigger_type="")
        assert guard.look(now=NOON) == NOTHING

    def test_resumed_it_is_judged_by_what_comes_after(self) -> None:
        text, member = make_text(), make_member()
        make_history(member, 20, harmed=20, template=text, trigger_type="")
        guard.look(now=NOON)
        MessageTemplate.objects.filter(pk=text.pk).update(paused_at=None, pause_reason="", updated_at=NOON + HOUR)
        assert guard.look(now=NOON + 2 * HOUR) == NOTHING
        make_history(member, 20, harmed=4, template=text, trigger_type="", at=NOON + 2 * HOUR)
        assert guard.look(now=NOON + 2 * DAY) == Paused((text.pk,), ())
        assert StaffFlag.objects.get().times == 2

    def test_resumed_by_a_person_its_flag_is_settled(self) -> None:
        text, other = make_text(), make_text(variant="b")
        for one in (text, other):
            make_history(make_member(), 20, harmed=20, template=one, trigger_type="")
        guard.look(now=NOON)
        guard.resume_text(text.pk, by="boss", now=NOON + HOUR)
        text.refresh_from_db()
        assert (text.paused_at, text.pause_reason) == (None, "")
        settled = StaffFlag.objects.get(settled_at=NOON + HOUR)
        assert (settled.subject, settled.settled_by) == (f"template {text.pk}", "boss")
        assert StaffFlag.objects.get(settled_at=None).subject == f"template {other.pk}"
        assert guard.look(now=NOON + 2 * HOUR) == NOTHING
        with pytest.raises(templates.WrongState):
            guard.resume_text(text.pk, by="boss", now=NOON + 2 * HOUR)

    def test_paused_by_a_person_it_stays_as_it_is(self) -> None:
        text = make_text()
        make_history(make_member(), 20, harmed=20, template=text, trigger_type="")
        templates.pause(text.pk, reason="Rude.", now=NOON - HOUR)
        assert guard.look(now=NOON) == NOTHING
        text.refresh_from_db()
        assert text.pause_reason == "Rude."

    @pytest.mark.django_db(transaction=True)
    def test_two_at_once_pause_it_once(self) -> None:
        text = make_text()
        make_history(make_member(), 20, harmed=4, template=text)
        found = at_once(2, lambda _: guard.look(now=NOON))
        assert sorted(pk for paused in found for pk in paused.templates) == [text.pk]
        assert sorted(trigger for paused in found for trigger in paused.campaigns) == ["inactivity"]
        assert list(StaffFlag.objects.values_list("times", flat=True)) == [1, 1]


class TestCampaigns:
    def test_one_that_does_harm_pauses_itself_and_raises_a_flag(self) -> None:
        member = make_member()
        make_history(member, 20, harmed=4)
        make_history(member, 20, harmed=1, trigger_type="post_event")
        make_history(member, 20, harmed=20, trigger_type="")  # from before triggers were kept
        assert guard.look(now=NOON) == Paused((), ("inactivity",))
        paused = Campaign.objects.get(paused_at__isnull=False)
        assert (paused.pk, paused.paused_at, paused.paused_by) == ("inactivity", NOON, "harm guard")
        assert StaffFlag.objects.get().subject == "campaign inactivity"

    def test_resumed_it_is_judged_by_what_comes_after(self) -> None:
        member = make_member()
        make_history(member, 40, harmed=40)
        guard.look(now=NOON)
        assert campaigns.resume("inactivity", by="boss", now=NOON + HOUR)
        assert guard.look(now=NOON + 2 * HOUR) == NOTHING
        make_history(member, 20, harmed=4, at=NOON + 2 * HOUR)
        assert guard.look(now=NOON + 2 * DAY) == Paused((), ("inactivity",))

    def test_one_paused_by_a_person_stays_as_it_is(self) -> None:
        make_history(make_member(), 40, harmed=40)
        campaigns.pause("inactivity", by="boss", reason="Summer.", now=NOON)
        assert guard.look(now=NOON) == NOTHING
        assert Campaign.objects.get().pause_reason == "Summer."


class TestNothing:
    def test_costs_few_queries(self, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(3):
            assert guard.look(now=NOON) == NOTHING


class TestJob:
    def test_runs_every_hour(self) -> None:
        work = recurring.find("harm-guard")
        assert (work.job_type, work.every) == ("harm_guard", HOUR)

    @pytest.mark.django_db(transaction=True)
    def test_does_it(self) -> None:
        now = timezone.now()
        make_history(make_member(), 20, harmed=4, at=now - 2 * DAY)
        enqueue.schedule_job("harm_guard", now - HOUR, {})
        assert runner.run_once() == 1
        assert Campaign.objects.get().pk == "inactivity"
