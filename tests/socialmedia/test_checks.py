"""What is refused at start."""

from typing import Any

from socialmedia import checks
from socialmedia.providers import choosing


class TestKnownProvider:
    def test_takes_every_registered_one(self, settings: Any) -> None:
        for name in choosing.names():
            settings.TIKTOK_PROVIDER = name
            assert checks.known_provider() == []

    def test_names_those_that_there_are(self, settings: Any) -> None:
        settings.TIKTOK_PROVIDER = "rapidpai"
        (error,) = checks.known_provider()
        assert error.msg.startswith("TIKTOK_PROVIDER='rapidpai' is not one of ")
        assert {"rapidapi", "practice"} <= set(choosing.names())
