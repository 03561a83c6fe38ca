"""The best hour of the day."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bots.practice.world import snowflake
from followups.analytics import hours, rates
from followups.analytics.rates import By
from followups.models import UserProfile
from socialmedia import activity
from socialmedia.models import Message
from tests.followups.analytics.factories import SPAN, make_history
from tests.followups.factories import DAY, HOUR, NOON, make_member, make_thread

pytestmark = pytest.mark.django_db
GENERAL = activity.ChannelRef(external_id="10", name="general", guild_id="1", guild_name="Garden")


def best_of_all() -> hours.BestHour | None:
    return hours.of_community(rates.grouped(SPAN, By.HOUR, now=NOON))


class TestOfCommunity:
    def test_is_unknown_of_nothing(self) -> None:
        assert best_of_all() is None

    def test_is_the_one_answered_most(self) -> None:
        member = make_member()
        make_history(member, 50, answered=5, local_hour=10)
        make_history(member, 40, answered=20, local_hour=18)
        make_history(member, 10, local_hour=None)
        assert best_of_all() is None, "100 sends, but of 10 the hour is not known"
        make_history(member, 10, local_hour=10)
        assert best_of_all() == hours.BestHour(
            18, "Around 18:00 of the member's day: 20 of 40 answered (50 %, likely 35-65 %)."
        )

    def test_leans_on_the_hours_beside_it(self) -> None:
        member = make_member()
        make_history(member, 40, answered=20, local_hour=10)  # half, but nobody answers around it
        make_history(member, 40, local_hour=9)
        make_history(member, 40, local_hour=11)
        for hour in (22, 23, 0):
            make_history(member, 40, answered=18, local_hour=hour)
        best = best_of_all()
        assert best is not None
        assert best.hour in {22, 23, 0}, "the day is a circle"

    def test_is_none_with_too_little_of_each_hour(self) -> None:
        member = make_member()
        for hour in range(24):
            make_history(member, hours.ENOUGH_IN_HOUR - 1, answered=3, local_hour=hour)
        assert best_of_all() is None

    def test_is_none_when_nobody_answered(self) -> None:
        make_history(make_member(), 200, local_hour=10)
        assert best_of_all() is None


class TestOfMember:
    def write(self, member: UserProfile, at: datetime, number: int, *, in_private: bool) -> None:
        if in_private:
            thread = make_thread(member)
            Message.objects.create(conversation=thread, message_text="Hi", is_outgoing=False, sent_at=at, status="sent")
        else:
            activity.record(message_id=snowflake(at, number), channel=GENERAL, author=member.account, sent_at=at)

    def test_is_unknown_of_nothing(self) -> None:
        assert hours.of_member(make_member(), now=NOON) is None

    @pytest.mark.parametrize(("count", "days", "known"), [(20, 5, True), (19, 5, False), (20, 4, False)])
    def test_needs_enough_messages_on_enough_days(self, count: int, days: int, known: bool) -> None:
        written = [NOON - (number % days) * DAY for number in range(count)]
        assert (hours.of_times(written, zone=ZoneInfo("UTC")) is not None) is known

    def test_is_where_they_write_most_in_their_own_zone(self, django_assert_num_queries: Any) -> None:
        member = make_member(timezone="Asia/Tokyo")
        for number in range(24):
            at = NOON - (number % 6 + 1) * DAY  # 21:00 in Tokyo
            self.write(member, at, number, in_private=number % 2 == 0)
        for number in range(5):
            self.write(member, NOON - (number + 1) * DAY - 6 * HOUR, 100 + number, in_private=False)
        self.write(member, NOON - hours.LOOK_BACK, 200, in_private=False)  # too long ago
        member = UserProfile.objects.get(pk=member.pk)
        with django_assert_num_queries(1):
            best = hours.of_member(member, now=NOON)
        assert best == hours.BestHour(21, "Around 21:00 (Asia/Tokyo), by 29 messages on 6 days.")

    def test_what_we_and_others_wrote_does_not_count(self) -> None:
        member, other = make_member(), make_member()
        for number in range(30):
            at = NOON - (number % 6 + 1) * DAY
            self.write(other, at, number, in_private=number % 2 == 0)
            Message.objects.create(
                conversation=make_thread(member), message_text="Hi", is_outgoing=True, sent_at=at, status="sent"
            )
        assert hours.of_member(member, now=NOON) is None
