"""The pace that all processes of a bot share, and the ledger that slows it down."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from bots.governor import controls, pace, refusals
from bots.governor.pace import Slots
from bots.models import BotControl, InvalidRequests
from tests.concurrency import at_once
from tests.socialmedia.factories import make_bot

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def bot(db: None) -> int:
    """A bot's account."""
    return make_bot().pk


def refuse(number: int, *, minutes_ago: int = 0, status: int = 403) -> None:
    """Let the ledger have so many refusals of one minute."""
    minute = timezone.now().replace(second=0, microsecond=0) - timedelta(minutes=minutes_ago)
    InvalidRequests.objects.create(minute=minute, status=status, count=number)


def taken(account_id: int, number: int = 1) -> Slots:
    slots = pace.take(account_id, number=number, per_second=45)
    assert slots is not None
    return slots


class TestTake:
    def test_costs_no_time_when_nobody_was_there(self, bot: int) -> None:
        slots = taken(bot)
        assert (slots.number, slots.gap) == (1, pytest.approx(1 / 45, abs=1e-5))
        assert slots.wait <= 0

    def test_puts_slots_one_after_the_other(self, bot: int) -> None:
        busy_until = timezone.now() + timedelta(seconds=30)
        row = BotControl.objects.create(account_id=bot, next_call_at=busy_until)
        first, second = taken(bot, 5), taken(bot, 3)
        assert 0 < first.wait <= 30
        assert second.wait > first.wait
        row.refresh_from_db()
        assert (row.next_call_at - busy_until).total_seconds() == pytest.approx(8 / 45, abs=1e-4)

    def test_survives_a_clock_that_was_set_back(self, bot: int) -> None:
        BotControl.objects.create(account_id=bot, next_call_at=timezone.now() + DAY)
        assert taken(bot).wait <= 60

    @pytest.mark.django_db(transaction=True)
    def test_gives_processes_at_once_no_more_than_the_pace(self) -> None:
        account_id = make_bot().pk
        began = timezone.now()
        slots = at_once(8, lambda _: [taken(account_id, 5) for _ in range(20)])
        assert sum(each.number for mine in slots for each in mine) == 800
        # 800 slots reach 800/45 s from the first one on: no two are the same, none is lost.
        ends = BotControl.objects.get(pk=account_id).next_call_at
        assert ends >= began + timedelta(seconds=800 / 45 - 0.01)

    @pytest.mark.parametrize(("number", "gap", "slots"), [(999, 1 / 45, 5), (1000, 1, 1), (4999, 1, 1)])
    def test_slows_down_with_what_discord_refused(self, bot: int, number: int, gap: float, slots: int) -> None:
        """PEERS 4."""
        refuse(number - 100)
        refuse(60, status=429)
        refuse(40, minutes_ago=9)
        refuse(7000, minutes_ago=12)  # long ago
        found = taken(bot, 5)
        assert (found.number, found.gap) == (slots, pytest.approx(gap, abs=1e-5))

    def test_ends_before_discord_bars_us(self, bot: int) -> None:
        """PEERS 4: of all accounts, since the address is one."""
        refuse(5000)
        assert pace.take(bot, number=1, per_second=45) is None
        assert controls.of_account(bot).is_barred
        InvalidRequests.objects.update(count=4999)
        assert taken(bot).number == 1
        assert not controls.of_account(bot).is_barred


class TestLedger:
    def test_adds_up_by_minute_and_forgets_the_day_before(self, bot: int) -> None:
        refuse(9, minutes_ago=24 * 60 + 2)
        refuse(5, minutes_ago=3)
        refusals.record({403: 2, 429: 1})
        refusals.record({403: 3})
        assert refusals.recent() == 11
        assert sum(row.count for row in InvalidRequests.objects.all()) == 11

    def test_is_read_by_its_index(self, bot: int) -> None:
        """It is asked before each claim and call."""
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
            cursor.execute(f"EXPLAIN SELECT {refusals.RECENT}")
            plan = "\n".join(row[0] for row in cursor.fetchall())
        assert "Index Cond: (minute > " in plan, plan

    @pytest.mark.django_db(transaction=True)
    def test_loses_nothing_when_processes_write_at_once(self) -> None:
        at_once(8, lambda index: refusals.record({403: 1, 401: 2} if index % 2 else {401: 2, 403: 1}))
        assert refusals.recent() == 24


class TestControls:
    def test_tell_everything_in_one_query(self, bot: int, django_assert_num_queries: object) -> None:
        now = timezone.now()
        refuse(3)
        controls.stop(bot, by="ann", reason="spam", now=now)
        with django_assert_num_queries(1):  # type: ignore[operator]
            found = controls.of_account(bot)
        assert (found.refusals, found.stopped_at, found.stopped_by, found.stop_reason) == (3, now, "ann", "spam")
        assert not found.may_send

    def test_of_a_bot_that_was_never_switched_let_it_send(self, bot: int) -> None:
        assert controls.of_account(bot) == controls.Controls()
        assert controls.of_account(bot).may_send

    def test_stay_with_who_stopped_first(self, bot: int) -> None:
        now = timezone.now()
        assert controls.stop(bot, by="ann", now=now)
        assert not controls.stop(bot, by="bob", now=now + HOUR)
        assert controls.of_account(bot).stopped_by == "ann"

    def test_go_back_as_if_nothing_had_been(self, bot: int) -> None:
        now = timezone.now()
        controls.stop(bot, by="ann", reason="spam", now=now)
        assert controls.resume(bot, by="bob", now=now)
        assert not controls.resume(bot, by="bob", now=now)
        assert controls.of_account(bot) == controls.Controls()

    @pytest.mark.django_db(transaction=True)
    def test_are_switched_by_one_of_many(self) -> None:
        account_id, now = make_bot().pk, timezone.now()
        assert sum(at_once(6, lambda index: controls.stop(account_id, by=str(index), now=now))) == 1
        assert sum(at_once(6, lambda index: controls.resume(account_id, by=str(index), now=now))) == 1

    def test_of_all_bots_leave_the_retired_alone(self, bot: int) -> None:
        other, retired, now = make_bot(), make_bot(), timezone.now()
        type(retired).objects.filter(pk=retired.pk).update(is_active=False)
        controls.stop(other.pk, by="ann", now=now)
        assert [account.pk for account in controls.stop_all(controls.accounts(), by="bob", now=now)] == [bot]
        resumed = controls.resume_all(controls.accounts(), by="bob", now=now)
        assert {account.pk for account in resumed} == {bot, other.pk}
