"""What single fields say, and that absurd ones say nothing."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialmedia.providers import fields

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


class TestCount:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [(0, 0), (3_512_345_678, 3_512_345_678), ("1234", 1234), (" 7 ", 7), (5.0, 5), (10**15, 10**15)],
    )
    def test_reads_numbers_and_their_text(self, value: Any, expected: int) -> None:
        assert fields.count(value) == expected

    @pytest.mark.parametrize(
        "value", [None, "", -1, "-1", 10**15 + 1, "1.2M", "1,234", 1.5, float("nan"), True, [], {}, "²", "9" * 5_000]
    )
    def test_takes_for_unknown_what_is_no_count(self, value: Any) -> None:
        assert fields.count(value) is None


class TestInstant:
    def test_is_aware(self) -> None:
        assert fields.instant("1770000000") == datetime(2026, 2, 2, 2, 40, tzinfo=UTC)

    @pytest.mark.parametrize("value", [None, 0, "0", -5, 1, 1_770_000_000_000, 10**30, "yesterday", True])
    def test_is_unknown_when_absurd(self, value: Any) -> None:
        assert fields.instant(value) is None


class TestStorable:
    def test_replaces_what_postgresql_refuses(self) -> None:
        raw = {"a\x00": ["\ud83d", float("inf"), {"n": float("nan")}], "b": "שלום 👩‍👩‍👧"}
        assert fields.storable(raw) == {"a\ufffd": ["?", None, {"n": None}], "b": "שלום 👩‍👩‍👧"}

    def test_cuts_endless_nesting_off(self) -> None:
        deep: Any = "bottom"
        for _ in range(900):
            deep = [deep]
        assert "bottom" not in json.dumps(fields.storable(deep))


@given(ANYTHING)
def test_no_value_makes_a_reader_fail(value: Any) -> None:
    for read in (fields.count, fields.instant, fields.text, fields.key, fields.url, fields.flag):
        read(value)
    json.dumps(fields.storable(value), allow_nan=False).encode()
