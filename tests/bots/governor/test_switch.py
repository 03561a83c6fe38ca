"""The kill switch over the wire. PEERS 34: off is checked at the claim and just before the call."""

import asyncio

import pytest
from django.utils import timezone

from bots.database import run_unit
from bots.governor import controls
from bots.governor.controls import Controls
from bots.models import InvalidRequests
from bots.practice.faults import rate_limited
from bots.practice.server import PracticeServer
from socialmedia.models import Message
from tests.bots import running
from tests.bots.governor.test_pace import refuse


class Looks:
    """Counts how often the relays looked at the switch."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._look, self._number = controls.of_account, 0
        monkeypatch.setattr(controls, "of_account", self._count)

    def _count(self, account_id: int) -> Controls:
        self._number += 1
        return self._look(account_id)

    async def twice_more(self) -> None:
        """Wait until a look has begun and ended after this moment."""
        seen = self._number
        await running.eventually(lambda: self._number >= seen + 2, "two looks at the switch", seconds=5)


@pytest.mark.usefixtures("database")
class TestRunningRelay:
    async def test_sends_nothing_while_stopped_and_all_of_it_then(
        self, practice: PracticeServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with running.checkback(practice) as bot:
            looks = Looks(monkeypatch)
            await run_unit(controls.stop, bot.account.pk, by="ann", now=timezone.now())
            message = await run_unit(running.queue, practice)
            await looks.twice_more()  # each poll of a second asks
            assert practice.sent.empty()
            assert (await run_unit(Message.objects.get, pk=message.pk)).attempts == 0
            await run_unit(controls.resume, bot.account.pk, by="ann", now=timezone.now())
            sent = await asyncio.wait_for(practice.sent.get(), 10)
            assert sent.content == "Hello."

    async def test_sends_nothing_when_too_many_requests_were_refused(
        self, practice: PracticeServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """PEERS 4."""
        async with running.checkback(practice):
            looks = Looks(monkeypatch)
            await run_unit(refuse, 5000)
            message = await run_unit(running.queue, practice)
            await looks.twice_more()
            assert practice.sent.empty()
            assert (await run_unit(Message.objects.get, pk=message.pk)).attempts == 0
            await run_unit(InvalidRequests.objects.update, count=10)
            assert (await asyncio.wait_for(practice.sent.get(), 10)).content == "Hello."

    async def test_sends_nothing_that_was_waiting_to_be_repeated(self, practice: PracticeServer) -> None:
        refused = practice.faults.add(rate_limited(retry_after=1.0))  # discord.py sleeps, and asks once more
        async with running.checkback(practice) as bot:
            message = await run_unit(running.queue, practice)
            await asyncio.wait_for(refused.struck.wait(), 10)
            await run_unit(controls.stop, bot.account.pk, by="ann", now=timezone.now())
            await running.eventually(
                lambda: Message.objects.filter(pk=message.pk, status="queued").exists(), "it is put back"
            )
            assert practice.sent.empty()
            await run_unit(controls.resume, bot.account.pk, by="ann", now=timezone.now())
            assert (await asyncio.wait_for(practice.sent.get(), 20)).content == "Hello."
        assert practice.sent.empty()
