"""The bot talks to Discord or to this machine, to nobody else."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route
from django.core.exceptions import ImproperlyConfigured

from bots import conf, endpoints


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """Leave discord.py as it was."""
    base, gateway = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY
    yield
    Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = base, gateway


def point(api_url: str, gateway_url: str) -> None:
    """Point discord.py somewhere."""
    endpoints.point_discord(replace(conf.current(), token="t", api_url=api_url, gateway_url=gateway_url))


class TestPointDiscord:
    def test_stays_with_discord_by_default(self) -> None:
        before = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY
        point("", "")
        assert before == (Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY)

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
    def test_points_to_this_machine(self, host: str) -> None:
        point(f"http://{host}:8009/api/v10", f"ws://{host}:8009/gateway")
        assert f"http://{host}:8009/api/v10" == Route.BASE
        assert yarl.URL(f"ws://{host}:8009/gateway") == DiscordWebSocket.DEFAULT_GATEWAY

    @pytest.mark.parametrize(
        ("api_url", "gateway_url"),
        [
            ("http://192.0.2.1/api/v10", "ws://127.0.0.1/"),
            ("http://127.0.0.1/api/v10", "ws://example.org/"),
            ("https://discord.com.example.org/api/v10", "wss://gateway.discord.gg/"),
            ("http://discord.com/api/v10", "wss://gateway.discord.gg/"),
            ("http://127.0.0.1@example.org/api/v10", "ws://127.0.0.1/"),
            ("nonsense", "nonsense"),
        ],
    )
    def test_refuses_anybody_else(self, api_url: str, gateway_url: str) -> None:
        with pytest.raises(ImproperlyConfigured, match="nor an address of this machine"):
            point(api_url, gateway_url)

    def test_wants_both_addresses(self) -> None:
        with pytest.raises(ImproperlyConfigured, match="Set both"):
            point("http://127.0.0.1/api/v10", "")


class TestBotSettings:
    def test_keep_the_token_out_of_their_text(self) -> None:
        assert "secret" not in repr(replace(conf.current(), token="secret"))
