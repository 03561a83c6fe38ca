"""The system checks of the community's zone and of the language model."""

from datetime import timedelta
from typing import Any

import pytest

from followups import checks, conf


class TestKnownTimezone:
    @pytest.mark.parametrize("name", ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires"])
    def test_accepts_iana_zones(self, settings: Any, name: str) -> None:
        settings.SCHEDULER_TIMEZONE = name

        assert checks.known_timezone() == []

    @pytest.mark.parametrize("name", ["Mars/Olympus", "", "Europe", "../etc/passwd"])
    def test_refuses_anything_else_with_one_sentence(self, settings: Any, name: str) -> None:
        settings.SCHEDULER_TIMEZONE = name

        (problem,) = checks.known_timezone()

        assert problem.id == "followups.E001"
        assert f"SCHEDULER_TIMEZONE={name!r}" in problem.msg


class TestUsableLanguageModel:
    @pytest.mark.parametrize(
        ("address", "model", "problem"),
        [
            ("", "", None),
            ("http://127.0.0.1:11434/v1", "m", None),
            ("http://localhost/v1", "m", None),
            ("http://[::1]:8080/v1", "m", None),
            ("https://llm.example/v1", "m", None),
            ("https://llm.example/v1", "", "E022"),
            ("llm.example/v1", "m", "E021"),
            ("ftp://llm.example", "m", "E021"),
            ("http://[::1", "m", "E021"),
            ("https://", "m", "E021"),
            ("http://llm.example/v1", "m", "W020"),
            ("http://127.0.0.1.evil.example/v1", "m", "W020"),
        ],
    )
    def test_refuses_half_of_one(self, settings: Any, address: str, model: str, problem: str | None) -> None:
        settings.LLM_BASE_URL, settings.LLM_MODEL = address, model

        found = [message.id for message in checks.usable_language_model()]

        assert found == ([f"followups.{problem}"] if problem else [])

    def test_refuses_an_unknown_mode(self, settings: Any) -> None:
        settings.LLM_MODE = "yolo"

        (problem,) = checks.usable_language_model()

        assert problem.msg == "LLM_MODE='yolo' is unknown: use one of off, draft, automatic."


class TestCurrent:
    def test_reads_the_settings_when_called(self, settings: Any) -> None:
        settings.FOLLOW_UP_DEFAULT_DELAY_HOURS = 3
        settings.FOLLOW_UP_QUIET_HOURS_START = 1

        limits = conf.current().limits()

        assert (limits.inactivity_window, limits.quiet_start) == (timedelta(hours=3), 1)
