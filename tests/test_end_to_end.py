"""The whole of it: `manage.py up` with the practice Discord, from an export file to an attributed answer."""

import asyncio
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import psycopg
import pytest

from config.embedded_postgres import server
from tests.support import CHECKOUT, environment, manage, nothing_left, wait_until

ADA, BRUNO = "816961168605184001", "602561363050496002"
SAMPLES = sorted(map(str, (CHECKOUT / "followups" / "samples").glob("*.json")))
ANSWER = "I am fine, thank you for asking!"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


class Running:
    """A Checkback that runs in a data folder of its own."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.web, self.discord = free_ports(2)
        self.env = environment(
            data_dir,
            WEB_PORT=str(self.web),
            PRACTICE_DISCORD_PORT=str(self.discord),
            FOLLOW_UP_QUIET_HOURS_START="0",  # start and end alike: no quiet hours, whatever the time is now
            FOLLOW_UP_QUIET_HOURS_END="0",
            DJANGO_SUPERUSER_PASSWORD="a-test-password",
        )

    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(server.locate(self.data_dir).dsn, autocommit=True) as connection:
            cursor = connection.execute(query, parameters)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    def manage(self, *arguments: str) -> str:
        done = manage(*arguments, env=self.env)
        assert done.returncode == 0, done.stderr
        return done.stdout


def free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    data_dir = tmp_path / "data"
    checkback = Running(data_dir)
    log = tmp_path / "up.log"
    with nothing_left("CHECKBACK_DATA_DIR", str(data_dir)), log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "up"],
            cwd=CHECKOUT,
            env=checkback.env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        wait_until(lambda: "Ready." in log.read_text() or process.poll() is not None, "everything to run", seconds=60)
        assert process.poll() is None, log.read_text()
        yield checkback
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0, log.read_text()


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
async def playing(checkback: Running, user_id: str) -> AsyncIterator[Member]:
    url = f"http://127.0.0.1:{checkback.discord}"
    async with (
        aiohttp.ClientSession(headers={"Origin": url}) as session,
        session.ws_connect(f"{url}/chat/ws") as connection,
    ):
        await connection.send_json({"t": "become", "user": user_id})
        async with asyncio.timeout(10):
            while (event := await connection.receive_json())["t"] != "you":
                pass
        yield Member(connection, event["dm"])


async def console_page(checkback: Running, path: str) -> str:
    """A page of the console, as a signed-in staff member reads it."""
    base = f"http://127.0.0.1:{checkback.web}"
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        async with session.get(f"{base}/admin/login/") as page:
            found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', await page.text())
            assert found is not None
            token = found[1]
        form = {"username": "staff", "password": "a-test-password", "csrfmiddlewaretoken": token}
        async with session.post(f"{base}/admin/login/", data=form, headers={"Referer": base}) as signed_in:
            assert signed_in.status == 200
        async with session.get(f"{base}{path}") as page:
            assert page.status == 200
            return await page.text()


class TestQuietMember:
    async def test_gets_one_message_whose_answer_is_attributed_and_the_others_get_none(self, running: Running) -> None:
        await asyncio.to_thread(running.manage, "import_chat_export", *SAMPLES)
        await asyncio.to_thread(
            running.manage, "createsuperuser", "--noinput", "--username=staff", "--email=a@b.invalid"
        )

        async with playing(running, ADA) as ada:
            assert "/followup_settings off" in await ada.uses("followup_settings", action="on")
            [(enabled,)] = running.rows("SELECT follow_ups_enabled FROM user_profiles WHERE user_id = %s", ADA)
            assert enabled
            # Time passes until the schedule of the sweep is due again.
            running.rows("UPDATE django_q_schedule SET next_run = now() WHERE name = 'quiet-member-sweep'")
            message = await ada.sees(lambda row: not row["ephemeral"], seconds=90)
            assert "followup_settings off" in message["text"]
            await asyncio.to_thread(
                wait_until,
                lambda: running.rows("SELECT 1 FROM scheduled_followups WHERE status = 'executed'"),
                "the delivery to be recorded",
            )
            await ada.says(ANSWER)
            await asyncio.to_thread(
                wait_until,
                lambda: running.rows("SELECT 1 FROM follow_up_history WHERE response_received"),
                "the answer to be attributed",
            )
            assert (await ada.history()).count(message["text"]) == 1

        sent = running.rows(
            "SELECT user_id, message_sent, response_received, response_time >= sent_at FROM follow_up_history"
        )
        assert sent == [(ADA, message["text"], True, True)]
        outgoing = running.rows("SELECT status, attempts FROM social_media_messages WHERE is_outgoing AND is_automated")
        assert outgoing == [("sent", 1)]
        jobs = running.rows("SELECT DISTINCT status FROM scheduled_jobs WHERE job_type = 'follow_up_message'")
        assert jobs == [("completed",)]

        async with playing(running, BRUNO) as bruno:
            assert await bruno.history() == []
        page = await console_page(running, f"/admin/followups/userprofile/{BRUNO}/change/")
        assert "opted in" in page
        page = await console_page(running, f"/admin/followups/userprofile/{ADA}/change/")
        assert "After " in page
        assert "No answer yet" not in page
