"""Dates and lengths of time in five languages, and in which order languages are tried."""

from datetime import date, timedelta

import pytest

from followups.composing import languages

FIVE = ("de", "en", "es", "fr", "pt")


class TestLanguage:
    @pytest.mark.parametrize(
        ("code", "shown"),
        [
            ("en", "November 15, 2025"),  # the seed's own test (ORIGINS 3.10)
            ("de", "15. November 2025"),
            ("es", "15 de noviembre de 2025"),
            ("fr", "15 novembre 2025"),
            ("pt", "15 de novembro de 2025"),
        ],
    )
    def test_writes_dates(self, code: str, shown: str) -> None:
        assert languages.of(code).date(date(2025, 11, 15)) == shown

    def test_knows_the_first_of_a_month(self) -> None:
        first = date(2026, 3, 1)
        assert [languages.of(code).date(first).split(" ")[0] for code in FIVE] == ["1.", "March", "1", "1er", "1º"]

    @pytest.mark.parametrize(
        ("days", "english", "german"),
        [
            (0, "a few hours", "ein paar Stunden"),
            (1, "a day", "einem Tag"),
            (3, "three days", "drei Tagen"),
            (6, "six days", "sechs Tagen"),
            (7, "about a week", "etwa einer Woche"),
            (16, "about two weeks", "etwa zwei Wochen"),
            (27, "about three weeks", "etwa drei Wochen"),
            (28, "about a month", "etwa einem Monat"),
            (180, "about half a year", "etwa einem halben Jahr"),
            (365, "about eleven months", "etwa elf Monaten"),
            (366, "more than a year", "mehr als einem Jahr"),
            (4000, "more than a year", "mehr als einem Jahr"),
        ],
    )
    def test_writes_lengths_of_time(self, days: int, english: str, german: str) -> None:
        length = timedelta(days=days, hours=5)
        assert languages.of("en").period(length) == english
        assert languages.of("de").period(length) == german

    @pytest.mark.parametrize("code", FIVE)
    def test_has_a_word_for_every_length(self, code: str) -> None:
        language = languages.of(code)
        assert all(language.period(timedelta(days=days)) for days in range(800))
        assert len(set(language.months)) == 12

    def test_are_five(self) -> None:
        assert languages.codes() == {*FIVE}


class TestOf:
    @pytest.mark.parametrize(
        ("locale", "code"), [("pt-br", "pt"), ("pt_BR", "pt"), ("DE", "de"), ("it", "en"), ("", "en")]
    )
    def test_finds_the_language_of_a_locale(self, locale: str, code: str) -> None:
        assert languages.of(locale).code == code


class TestChain:
    @pytest.mark.parametrize(
        ("locale", "community", "tried"),
        [
            ("pt-BR", "de", ["pt-br", "pt", "de", "en"]),
            ("de", "de", ["de", "en"]),
            ("", "fr", ["fr", "en"]),
            ("it", "es-mx", ["it", "es-mx", "es", "en"]),
            ("", "", ["en"]),
        ],
    )
    def test_goes_from_the_member_to_the_community_to_english(
        self, locale: str, community: str, tried: list[str]
    ) -> None:
        assert languages.chain(locale, community) == tried

    def test_of_which_the_first_known_language_is_found(self) -> None:
        assert languages.first(["it", "pt-br", "en"]).code == "pt"
