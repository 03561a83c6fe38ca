"""How comments sound."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialmedia import sentiment


class TestRead:
    @pytest.mark.parametrize(
        ("text", "label"),
        [
            ("This is so beautiful, I love it!", "positive"),
            ("amazing", "positive"),
            ("❤️❤️❤️", "positive"),
            ("que lindo 😍", "positive"),
            ("#love this", "positive"),
            ("I hate this, it is horrible", "negative"),
            ("not good at all", "negative"),
            ("👎🏽", "negative"),
            ("What is the name of the song?", "neutral"),
        ],
    )
    def test_says_how_it_sounds(self, text: str, label: str) -> None:
        feeling = sentiment.read(text)
        assert feeling is not None
        assert feeling.label == label

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "   ",
            "das war die Oma",
            "no me gusta",
            "c'est le pain",
            "とても素敵",
            "мне не нравится",
            "@ada",
            "🔪",
            "\x00",
        ],
    )
    def test_says_nothing_of_what_it_cannot_read(self, text: str) -> None:
        assert sentiment.read(text) is None

    @given(st.text())
    def test_takes_any_text(self, text: str) -> None:
        feeling = sentiment.read(text)
        assert feeling is None or -1 <= feeling.score <= 1

    def test_is_quick_with_the_longest_comment(self) -> None:
        assert sentiment.read("😍" * 100_000) is not None
