"""Chance that stays the same, and moves as few members as can be."""

from collections import Counter

import pytest

from followups import assignment
from followups.analytics import experiments

MEMBERS = [str(175928847299117063 + number * 4194304) for number in range(10_000)]


def chosen(**weights: int) -> dict[str, str]:
    return {member: assignment.choose(weights, member, "quiet") for member in MEMBERS}


class TestChoose:
    # Written down once: another process, host or version must answer the same, or members change their variant.
    def test_is_the_same_everywhere_for_ever(self) -> None:
        found = [assignment.choose({"a": 1, "b": 1, "c": 2}, str(member), "quiet") for member in range(12)]
        assert "".join(found) == "cbbbbaabcbcb"

    @pytest.mark.parametrize("weights", [{"a": 1, "b": 1}, {"a": 1, "b": 3}, {"a": 5, "b": 3, "c": 2}])
    def test_gives_each_its_share(self, weights: dict[str, int]) -> None:
        counts = Counter(chosen(**weights).values())
        for name, weight in weights.items():
            assert counts[name] == pytest.approx(10_000 * weight / sum(weights.values()), abs=200)

    def test_moves_only_the_share_of_a_variant_that_comes(self) -> None:
        before, after = chosen(a=1, c=1), chosen(a=1, b=1, c=1)
        moved = [member for member in MEMBERS if before[member] != after[member]]
        assert {after[member] for member in moved} == {"b"}
        assert len(moved) == pytest.approx(3_333, abs=200)

    def test_moves_only_those_of_a_variant_that_goes(self) -> None:
        before = chosen(a=2, b=1, c=1)
        for after in (chosen(a=2, c=1), chosen(a=2, b=0, c=1)):
            assert all(before[member] == "b" for member in MEMBERS if before[member] != after[member])

    def test_a_weight_that_grows_only_takes(self) -> None:
        before, after = chosen(a=1, b=1), chosen(a=1, b=3)
        assert {after[member] for member in MEMBERS if before[member] != after[member]} == {"b"}

    def test_never_takes_a_weight_of_zero(self) -> None:
        assert set(chosen(a=0, b=1).values()) == {"b"}

    @pytest.mark.parametrize("weights", [{}, {"a": 0}])
    def test_of_nothing_is_refused(self, weights: dict[str, int]) -> None:
        with pytest.raises(ValueError, match="no weight is above 0"):
            assignment.choose(weights, "1")

    def test_does_not_follow_the_holdout(self) -> None:
        """Those held out and those contacted would get different texts, were they drawn alike."""
        variants = chosen(a=1, b=1)
        held = [variants[member] for member in MEMBERS if experiments.is_held_out(member, "inactivity", 50)]
        assert Counter(held)["a"] == pytest.approx(len(held) / 2, abs=150)

    def test_is_drawn_anew_for_each_text(self) -> None:
        same = sum(
            assignment.choose({"a": 1, "b": 1}, member, "quiet") == assignment.choose({"a": 1, "b": 1}, member, "goal")
            for member in MEMBERS
        )
        assert same == pytest.approx(5_000, abs=200)
