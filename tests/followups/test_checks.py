"""The system checks of the community's zone and language, of the words and of the language model."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from followups import checks, conf
from followups.emotion import words


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


class TestKnownLanguage:
    @pytest.mark.parametrize("name", ["en", "de", "pt-br"])
    def test_accepts_those_of_the_templates(self, settings: Any, name: str) -> None:
        settings.FOLLOW_UP_LANGUAGE = name

        assert checks.known_language() == []

    @pytest.mark.parametrize("name", ["", "it", "german"])
    def test_refuses_anything_else_with_one_sentence(self, settings: Any, name: str) -> None:
        settings.FOLLOW_UP_LANGUAGE = name

        (problem,) = checks.known_language()

        assert problem.id == "followups.E003"
        assert problem.msg.endswith("write one of de, en, es, fr, pt.")


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


class TestReadableWords:
    def test_accepts_the_list_that_comes_along(self) -> None:
        assert checks.readable_words() == []

    def test_refuses_a_broken_list_with_one_sentence(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        broken = tmp_path / "words.toml"
        broken.write_text("[worth")
        monkeypatch.setattr(words, "FILE", broken)
        words.read.cache_clear()
        try:
            (problem,) = checks.readable_words()
            broken.unlink()
            (missing,) = checks.readable_words()
        finally:
            words.read.cache_clear()
        assert problem.id == missing.id == "followups.E002"
        assert "words.toml is not TOML" in problem.msg
        assert "restore it from the release" in missing.msg
