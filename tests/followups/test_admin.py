"""The console's pages of members and follow-ups."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from followups import events, flags, goals
from followups.models import ConsentReceipt, FollowUp, PolicyDecision, Rhythm, UserProfile
from jobs.models import ScheduledJob
from socialmedia.models import Conversation, Message
from tests.config.factories import make_follow_up, make_member, make_staff
from tests.followups.factories import make_member as make_follow_member
from tests.followups.factories import make_queued, make_thread

pytestmark = pytest.mark.django_db

MEMBERS = reverse("admin:followups_userprofile_changelist")
FOLLOW_UPS = reverse("admin:followups_followup_changelist")


@pytest.fixture(autouse=True)
def _no_night(settings: Any) -> None:
    settings.FOLLOW_UP_QUIET_HOURS_START = settings.FOLLOW_UP_QUIET_HOURS_END = 0


def page_of(member: UserProfile, action: str = "change") -> str:
    """The address of a member's page, or of one of its actions."""
    return f"{MEMBERS}{member.user_id}/{action}/"


class TestAnswer:
    def test_says_why_a_quiet_member_got_nothing(self, boss: Client) -> None:
        member = make_member(last_interaction=timezone.now() - timedelta(days=12))
        page = boss.get(page_of(member)).content.decode()
        assert "No: Not opted in" in page
        assert "never asked for consent" in page

    def test_is_yes_for_a_quiet_member_who_opted_in(self, boss: Client) -> None:
        member = make_member(opted_in=True, last_interaction=timezone.now() - timedelta(days=12))
        assert "Every condition is met." in boss.get(page_of(member)).content.decode()

    def test_stands_beside_the_members_own_rhythm(self, boss: Client) -> None:
        last = timezone.now() - timedelta(days=11, hours=1)
        member = make_member(opted_in=True, last_interaction=last, quiet_after=timedelta(days=5))
        assert "Not known yet: it takes 5 gaps" in boss.get(page_of(member)).content.decode()
        Rhythm.objects.create(
            user=member,
            gaps=9,
            usual_low=timedelta(days=2),
            usual_high=timedelta(days=4),
            rare=timedelta(days=5),
            weekdays=[1 / 7] * 7,
        )
        assert (
            "Usually every 2-4 days, now 11; quiet score 2.2 (unusual from 1.0 on)"
            in boss.get(page_of(member)).content.decode()
        )

    def test_asking_leaves_no_decision_in_the_ledger(self, boss: Client) -> None:
        boss.get(page_of(make_member(opted_in=True)))
        assert not PolicyDecision.objects.exists()

    @pytest.mark.parametrize(
        ("opted_in", "changes", "words"),
        [
            (False, {"last_interaction": timedelta(days=12)}, "Not opted in"),
            (True, {"last_interaction": timedelta(days=12)}, "Quiet 1 week: due"),
            (True, {"last_interaction": timedelta(hours=3)}, "Recently active"),
            (True, {"last_interaction": timedelta(days=12), "unreachable_since": timedelta(days=1)}, "Unreachable"),
            (True, {"last_interaction": timedelta(days=12), "left_at": timedelta(days=1)}, "Left"),
            (
                True,
                {"last_interaction": timedelta(days=12), "last_follow_up_sent": timedelta(hours=1)},
                "Too soon after",
            ),
            (True, {}, "Never wrote: due"),
        ],
    )
    def test_is_short_in_the_list(
        self, boss: Client, opted_in: bool, changes: dict[str, timedelta], words: str
    ) -> None:
        now = timezone.now()
        make_member("Ada", opted_in=opted_in, **{name: now - age for name, age in changes.items()})
        assert words in boss.get(MEMBERS).content.decode()

    def test_in_the_list_knows_an_opt_out(self, boss: Client) -> None:
        member = make_member("Ada", opted_in=True)
        boss.post(page_of(member, "opt-out"), {"evidence": "told us"})
        assert "Opted out" in boss.get(MEMBERS).content.decode()


class TestOptOut:
    def test_asks_first_and_needs_evidence(self, boss: Client) -> None:
        member = make_member(opted_in=True)
        assert boss.get(page_of(member, "opt-out")).status_code == 200
        assert boss.post(page_of(member, "opt-out"), {"evidence": " "}).status_code == 200
        member.refresh_from_db()
        assert member.follow_ups_enabled

    def test_records_who_did_it_and_cancels_what_is_pending(self, boss: Client) -> None:
        member = make_member(opted_in=True)
        make_follow_up(member, now=timezone.now())
        page = boss.post(page_of(member, "opt-out"), {"evidence": "Mail of Monday"}, follow=True)
        receipt = ConsentReceipt.objects.filter(user=member).latest("id")
        assert (receipt.state, receipt.source, receipt.actor) == ("withdrawn", "admin", "boss")
        assert receipt.evidence == "Mail of Monday"
        assert FollowUp.objects.get().status == "cancelled"
        assert "1 pending follow-up cancelled" in page.content.decode()
        assert LogEntry.objects.get().object_id == member.pk

    def test_is_not_offered_to_those_who_did_not_opt_in(self, boss: Client) -> None:
        member = make_member()
        assert page_of(member, "opt-out") not in boss.get(page_of(member)).content.decode()

    def test_is_forbidden_to_those_who_may_only_look(self, client: Client) -> None:
        client.force_login(make_staff("followups.view_userprofile"))
        member = make_member(opted_in=True)
        page = client.get(page_of(member))
        assert page.status_code == 200
        assert page_of(member, "opt-out") not in page.content.decode()
        assert page_of(member, "plan") not in page.content.decode()
        assert client.post(page_of(member, "opt-out"), {"evidence": "x"}).status_code == 403
        member.refresh_from_db()
        assert member.follow_ups_enabled


class TestOccasions:
    def test_are_shown_with_what_is_open(self, boss: Client) -> None:
        """A goal has no page of its own: the member's is where staff see it."""
        member, now = make_member(opted_in=True), timezone.now()
        page = boss.get(page_of(member)).content.decode()
        assert "Events and goals" not in page
        assert "Open flags" not in page
        booked = events.book(user_id=member.pk, event_at=now + timedelta(days=3), name="Regatta", now=now)
        goals.set_goal(user_id=member.pk, text="Learn to row", check_in_at=now + timedelta(days=9), now=now)
        flag = flags.raise_flag(kind="escalation", detail="Sounded sad.", user_id=member.pk, now=now)
        page = boss.get(page_of(member)).content.decode()
        assert "Goal: Learn to row" in page
        assert "Event: Regatta" in page
        assert reverse("admin:followups_booking_change", args=[booked.booking.pk]) in page
        assert reverse("admin:followups_staffflag_change", args=[flag.pk]) in page


class TestPlan:
    def test_plans_with_a_job(self, boss: Client) -> None:
        member = make_member(opted_in=True)
        due = (timezone.now() + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M")
        page = boss.post(page_of(member, "plan"), {"trigger": "custom", "due_at": due}, follow=True)
        follow_up = FollowUp.objects.get()
        assert ScheduledJob.objects.filter(pk=follow_up.job_id).exists()
        assert f"Planned for {follow_up.scheduled_at:%Y-%m-%d %H:%M} UTC." in page.content.decode()

    def test_takes_words_of_ones_own(self, boss: Client) -> None:
        member = make_member(opted_in=True)
        page = boss.post(page_of(member, "plan"), {"trigger": "birthday", "text": "Hello {name}!"})
        assert "Only a follow-up of the trigger custom has words of its own" in page.content.decode()
        boss.post(page_of(member, "plan"), {"trigger": "custom", "text": "Hello {name}!"})
        assert FollowUp.objects.get().trigger_data == {"text": "Hello {name}!"}

    def test_shows_why_the_policy_refused(self, boss: Client) -> None:
        member = make_member()
        page = boss.post(page_of(member, "plan"), {"trigger": "custom"}, follow=True)
        assert "The policy refused: The member was never asked" in page.content.decode().replace("&#x27;", "'")
        assert not FollowUp.objects.exists()

    def test_keeps_what_was_filled_in_when_it_makes_no_sense(self, boss: Client) -> None:
        member = make_member(opted_in=True)
        page = boss.post(
            page_of(member, "plan"), {"trigger": "custom", "due_at": "0001-01-01T00:00", "occasion": "party"}
        )
        assert page.status_code == 200
        assert 'value="party"' in page.content.decode()
        assert not FollowUp.objects.exists()


class TestCancel:
    def test_cancels_one_from_its_page(self, boss: Client) -> None:
        row = make_follow_up(make_member(), now=timezone.now())
        address = f"{FOLLOW_UPS}{row.pk}/cancel/"
        assert address in boss.get(f"{FOLLOW_UPS}{row.pk}/change/").content.decode()
        boss.get(address)
        row.refresh_from_db()
        assert row.status == "pending"
        boss.post(address)
        row.refresh_from_db()
        assert (row.status, row.reason) == ("cancelled", "cancelled by boss")

    def test_says_how_many_could_not_be(self, boss: Client) -> None:
        member, now = make_member(), timezone.now()
        rows = [make_follow_up(member, status, now=now) for status in ("pending", "executed", "skipped")]
        body = {"action": "cancel_selected", "_selected_action": [row.pk for row in rows]}
        page = boss.post(FOLLOW_UPS, body, follow=True).content.decode()
        assert "1 follow-up cancelled. 2 could not be" in page


class TestMemberPage:
    def test_tells_the_whole_story(self, boss: Client) -> None:
        member, now = make_member("Ada", opted_in=True), timezone.now()
        make_follow_up(member, "executed", now=now)
        make_follow_up(member, "skipped", now=now)
        page = boss.get(page_of(member)).content.decode()
        for words in ("slash command", "how are you these days?", "After 4", "Executed", "The member has opted out."):
            assert words in page, words

    def test_escapes_what_members_write(self, boss: Client) -> None:
        member = make_member("<script>alert(1)</script>")
        assert "<script>alert(1)</script>" not in boss.get(page_of(member)).content.decode()
        assert "<script>alert(1)</script>" not in boss.get(MEMBERS).content.decode()

    def test_quiet_filter(self, boss: Client) -> None:
        now = timezone.now()
        quiet = make_member("Ada", last_interaction=now - timedelta(days=40))
        make_member("Ben", last_interaction=now - timedelta(days=5))
        rows = boss.get(MEMBERS, {"quiet": "away"}).context["cl"].result_list
        assert [row.pk for row in rows] == [quiet.pk]


class TestDoubt:
    def test_is_settled_by_a_person_who_looked(self, boss: Client) -> None:
        follow_up = make_queued(make_follow_member())
        Message.objects.update(status="unknown", first_attempt_at=timezone.now())
        page = f"{FOLLOW_UPS}{follow_up.pk}/"
        assert "It did not arrive" in boss.get(page + "change/").content.decode()
        assert b"Did the message arrive?" in boss.get(page + "it-arrived/").content
        follow_up.refresh_from_db()
        assert follow_up.status == "pending"  # asking changes nothing
        boss.post(page + "it-arrived/")
        follow_up.refresh_from_db()
        assert follow_up.status == "executed"
        assert LogEntry.objects.get().change_message == "It arrived."

    def test_is_not_offered_for_what_is_known(self, boss: Client) -> None:
        follow_up = make_queued(make_follow_member())
        assert "It did not arrive" not in boss.get(f"{FOLLOW_UPS}{follow_up.pk}/change/").content.decode()


class TestBlocked:
    def test_is_short_in_the_list_too(self, boss: Client) -> None:
        member = make_follow_member(last_interaction=timezone.now() - timedelta(days=12))
        make_thread(member)
        Conversation.objects.update(is_blocked=True)
        assert "Blocked by us" in boss.get(MEMBERS).content.decode()
