import asyncio

import aiohttp
import discord
import pytest

from bots.practice import faults, limits
from bots.practice.faults import GATEWAY, Fault, Kind
from bots.practice.server import PracticeServer
from tests.bots import support
from tests.bots.practice.bot import TinyBot, connected, soon


class TestRestFaults:
    async def test_cannot_dm_is_for_one_user(self, practice: PracticeServer) -> None:
        ada, bruno = support.people(practice.world)[:2]
        practice.faults.add(faults.cannot_dm(ada.id))
        async with connected(practice) as bot:
            for _ in range(2):
                with pytest.raises(discord.Forbidden) as caught:
                    await (await bot.fetch_user(ada.id)).send("Hello")
                assert caught.value.code == 50007
            await (await bot.fetch_user(bruno.id)).send("Hello")
        assert practice.dm_texts(ada.id) == []
        assert practice.dm_texts(bruno.id) == ["Hello"]

    async def test_opening_too_fast(self, practice: PracticeServer) -> None:
        ada = support.people(practice.world)[0]
        practice.faults.add(faults.opening_dms_too_fast())
        async with connected(practice) as bot:
            user = await bot.fetch_user(ada.id)
            with pytest.raises(discord.HTTPException) as caught:
                await user.send("Hello")
            assert caught.value.code == 40003
            await user.send("Hello")

    @pytest.mark.parametrize("globally", [False, True])
    async def test_a_short_429_is_slept_out(self, practice: PracticeServer, globally: bool) -> None:
        ada = support.people(practice.world)[0]
        fault = practice.faults.add(faults.rate_limited(retry_after=0.01, globally=globally))
        async with connected(practice) as bot:
            await (await bot.fetch_user(ada.id)).send("Hello")
        assert fault.count == 1
        assert practice.dm_texts(ada.id) == ["Hello"]

    async def test_a_long_429_is_raised(self, practice: PracticeServer) -> None:
        ada = support.people(practice.world)[0]
        practice.faults.add(faults.rate_limited(retry_after=60))
        async with connected(practice, max_ratelimit_timeout=30) as bot:
            with pytest.raises(discord.RateLimited) as caught:
                await (await bot.fetch_user(ada.id)).send("Hello")
            assert caught.value.retry_after == 60

    async def test_a_429_without_via_is_raised(self, practice: PracticeServer) -> None:
        ada = support.people(practice.world)[0]
        practice.faults.add(Fault(Kind.CLOUDFLARE_BANNED))
        async with connected(practice) as bot:
            with pytest.raises(discord.HTTPException) as caught:
                await (await bot.fetch_user(ada.id)).send("Hello")
            assert caught.value.status == 429

    async def test_a_502_after_acceptance_does_not_double(self, practice: PracticeServer) -> None:
        ada = support.people(practice.world)[0]
        fault = practice.faults.add(Fault(Kind.BAD_GATEWAY_AFTER))
        async with connected(practice) as bot:
            await (await bot.fetch_user(ada.id)).send("Hello")
        assert fault.count == 1
        assert practice.dm_texts(ada.id) == ["Hello"]

    async def test_a_lost_answer_is_a_sent_message(self, practice: PracticeServer) -> None:
        ada = support.people(practice.world)[0]
        practice.faults.add(Fault(Kind.ANSWER_LOST))
        async with connected(practice) as bot:
            user = await bot.fetch_user(ada.id)
            with pytest.raises(aiohttp.ServerDisconnectedError):
                await user.send("Hello", nonce="ob-7")
            assert practice.dm_texts(ada.id) == ["Hello"]
            await user.send("Hello", nonce="ob-7")
        assert practice.dm_texts(ada.id) == ["Hello"]

    async def test_a_dropped_request_is_not_sent(self, practice: PracticeServer) -> None:
        ada = support.people(practice.world)[0]
        practice.faults.add(Fault(Kind.DROPPED))
        async with connected(practice) as bot:
            user = await bot.fetch_user(ada.id)
            with pytest.raises((aiohttp.ClientError, OSError)):
                await user.send("Hello")
            assert practice.dm_texts(ada.id) == []

    @pytest.mark.parametrize(("kind", "during"), [(Kind.HELD_AFTER, ["Hello"]), (Kind.HELD_BEFORE, [])])
    async def test_an_answer_can_be_held(self, practice: PracticeServer, kind: Kind, during: list[str]) -> None:
        ada = support.people(practice.world)[0]
        fault = practice.faults.add(Fault(kind))
        async with connected(practice) as bot:
            sending = asyncio.create_task((await bot.fetch_user(ada.id)).send("Hello"))
            await soon(fault.struck.wait())
            if during:
                await soon(practice.sent.get())
            assert practice.dm_texts(ada.id) == during
            assert not sending.done()
            fault.release.set()
            await soon(sending)
        assert practice.dm_texts(ada.id) == ["Hello"]

    async def test_n_times_is_n_times(self, practice: PracticeServer) -> None:
        ada = support.people(practice.world)[0]
        fault = practice.faults.add(Fault(Kind.REFUSED, times=2, status=400, code=1))
        async with connected(practice) as bot:
            user = await bot.fetch_user(ada.id)
            for _ in range(2):
                with pytest.raises(discord.HTTPException):
                    await user.send("Hello")
            await user.send("Hello")
        assert fault.count == 2

    @pytest.mark.parametrize(
        ("fault", "status", "code"),
        [
            (faults.quarantined(times=1), 403, 20026),
            (faults.blocked_by_automod(), 400, 200000),
            (faults.unavailable(503), 503, 0),
            (faults.unavailable(521, path="/users/*"), 521, 0),
        ],
    )
    async def test_others_that_discord_answers_with(
        self, practice: PracticeServer, fault: Fault, status: int, code: int
    ) -> None:
        ada = support.people(practice.world)[0]
        async with connected(practice) as bot:
            user = await bot.fetch_user(ada.id)
            practice.faults.add(fault)
            with pytest.raises(discord.HTTPException) as caught:
                await user.send("Hello")
            assert (caught.value.status, caught.value.code) == (status, code)
            assert practice.dm_texts(ada.id) == []
            await user.send("Hello")
        assert practice.dm_texts(ada.id) == ["Hello"]

    async def test_a_slow_answer_comes_in_the_end(self, practice: PracticeServer) -> None:
        ada = support.people(practice.world)[0]
        practice.faults.add(Fault(Kind.SLOW, delay=0.01))
        long = practice.faults.add(Fault(Kind.SLOW, delay=600))
        async with connected(practice) as bot:
            user = await bot.fetch_user(ada.id)
            await soon(user.send("Hello"))
            sending = asyncio.create_task(user.send("Hello again"))
            await soon(long.struck.wait())
            await soon(practice.sent.get())
            assert (await soon(practice.sent.get())).content == "Hello again"
            assert not sending.done()
            long.release.set()
            await soon(sending)


class TestByName:
    @pytest.mark.parametrize("name", faults.BY_NAME)
    def test_has_a_count(self, name: str) -> None:
        assert (faults.by_name(name).times, faults.by_name(f"{name}:7").times) == (1, 7)

    @pytest.mark.parametrize(
        ("text", "told"), [("thunder", "Choose one of: cannot-dm"), ("slow:x", "slow:3"), ("slow:0", "slow:3")]
    )
    def test_tells_what_is_wrong(self, text: str, told: str) -> None:
        with pytest.raises(ValueError, match=told):
            faults.by_name(text)


class TestLimits:
    async def test_a_global_limit_answers_429(self, practice: PracticeServer) -> None:
        practice.limits.globally = 3
        headers = {"Authorization": f"Bot {practice.token}"}
        async with aiohttp.ClientSession(headers=headers) as session:
            answers = [await session.get(practice.api_url + "/users/@me") for _ in range(5)]
            async with session.get(practice.api_url + "/webhooks/1/t/messages/@original") as hook:
                assert hook.status == 404  # it does not count
        assert [answer.status for answer in answers] == [200, 200, 200, 429, 429]
        assert (practice.limits.refused, practice.limits.busiest) == (2, 3)
        assert answers[-1].headers["Via"]
        assert answers[-1].headers["X-RateLimit-Global"] == "true"

    async def test_a_route_limit_is_announced_and_kept(self, practice: PracticeServer) -> None:
        practice.limits.routes["GET /users/@me"] = (2, 60.0)
        async with aiohttp.ClientSession(headers={"Authorization": f"Bot {practice.token}"}) as session:
            answers = [await session.get(practice.api_url + "/users/@me") for _ in range(3)]
        assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
        assert [answer.status for answer in answers] == [200, 200, 429]
        assert [answer.headers["Content-Type"] for answer in answers] == ["application/json"] * 3

    async def test_a_ban_follows_many_invalid_requests(self, practice: PracticeServer) -> None:
        practice.limits.invalid_allowed = 3
        practice.faults.add(Fault(Kind.REFUSED, method="GET", path="/users/@me", status=403, times=2))
        async with aiohttp.ClientSession() as session:

            async def ask(token: str = practice.token) -> aiohttp.ClientResponse:
                headers = {"Authorization": f"Bot {token}"}
                return await session.get(practice.api_url + "/users/@me", headers=headers)

            statuses = [(await ask()).status for _ in range(3)] + [(await ask("wrong")).status]
            banned = await ask()
            practice.limits.forgive()
            assert (await ask()).status == 200
        assert statuses == [403, 403, 200, 401]
        assert banned.status == 429
        assert "Via" not in banned.headers
        assert await banned.text() == "error code: 1015"

    def test_forget_channels_that_have_rested(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "MOST_WINDOWS", 2)
        kept = limits.Limits(default=(1, 0.0))
        for number in range(9):
            kept.take("GET /channels/{channel_id}", str(number))
        assert len(kept._windows) <= 2


class TestGatewayFaults:
    async def test_an_event_can_come_twice(self, practice: PracticeServer) -> None:
        ada = support.people(practice.world)[0]
        practice.faults.add(Fault(Kind.TWICE, method=GATEWAY, path="MESSAGE_CREATE"))
        async with connected(practice) as bot:
            row = await practice.member_says(ada.id, "dm", "Hello")
            await practice.member_says(ada.id, "dm", "Once")
            heard = [await soon(bot.heard.get()) for _ in range(3)]
            assert [(each.id == row.id, each.content) for each in heard] == [
                (True, "Hello"), (True, "Hello"), (False, "Once")
            ]  # fmt: skip

    async def test_events_can_be_withheld_until_a_resume(self, practice: PracticeServer) -> None:
        ada = support.people(practice.world)[0]
        async with connected(practice) as bot:
            practice.faults.add(Fault(Kind.WITHHELD, method=GATEWAY, path="MESSAGE_CREATE"))
            for text in ("One", "Two"):
                await practice.member_says(ada.id, "dm", text)
            practice.gateway.ask_to_reconnect()  # what is sent after them
            await soon(practice.gateway.wait("RESUMED"))
            assert [(await soon(bot.heard.get())).content for _ in range(2)] == ["One", "Two"]
            await practice.member_says(ada.id, "dm", "Three")
            assert (await soon(bot.heard.get())).content == "Three"

    async def test_a_connection_can_end_at_an_event(self, practice: PracticeServer) -> None:
        ada = support.people(practice.world)[0]
        async with connected(practice) as bot:
            practice.faults.add(faults.gateway_closes(4000, moment="MESSAGE_CREATE", times=1))
            await practice.member_says(ada.id, "dm", "Hello")
            await soon(practice.gateway.wait("RESUMED"))
            assert (await soon(bot.heard.get())).content == "Hello"
            assert bot.heard.empty()

    @pytest.mark.parametrize("how", ["drop", "op 7", "op 9 resumable"])
    async def test_a_resume_brings_what_was_missed(self, practice: PracticeServer, how: str) -> None:
        ada = support.people(practice.world)[0]
        async with connected(practice) as bot:
            if how == "drop":
                practice.gateway.drop()
            elif how == "op 7":
                practice.gateway.ask_to_reconnect()
            else:
                practice.gateway.invalidate(resumable=True)
            await practice.member_says(ada.id, "dm", "While you were away")
            await soon(practice.gateway.wait("RESUMED"))
            assert (await soon(bot.heard.get())).content == "While you were away"
            assert bot.heard.empty()
        assert practice.gateway.moments.count("IDENTIFY") == 1

    async def test_an_invalid_session_begins_anew(self, practice: PracticeServer) -> None:
        ada = support.people(practice.world)[0]
        async with connected(practice) as bot:
            practice.gateway.invalidate()
            await soon(practice.gateway.wait("IDENTIFY", 2))
            await practice.member_says(ada.id, "dm", "Hello again")
            assert (await soon(bot.heard.get())).content == "Hello again"

    async def test_a_refused_resume_begins_anew(self, practice: PracticeServer) -> None:
        practice.faults.add(Fault(Kind.INVALID_SESSION, method=GATEWAY, path="RESUME"))
        async with connected(practice):
            practice.gateway.drop()
            await soon(practice.gateway.wait("IDENTIFY", 2))

    async def test_4014_tells_of_missing_intents(self, practice: PracticeServer) -> None:
        practice.faults.add(faults.gateway_closes(4014))
        async with TinyBot() as bot:
            with pytest.raises(discord.PrivilegedIntentsRequired):
                await soon(bot.start(practice.token))

    async def test_4004_ends_the_bot(self, practice: PracticeServer) -> None:
        practice.faults.add(faults.gateway_closes(4004))
        async with TinyBot() as bot:
            with pytest.raises(discord.ConnectionClosed) as caught:
                await soon(bot.start(practice.token))
            assert caught.value.code == 4004

    async def test_a_token_revoked_later_ends_the_bot(self, practice: PracticeServer) -> None:
        async with TinyBot() as bot:
            running = asyncio.create_task(bot.start(practice.token))
            await practice.wait_connected()
            practice.gateway.close_all(4004)
            with pytest.raises(discord.ConnectionClosed):
                await soon(running)
