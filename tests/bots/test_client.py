"""The life of the bot, over the real gateway."""

import asyncio
from datetime import timedelta

import pytest
from django.db import connection

from bots.database import run_unit
from bots.practice.server import PracticeServer
from socialmedia.models import Account, Message
from tests.bots import running
from tests.bots.running import ada, checkback, eventually, received

pytestmark = pytest.mark.usefixtures("database")


class TestStart:
    async def test_remembers_the_bot_as_one_of_ours(self, practice: PracticeServer) -> None:
        async with checkback(practice) as bot:
            account = await run_unit(Account.objects.get, pk=bot.account.pk)
        assert (account.is_own, account.account_type) == (True, "bot")
        assert account.external_id == str(practice.world.bot.id)

    async def test_registers_commands_only_when_they_differ(self, practice: PracticeServer) -> None:
        for _ in range(2):
            async with checkback(practice):
                pass
        puts = [request for request in practice.requests if request.method == "PUT"]
        assert len(puts) == 1
        assert practice.world.find_command("followup_settings")


class TestDeliveryWhileRunning:
    async def test_starts_at_the_notification(self, practice: PracticeServer) -> None:
        async with checkback(practice):
            message = await run_unit(running.queue, practice, "Quick.")
            async with asyncio.timeout(10):
                delivered = await practice.sent.get()
            await eventually(lambda: Message.objects.filter(pk=message.pk, status="sent").exists(), "the outcome")
        assert delivered.content == "Quick."
        assert delivered.sent_at - message.sent_at < timedelta(seconds=5)

    async def test_survives_the_loss_of_every_database_connection(self, practice: PracticeServer) -> None:
        async with checkback(practice) as bot:
            await asyncio.to_thread(end_other_connections)
            written = await practice.member_says(ada(practice).id, "dm", "Still there?")
            await bot.has_handled(written.id)
            await run_unit(running.queue, practice, "Yes.")
            async with asyncio.timeout(20):
                delivered = await practice.sent.get()
        assert delivered.content == "Yes."
        assert [message.message_text for message in await run_unit(received)] == ["Still there?"]


def end_other_connections() -> None:
    """Let the database server drop everybody else, as it does when it restarts."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    connection.close()
