"""Long texts become several messages, and nothing is lost."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.splitting import LIMIT, parts

PIECES = st.sampled_from(
    [
        "Hello",
        " ",
        "\n",
        "\n\n",
        ". ",
        "a",
        "word ",
        "```\n",
        "```python\n",
        "```",
        "é",
        "👩‍👩‍👧‍👦",
        "🇩🇪",
        "👍🏽",
        "x" * 60,
        "! ",
    ]
)


def squeezed(text: str) -> str:
    """The text without white space and without the fences of code, which a cut may add."""
    return re.sub(r"\s", "", re.sub(r"```(python)?", "", text))


class TestParts:
    def test_leave_a_short_text_as_it_is(self) -> None:
        assert parts(" Hello\n") == [" Hello\n"]

    def test_of_a_text_of_2001_characters_are_two(self) -> None:
        assert [len(part) for part in parts("x" * 2001)] == [2000, 1]

    def test_end_with_a_paragraph(self) -> None:
        text = f"{'a. ' * 400}\n\n{'b. ' * 400}"
        assert [part.strip() for part in parts(text)] == [("a. " * 400).strip(), ("b. " * 400).strip()]

    def test_end_with_a_sentence_when_the_paragraph_is_too_long(self) -> None:
        first, second = parts("Twelve words are in this sentence, which is about one thing. " * 40)
        assert first.endswith("one thing.")
        assert second.startswith("Twelve words")

    def test_end_with_a_word_when_the_sentence_is_too_long(self) -> None:
        assert {word for part in parts("word " * 900) for word in part.split()} == {"word"}

    def test_do_not_follow_a_paragraph_that_would_leave_them_nearly_empty(self) -> None:
        assert [len(part) for part in parts("Dear you,\n\n" + "x" * 2500)] == [9, 2000, 500]
        assert len(parts("Hi.\n\n" + "word " * 500)[0]) > LIMIT / 2

    @pytest.mark.parametrize(
        "character", ["👩‍👩‍👧‍👦", "🇩🇪", "👍🏽", "e\u0301", "🏴\U000e0067\U000e0062\U000e007f", "❤️"]
    )
    def test_never_end_inside_a_character(self, character: str) -> None:
        found = parts(character * 1500)
        assert {part.replace(character, "") for part in found} == {""}
        assert all(len(part) <= LIMIT for part in found)

    def test_keep_a_block_of_code_whole_when_it_fits(self) -> None:
        code = "```python\n" + "print(1)\n\n" * 100 + "```"
        first, second = parts("word " * 300 + "\n" + code + "\nThat was it.")
        assert "```" not in first
        assert second == code + "\nThat was it."

    def test_close_and_open_a_longer_block_of_code(self) -> None:
        lines = [f"    print({number})" for number in range(300)]
        found = parts("Look:\n```python\n" + "\n".join(lines) + "\n```\nThat was it.")
        assert all(part.count("```") == 2 and len(part) <= LIMIT for part in found)
        assert found[1].startswith("```python\n    print(")
        assert [line for part in found for line in part.splitlines() if "print" in line] == lines

    def test_are_at_least_one(self) -> None:
        assert len(parts(" " * 5000)) == 1

    @given(st.lists(PIECES, max_size=80).map("".join), st.integers(50, 200))
    def test_lose_nothing_and_are_short_enough(self, text: str, limit: int) -> None:
        found = parts(text, limit)
        assert all(len(part) <= limit for part in found)
        assert squeezed("".join(found)) == squeezed(text)
        if len(text) > limit and text.strip():
            assert all(part.strip() for part in found)
