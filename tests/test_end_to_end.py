"""The whole of it: `manage.py up` with the practice Discord, from an export file to an attributed answer."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import psycopg
import pytest

from config.embedded_postgres import server
from tests import support
from tests.support import CHECKOUT, Checkback, wait_until

ADA, BRUNO = "816961168605184001", "602561363050496002"
SAMPLES = sorted(map(str, (CHECKOUT / "followups" / "samples").glob("*.json")))
PASSWORD = "a-test-password"
ANSWER = "I am fine, thank you for asking!"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def running() -> Iterator[Checkback]:
    """A Checkback without quiet hours (their start and end are alike), whatever the time is now."""
    with support.checkback(FOLLOW_UP_QUIET_HOURS_START="0", FOLLOW_UP_QUIET_HOURS_END="0") as checkback:
        checkback.start()
        yield checkback
        assert checkback.stop() == 0, checkback.output


def run(checkback: Checkback, *arguments: str) -> None:
    """Run a command beside it, on its database."""
    done = support.manage(*arguments, env={**checkback.env, "DJANGO_SUPERUSER_PASSWORD": PASSWORD})
    assert done.returncode == 0, done.stderr


def rows(checkback: Checkback, query: str, *parameters: str) -> list[tuple[Any, ...]]:
    """Ask its database."""
    with psycopg.connect(server.locate(checkback.data_dir).dsn, autocommit=True) as connection:
        cursor = connection.execute(query, parameters)
        return cursor.fetchall() if cursor.description else []


class Member:
    """Somebody at the chat page: what the page sends and gets."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, dm: str) -> None:
        self.socket = socket
        self.dm = dm

    async def says(self, text: str) -> None:
        await self.socket.send_json({"t": "say", "channel": self.dm, "text": text})

    async def uses(self, name: str, **options: str) -> str:
        """Use a slash command and return its private answer."""
        await self.socket.send_json({"t": "slash", "channel": self.dm, "name": name, "options": options})
        row = await self.sees(lambda row: row["ephemeral"])
        return str(row["text"])

    async def sees(self, wanted: Any = lambda row: True, *, seconds: float = 20) -> dict[str, Any]:
        """The next message of the bot that fits."""
        async with asyncio.timeout(seconds):
            while True:
                event = await self.socket.receive_json()
                if event["t"] == "message" and event["message"]["author"]["bot"] and wanted(event["message"]):
                    return dict(event["message"])

    async def history(self) -> list[str]:
        """The texts of the private channel."""
        await self.socket.send_json({"t": "open", "channel": self.dm})
        async with asyncio.timeout(10):
            while (event := await self.socket.receive_json())["t"] != "history":
                pass
        return [row["text"] for row in event["messages"]]


@asynccontextmanager
async def playing(checkback: Checkback, user_id: str) -> AsyncIterator[Member]:
    url = checkback.chat
    async with (
        aiohttp.ClientSession(headers={"Origin": url}) as session,
        session.ws_connect(f"{url}/chat/ws") as connection,
    ):
        await connection.send_json({"t": "become", "user": user_id})
        async with asyncio.timeout(10):
            while (event := await connection.receive_json())["t"] != "you":
                pass
        yield Member(connection, event["dm"])


async def console_page(checkback: Checkback, path: str) -> str:
    """A page of the console, as a signed-in staff member reads it."""
    base = checkback.web
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        async with session.get(f"{base}/admin/login/") as page:
            found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', await page.text())
            assert found is not None
            token = found[1]
        form = {"username": "staff", "password": PASSWORD, "csrfmiddlewaretoken": token}
        async with session.post(f"{base}/admin/login/", data=form, headers={"Referer": base}) as signed_in:
            assert signed_in.status == 200
        async with session.get(f"{base}{path}") as page:
            assert page.status == 200
            return await page.text()


class TestQuietMember:
    async def test_gets_one_message_whose_answer_is_attributed_and_others_get_none(self, running: Checkback) -> None:
        await asyncio.to_thread(run, running, "import_chat_export", *SAMPLES)
        await asyncio.to_thread(run, running, "createsuperuser", "--noinput", "--username=staff", "--email=a@b.invalid")

        async with playing(running, ADA) as ada:
            assert "/followup_settings off" in await ada.uses("followup_settings", action="on")
            [(enabled,)] = rows(running, "SELECT follow_ups_enabled FROM user_profiles WHERE user_id = %s", ADA)
            assert enabled
            # Time passes until the schedule of the sweep is due again.
            rows(running, "UPDATE django_q_schedule SET next_run = now() WHERE name = 'quiet-member-sweep'")
            message = await ada.sees(lambda row: not row["ephemeral"], seconds=90)
            assert "followup_settings off" in message["text"]
            await asyncio.to_thread(
                wait_until,
                lambda: rows(running, "SELECT 1 FROM scheduled_followups WHERE status = 'executed'"),
                "the delivery to be recorded",
            )
            await ada.says(ANSWER)
            await asyncio.to_thread(
                wait_until,
                lambda: rows(running, "SELECT 1 FROM follow_up_history WHERE response_received"),
                "the answer to be attributed",
            )
            assert (await ada.history()).count(message["text"]) == 1

        sent = rows(
            running, "SELECT user_id, message_sent, response_received, response_time >= sent_at FROM follow_up_history"
        )
        assert sent == [(ADA, message["text"], True, True)]
        outgoing = rows(
            running, "SELECT status, attempts FROM social_media_messages WHERE is_outgoing AND is_automated"
        )
        assert outgoing == [("sent", 1)]
        jobs = rows(running, "SELECT DISTINCT status FROM scheduled_jobs WHERE job_type = 'follow_up_message'")
        assert jobs == [("completed",)]

        async with playing(running, BRUNO) as bruno:
            assert await bruno.history() == []
        page = await console_page(running, f"/admin/followups/userprofile/{BRUNO}/change/")
        assert "opted in" in page
        page = await console_page(running, f"/admin/followups/userprofile/{ADA}/change/")
        assert "Within a minute" in page
        assert "Within a minute" in await console_page(running, "/admin/followups/followup/")
