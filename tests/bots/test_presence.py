"""The bot's heartbeat, and what the check-up says of it."""

import os
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from structlog.testing import capture_logs

from bots import presence
from bots.database import run_unit
from bots.health_checks import bot as check
from bots.models import BotHeartbeat
from bots.practice.server import PracticeServer
from jobs.models import ClusterHeartbeat
from jobs.runner import worker_name
from socialmedia.models import Account, ListeningGap
from tests.bots import running
from tests.bots.running import eventually
from tests.bots.test_runbot import rename_table
from tests.socialmedia.factories import make_bot

DAY = timedelta(days=1)


@pytest.mark.usefixtures("database")
class TestRunningBot:
    async def test_beats_while_it_runs_and_leaves_nothing(self, practice: PracticeServer) -> None:
        async with running.checkback(practice) as bot:
            row = await eventually(BotHeartbeat.objects.first, "the heartbeat")
            assert (row.process, row.account_id) == (worker_name(), bot.account.pk)
        assert not await run_unit(BotHeartbeat.objects.exists)

    async def test_says_whether_it_is_connected(
        self, practice: PracticeServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(presence, "EVERY_SECONDS", 0.05)
        connected = BotHeartbeat.objects.filter(is_connected=True)
        async with running.checkback(practice):
            await eventually(connected.exists, "the connection")
            await practice.stop()
            await eventually(lambda: not connected.exists(), "the news that it is lost")
            assert (await run_unit(check, now=timezone.now())).status == "degraded"

    async def test_says_since_when_nobody_listened(
        self, practice: PracticeServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """PEERS 39: being down is nobody's silence."""
        monkeypatch.setattr(presence, "EVERY_SECONDS", 0.05)
        async with running.checkback(practice) as bot:
            ours = Account.objects.filter(pk=bot.account.pk)
            first = await eventually(lambda: ours.exclude(heard_until=None).first(), "that it listens")
            assert not await run_unit(ListeningGap.objects.exists)
        long_ago = first.heard_until - DAY
        await run_unit(ours.update, heard_until=long_ago)
        async with running.checkback(practice):
            gap = await eventually(ListeningGap.objects.first, "the gap")
            assert gap.began_at == long_ago
            assert gap.ended_at > first.heard_until
        assert await run_unit(ListeningGap.objects.count) == 1

    async def test_counts_from_its_own_start(self, practice: PracticeServer, monkeypatch: pytest.MonkeyPatch) -> None:
        """In a container, the one before had the same host and number."""
        monkeypatch.setattr(presence, "EVERY_SECONDS", 0.05)
        began = timezone.now()
        dead = await run_unit(
            BotHeartbeat.objects.create,
            process=worker_name(),
            account=await run_unit(make_bot),
            is_connected=True,
            started_at=began - DAY,
            beat_at=began - timedelta(seconds=1),
        )
        async with running.checkback(practice):
            again = BotHeartbeat.objects.filter(pk=dead.pk, beat_at__gt=began)
            first = await eventually(again.first, "the heartbeat")
            assert first.started_at > began
            later = await eventually(again.filter(beat_at__gt=first.beat_at).first, "the next heartbeat")
            assert later.started_at == first.started_at

    async def test_outlives_a_database_that_says_no(
        self, practice: PracticeServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(presence, "EVERY_SECONDS", 0.05)
        async with running.checkback(practice):
            row = await eventually(BotHeartbeat.objects.first, "the heartbeat")
            await run_unit(rename_table, "bot_heartbeats", "away")
            try:
                with capture_logs() as logs:
                    await eventually(
                        lambda: [line for line in logs if line["event"] == "bot.heartbeat_failed"], "it fails"
                    )
            finally:
                await run_unit(rename_table, "away", "bot_heartbeats")
            later = BotHeartbeat.objects.filter(beat_at__gt=row.beat_at)
            await eventually(later.exists, "the next heartbeat")


@pytest.mark.django_db
class TestBeat:
    def test_forgets_processes_that_died_a_day_ago(self) -> None:
        account = make_bot()
        old = BotHeartbeat.objects.create(
            process="dead:1", account=account, is_connected=True, beat_at=timezone.now() - 2 * DAY
        )
        presence.beat("host:1", account_id=account.pk, is_connected=True)
        presence.beat("host:1", account_id=account.pk, is_connected=False)
        assert not BotHeartbeat.objects.filter(pk=old.pk).exists()
        assert BotHeartbeat.objects.get().is_connected is False

    def test_listens_only_when_nothing_is_left_to_read(self) -> None:
        account = make_bot()
        presence.beat("host:1", account_id=account.pk, is_connected=False)
        account.refresh_from_db()
        assert account.heard_until is None
        state = {"is_connected": True, "has_gateway": True, "is_ready": True}
        presence.beat("host:1", account_id=account.pk, **state)
        account.refresh_from_db()
        assert account.heard_until is None  # it still reads what was written before
        presence.beat("host:1", account_id=account.pk, **state, has_read_all=True)
        account.refresh_from_db()
        assert account.heard_until is not None

    def test_does_not_listen_while_it_stands_by(self) -> None:
        account = make_bot()
        presence.beat("host:1", account_id=account.pk, is_connected=True, has_read_all=True)
        account.refresh_from_db()
        assert account.heard_until is None

    def test_takes_the_gateway_from_who_died_with_it(self) -> None:
        account, other = make_bot(), make_bot()
        for process, one in (("dead:1", account), ("host:2", other)):
            presence.beat(process, account_id=one.pk, has_gateway=True, is_connected=True, is_ready=True)
        presence.beat("host:1", account_id=account.pk, has_gateway=True, is_connected=False, takes_over=True)
        rows = {row.process: (row.has_gateway, row.is_connected, row.is_ready) for row in BotHeartbeat.objects.all()}
        assert rows == {
            "dead:1": (False, False, False),
            "host:1": (True, False, False),
            "host:2": (True, True, True),
        }

    def test_of_two_who_have_the_gateway_is_refused(self) -> None:
        account = make_bot()
        presence.beat("host:1", account_id=account.pk, has_gateway=True, is_connected=True)
        with pytest.raises(IntegrityError, match="bot_heartbeats_one_gateway"), transaction.atomic():
            presence.beat("host:2", account_id=account.pk, has_gateway=True, is_connected=True)
        presence.beat("host:2", account_id=account.pk, has_gateway=False, is_connected=False)
        assert BotHeartbeat.objects.get(has_gateway=True).process == "host:1"


@pytest.mark.django_db
class TestIsListened:
    def row(self, account: Account, *, ago: float, is_ready: bool = True, process: str = "host:1") -> None:
        BotHeartbeat.objects.create(
            process=process,
            account=account,
            is_connected=True,
            has_gateway=is_ready,
            is_ready=is_ready,
            beat_at=timezone.now() - timedelta(seconds=ago),
        )

    @pytest.mark.parametrize(("ago", "listened"), [(0, True), (13, True), (17, False)])
    def test_believes_a_beat_for_15_seconds(self, ago: float, listened: bool) -> None:
        account = make_bot()
        self.row(account, ago=ago)
        assert presence.is_listened(account.pk) is listened

    def test_needs_one_that_is_ready(self) -> None:
        account = make_bot()
        assert not presence.is_listened(account.pk)
        self.row(account, ago=0, is_ready=False)
        assert not presence.is_listened(account.pk)
        self.row(account, ago=0, process="host:2")
        assert presence.is_listened(account.pk)

    def test_looks_at_this_account_alone(self) -> None:
        self.row(make_bot(), ago=0)
        assert not presence.is_listened(make_bot().pk)


class TestHearing:
    def test_is_complete_with_every_shard(self) -> None:
        hearing = presence.Hearing()
        assert not hearing.is_complete(None)
        hearing.heard(0, times_lost=0)
        assert not hearing.is_complete(2)
        hearing.heard(1, times_lost=0)
        assert hearing.is_complete(2)
        hearing.lost(0)
        assert not hearing.is_complete(2)

    def test_does_not_count_what_was_lost_again_meanwhile(self) -> None:
        hearing = presence.Hearing()
        before = hearing.times_lost[0]
        hearing.lost(0)
        hearing.heard(0, times_lost=before)
        assert not hearing.is_complete(1)


@pytest.mark.django_db
class TestCheck:
    def beat(
        self, account: Account, *, ago: float = 0, is_connected: bool = True, process: str = "host:1", **state: bool
    ) -> None:
        BotHeartbeat.objects.create(
            process=process,
            account=account,
            is_connected=is_connected,
            **{"has_gateway": is_connected, "is_ready": is_connected} | state,
            beat_at=timezone.now() - timedelta(seconds=ago),
        )

    def status(self) -> str:
        return str(check(now=timezone.now()).status)

    def test_is_content_before_there_ever_was_one(self) -> None:
        assert self.status() == "ok"

    @pytest.mark.parametrize(("ago", "status"), [(0, "ok"), (25, "ok"), (31, "failed")])
    def test_judges_by_the_age_of_the_heartbeat(self, ago: float, status: str) -> None:
        self.beat(make_bot(), ago=ago)
        assert self.status() == status

    def test_fails_when_it_has_stopped(self) -> None:
        name = make_bot().username
        found = check(now=timezone.now())
        assert found.status == "failed"
        assert name in found.detail or "The bot does not run (" in found.detail

    def test_counts_one_connected_process_as_enough(self) -> None:
        account = make_bot()
        self.beat(account, is_connected=False, process=f"host:{os.getpid()}")
        assert self.status() == "degraded"
        self.beat(account, process="host:2")
        assert self.status() == "ok"

    def test_counts_those_who_stand_by(self) -> None:
        account = make_bot()
        self.beat(account)
        for number in (2, 3):
            self.beat(account, is_connected=False, process=f"host:{number}")
        found = check(now=timezone.now())
        assert (found.status, found.numbers["standing_by"]) == ("ok", 2)
        assert "2 stand by" in found.detail

    def test_tells_who_only_stands_by_from_who_is_cut_off(self) -> None:
        account = make_bot()
        self.beat(account, is_connected=False)
        found = check(now=timezone.now())
        assert (found.status, "stands by" in found.detail) == ("degraded", True)
        BotHeartbeat.objects.update(has_gateway=True)
        found = check(now=timezone.now())
        assert (found.status, "no connection to Discord" in found.detail) == ("degraded", True)

    def test_says_that_it_reads_what_it_has_missed(self) -> None:
        self.beat(make_bot(), is_ready=False)
        found = check(now=timezone.now())
        assert (found.status, "reads what" in found.detail) == ("ok", True)

    def test_says_that_it_cannot_read_what_it_has_missed(self) -> None:
        """Nothing is sent meanwhile, and nobody would notice."""
        account = make_bot()
        self.beat(account, is_ready=False)
        long_ago = timezone.now() - timedelta(minutes=11)
        BotHeartbeat.objects.update(started_at=long_ago)
        Account.objects.filter(pk=account.pk).update(heard_until=timezone.now())
        assert self.status() == "ok"  # it was lost just now
        Account.objects.filter(pk=account.pk).update(heard_until=long_ago)
        found = check(now=timezone.now())
        assert (found.status, "can't read" in found.detail) == ("degraded", True)

    def test_says_when_one_was_last_heard_of_that_did_not_say_goodbye(self) -> None:
        self.beat(make_bot(), ago=3 * 60)
        found = check(now=timezone.now())
        assert (found.status, "3 minutes ago" in found.detail) == ("failed", True)

    def test_waits_for_it_when_all_has_just_been_started(self) -> None:
        make_bot()
        now = timezone.now()
        cluster = ClusterHeartbeat.objects.create(cluster="a", beat_at=now, started_at=now - timedelta(seconds=100))
        assert self.status() == "ok"
        cluster.started_at = now - timedelta(seconds=130)
        cluster.save()
        assert self.status() == "failed"

    def test_asks_nothing_of_a_retired_account(self) -> None:
        account = make_bot()
        Account.objects.filter(pk=account.pk).update(is_active=False)
        assert self.status() == "ok"
