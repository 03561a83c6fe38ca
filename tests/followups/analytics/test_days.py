"""One day of follow-ups, consent, messages and active members, in figures."""

from datetime import UTC, datetime, timedelta

import pytest

from bots.practice.world import snowflake
from followups import analytics, ledger, planning
from followups.models import ConsentReceipt, FollowUpHistory, PolicyDecision
from followups.policy import Decision, Gate, Verdict
from jobs.figures import Span
from socialmedia import activity
from socialmedia import analytics as conversations
from socialmedia.models import Message
from tests.followups.factories import DAY, NOON, make_automated, make_member, make_plan, make_sent, make_thread, opt_out
from tests.socialmedia.factories import make_person

pytestmark = pytest.mark.django_db
MIDNIGHT = datetime(2026, 11, 18, tzinfo=UTC)
TODAY = Span(MIDNIGHT, MIDNIGHT + DAY)
GENERAL = activity.ChannelRef(external_id="10", name="general", guild_id="1", guild_name="Garden")


def decide(verdict: Verdict, gate: Gate | None, *, at: datetime) -> None:
    made = ledger.record(Decision(verdict, gate), user_id="1", trigger="custom", asked_by="execution")
    PolicyDecision.objects.filter(pk=made.pk).update(decided_at=at)


class TestFollowUps:
    def test_counts_what_was_planned_and_why_others_were_not(self) -> None:
        make_plan(make_member())
        make_plan(make_member())
        refused = planning.plan(user_id=make_member(opted_in=False).pk, trigger="custom", due_at=NOON, now=NOON)
        assert not refused.created
        PolicyDecision.objects.update(decided_at=NOON)
        make_plan(make_member())
        PolicyDecision.objects.filter(decided_at__gt=TODAY.until).update(decided_at=TODAY.until)  # the next day's
        decide(Verdict.DROP, Gate.CONSENT, at=NOON)
        decide(Verdict.DROP, Gate.CONSENT, at=NOON)
        decide(Verdict.DROP, Gate.WEEKLY_CAP, at=MIDNIGHT)
        decide(Verdict.DROP, Gate.WEEKLY_CAP, at=MIDNIGHT - timedelta(seconds=1))
        decide(Verdict.HOLD, Gate.QUIET_HOURS, at=NOON)
        found = analytics.of_day(TODAY)
        assert (found["planned"], found["held"], found["dropped"]) == (2, 1, 4)
        assert {name: found[f"dropped_by_{name}"] for name in ("consent", "weekly_cap", "active")} == {
            "consent": 3,
            "weekly_cap": 1,
            "active": 0,
        }

    def test_counts_an_answer_on_the_day_it_came(self) -> None:
        answered = make_sent(make_member(), at=NOON - 3 * DAY)
        FollowUpHistory.objects.filter(pk=answered.pk).update(response_received=True, response_time=NOON)
        make_sent(make_member(), at=NOON)
        make_sent(make_member(), at=MIDNIGHT - timedelta(seconds=1))
        assert [analytics.of_day(TODAY)[name] for name in ("sent", "answered")] == [1, 1]
        day_before = Span(MIDNIGHT - DAY, MIDNIGHT)
        assert [analytics.of_day(day_before)[name] for name in ("sent", "answered")] == [1, 0]

    def test_counts_who_opted_in_and_out(self) -> None:
        profile = make_member()
        make_member()
        opt_out(profile)
        now = ConsentReceipt.objects.order_by("-pk").values_list("recorded_at", flat=True)[0]
        since = now - timedelta(hours=12)  # receipts bear the database's time, and never change
        found = analytics.of_day(Span(since, since + DAY))
        assert (found["opt_ins"], found["opt_outs"]) == (2, 1)
        assert analytics.of_day(Span(since - DAY, since))["opt_ins"] == 0


class TestMessages:
    def test_counts_messages_and_the_people_who_wrote_once_each(self) -> None:
        ada, ben = make_member(), make_member()
        for profile, at in ((ada, NOON), (ada, NOON + DAY / 24), (ben, MIDNIGHT - timedelta(seconds=1))):
            Message.objects.create(
                conversation=make_thread(profile), message_text="Hi", is_outgoing=False, sent_at=at, status="sent"
            )
        for status in ("sent", "failed", "suppressed"):
            sent = make_automated(make_member())
            Message.objects.filter(pk=sent.pk).update(status=status, sent_at=NOON)
        for number, (author, at) in enumerate(
            [(ada.account, NOON), (make_person(), MIDNIGHT), (ben.account, MIDNIGHT + DAY)]
        ):
            activity.record(message_id=snowflake(at, number), channel=GENERAL, author=author, sent_at=at)
        assert conversations.of_day(TODAY) == {
            "messages_in": 2,
            "messages_out": 1,
            "messages_failed": 1,
            "active_members": 2,
        }
