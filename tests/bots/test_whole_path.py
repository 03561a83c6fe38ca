"""One due follow-up, two real clusters and a real bot."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from bots.database import run_unit
from bots.practice.server import PracticeServer
from followups import planning
from followups.models import FollowUp, FollowUpHistory
from jobs.models import JobExecution
from socialmedia.models import Message
from tests import processes
from tests.bots import running
from tests.bots.running import eventually
from tests.bots.test_runbot import runbot

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.slow]

NO_NIGHT = {"FOLLOW_UP_QUIET_HOURS_START": "0", "FOLLOW_UP_QUIET_HOURS_END": "0"}


@contextlib.asynccontextmanager
async def two_clusters(logs: Path) -> AsyncIterator[None]:
    """Two real clusters, killed at the end."""
    with contextlib.ExitStack() as stack:
        for name in ("one", "two"):
            await run_unit(stack.enter_context, processes.cluster(logs, name=name, **NO_NIGHT))
        yield


class TestTwoClustersAndOneDueFollowUp:
    async def test_send_it_exactly_once(self, practice: PracticeServer, tmp_path: Path, settings: Any) -> None:
        for name, value in NO_NIGHT.items():  # planning asks here, execution and relay in their processes
            setattr(settings, name, int(value))
        member = await run_unit(running.opt_in, practice)

        def plan() -> None:
            now = timezone.now()
            planning.plan(user_id=member.user_id, trigger="custom", due_at=now, now=now)

        async with runbot(practice, tmp_path / "bot.log", **NO_NIGHT), two_clusters(tmp_path):
            await practice.wait_connected(30)
            await run_unit(plan)
            await eventually(lambda: FollowUp.objects.filter(status="executed").exists(), "the delivery", seconds=60)
        assert len(practice.dm_texts(int(member.user_id))) == 1
        assert await run_unit(Message.objects.filter(is_automated=True).count) == 1
        assert await run_unit(FollowUpHistory.objects.count) == 1
        runs = JobExecution.objects.filter(job_type="follow_up_message")
        assert await run_unit(lambda: list(runs.values_list("status", flat=True))) == ["completed"]
