"""What staff are told: each thing that needs a person, once, with the way to it."""

from datetime import datetime, timedelta

import pytest

from bots.models import StaffPost
from bots.staff import notices
from followups import flags
from followups.models import FlagKind
from socialmedia.models import Account, Conversation, Message
from tests.config.factories import make_health_result, make_job
from tests.followups.factories import HOUR, NOON, make_member, make_queued, say
from tests.socialmedia.factories import make_bot

pytestmark = pytest.mark.django_db

CONSOLE = "https://checkback.example.org"


@pytest.fixture
def bot() -> Account:
    return make_bot()


def collect(bot: Account, *, now: datetime = NOON) -> list[str]:
    """Collect, and return the new posts' texts."""
    known = set(StaffPost.objects.values_list("pk", flat=True))
    notices.collect(account_id=bot.pk, console_url=CONSOLE, now=now)
    return [row.text for row in StaffPost.objects.order_by("pk") if row.pk not in known]


class TestFlags:
    def test_are_told_once_with_a_link(self, bot: Account) -> None:
        member = make_member(name="Ada Marsh")
        flag = flags.raise_flag(kind=FlagKind.ESCALATION, detail="Sounds desperate.", user_id=member.pk, now=NOON)
        (text,) = collect(bot)
        assert "Ada Marsh" in text
        assert "Sounds desperate." in text
        assert f"<{CONSOLE}/admin/followups/staffflag/{flag.pk}/change/>" in text
        flags.raise_flag(kind=FlagKind.ESCALATION, detail="Again.", user_id=member.pk, now=NOON)
        assert collect(bot) == []

    def test_that_are_settled_or_old_are_not(self, bot: Account) -> None:
        member = make_member()
        old = NOON - notices.LOOK_BACK - HOUR
        flags.raise_flag(kind=FlagKind.ESCALATION, detail="Old.", user_id=member.pk, now=old)
        new = flags.raise_flag(kind=FlagKind.NEGATIVE_REPLY, detail="New.", user_id=member.pk, now=NOON)
        flags.settle(new.pk, by="ann", note="", now=NOON)
        assert collect(bot) == []


class TestDoubts:
    def test_are_told(self, bot: Account) -> None:
        follow_up = make_queued(make_member())
        Message.objects.filter(pk=follow_up.message_id).update(status="unknown", sent_at=NOON)
        (text,) = collect(bot)
        assert "Nobody knows whether" in text
        assert f"/admin/socialmedia/message/{follow_up.message_id}/change/" in text


class TestMutedOrShut:
    @pytest.mark.parametrize("state", ["is_muted", "is_blocked", "is_spam"])
    def test_keeps_all_but_a_call_for_help_quiet(self, bot: Account, state: str) -> None:
        member = make_member()
        follow_up = make_queued(member)
        Message.objects.filter(pk=follow_up.message_id).update(status="unknown", sent_at=NOON)
        message = say(member, "Leave me alone")
        Conversation.objects.filter(pk=message.conversation_id).update(**{state: True})
        for kind in (FlagKind.NEGATIVE_REPLY, FlagKind.ESCALATION):
            flags.raise_flag(kind=kind, detail=kind, user_id=member.pk, message=message, now=NOON)
        (text,) = collect(bot)
        assert FlagKind.ESCALATION.value in text


class TestFailedJobs:
    def test_are_told_once_an_hour_for_each_type(self, bot: Account) -> None:
        for _ in range(3):
            make_job("failed", now=NOON, completed_at=NOON - timedelta(minutes=5))
        make_job("failed", now=NOON, completed_at=NOON - 2 * HOUR)
        (text,) = collect(bot)
        assert text.startswith("❌ 3 jobs of the type")
        make_job("failed", now=NOON, completed_at=NOON - timedelta(minutes=1))
        assert collect(bot) == []
        assert collect(bot, now=NOON + timedelta(minutes=20)) == []  # within the hour looked back, in the clock's next


class TestIllHealth:
    def test_is_told_once(self, bot: Account) -> None:
        make_health_result("failed", now=NOON)
        make_health_result("degraded", now=NOON)
        assert len(collect(bot)) == 1
        assert collect(bot) == []
