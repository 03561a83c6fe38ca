"""`job_status` and `bot_status`. ORIGINS 1.9."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from bots import answers, presence
from bots.governor import controls
from bots.operations import engine
from bots.operations.engine import Connection
from jobs.models import ClusterHeartbeat, JobExecution, ScheduledJob
from tests.bots.operations.asking import ask
from tests.followups.factories import DAY, NOON, make_member, make_plan, make_queued
from tests.socialmedia.factories import make_bot

pytestmark = pytest.mark.django_db


def job(job_id: str) -> str:
    """Ask for a job as the command does."""

    def operation(question: answers.Question) -> answers.Answer:
        return engine.job(question, job_id=job_id)

    return answers.answer_interaction(operation, ask(), meets=False, now=NOON).text


class TestFigures:
    def test_is_safe_when_nothing_ran(self) -> None:
        told = engine.scheduler(ask(), now=NOON).text
        assert told.startswith("**Scheduler: stopped**")
        assert "Executions in the last 24 hours: 0\nSuccess rate: nothing ran yet" in told

    def test_has_a_line_for_each_status_and_the_rate_with_one_decimal(self) -> None:
        row = ScheduledJob.objects.get(job_id=make_plan(make_member(), due_at=NOON + DAY).job_id)
        for status in ("completed", "completed", "failed"):
            JobExecution.objects.create(
                job_id=row.job_id,
                job_type=row.job_type,
                status=status,
                execution_time=NOON - timedelta(hours=1),
                **({"error_message": "x"} if status == "failed" else {}),
            )
        ClusterHeartbeat.objects.create(cluster="c", started_at=NOON, beat_at=NOON)

        told = engine.scheduler(ask(), now=NOON).text

        assert told.startswith("**Scheduler: running**")
        assert "Pending: 1" in told
        for status in ("Running", "Completed", "Failed", "Cancelled", "Expired", "Unknown"):
            assert f"\n{status}: 0" in told
        assert "Executions in the last 24 hours: 3\nSuccess rate: 66.7%" in told


class TestJob:
    def test_shows_type_status_time_and_error(self) -> None:
        key = make_plan(make_member(), due_at=NOON + DAY).job_id
        ScheduledJob.objects.filter(job_id=key).update(error_message="It broke.")
        told = job(key)
        assert "Type: follow\\_up\\_message" in told
        assert "Status: pending\nScheduled: 2026-11-19 12:00 UTC" in told
        assert "Error: It broke." in told

    @pytest.mark.parametrize("job_id", ["nonsense", "a\x00b", "x" * 5000, "`@everyone`"])
    def test_says_that_there_is_none(self, job_id: str) -> None:
        told = job(job_id)
        assert told.startswith("There is no job")
        assert len(told) < 200


class TestBot:
    def ask(self, *, is_staff: bool, latency: float | None = 0.0421) -> str:
        connection = Connection(account=make_bot(), latency=latency, communities=1)
        presence.beat("host:1", account_id=connection.account.pk, is_connected=True, is_first=True)
        return engine.bot(ask(), connection=connection, is_staff=is_staff, now=timezone.now()).text

    def test_tells_anybody_who_and_how_it_is(self) -> None:
        told = self.ask(is_staff=False)
        assert "Connected to Discord, in 1 community." in told
        assert "Heartbeat: 0 s ago" in told
        assert "Latency: 42 ms" in told
        assert "Queue" not in told

    def test_copes_without_a_heartbeat(self) -> None:
        connection = Connection(account=make_bot(), latency=None, communities=2)
        told = engine.bot(ask(), connection=connection, is_staff=False, now=NOON).text
        assert "none is fresh" in told
        assert "not measured yet" in told

    def test_tells_the_team_what_waits_and_what_is_off(self) -> None:
        bot: Any = make_bot()
        make_queued(make_member())
        controls.stop(bot.pk, by="ada", reason="fire", now=NOON)
        connection = Connection(account=bot, latency=None, communities=1)

        told = engine.bot(ask(), connection=connection, is_staff=True, now=NOON).text

        assert "**For the team: stopped**" in told
        assert "Queue: 1 message waits, the oldest since 2026-11-18 12:00 UTC." in told
        assert "New private channels: 0 of 10 this hour, 0 of 40 today; the next is possible." in told
        assert "refused in ten minutes: 0" in told
        assert "- Stopped by ada since 2026-11-18 12:00 UTC (fire)" in told
