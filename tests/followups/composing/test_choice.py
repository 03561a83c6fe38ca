"""Choosing a template: the most specific published one, in the best language, and always the same one."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from followups.composing import choice
from followups.composing.choice import NothingPublished, Wanted
from followups.moods import Mood
from socialmedia import templates
from socialmedia.models import MessageTemplate
from tests.followups.composing.factories import make_draft, make_template
from tests.followups.factories import NOON
from tests.socialmedia.factories import make_bot

pytestmark = pytest.mark.django_db

ANYBODY = Wanted(
    user_id="1", trigger="inactivity", locales=["en"], level=1, mood=Mood.NEUTRAL, known=frozenset({"name"})
)


def chosen(**changes: Any) -> str:
    """The key that somebody gets, with its level, mood and language when they are not the usual."""
    row = choice.choose(replace(ANYBODY, **changes))
    return " ".join(str(part) for part in (row.key, row.level or "", row.locale) if part not in {"", "en"})


class TestChoose:
    @pytest.mark.parametrize(
        ("changes", "key"),
        [
            ({}, "inactivity_acquaintance"),
            ({"level": 2}, "inactivity_acquaintance"),
            ({"level": 3}, "inactivity_friend 3"),
            ({"level": 4}, "inactivity_close_friend 4"),
            ({"known": frozenset({"interest"})}, "inactivity_interest"),
            ({"known": frozenset({"interest"}), "level": 3}, "inactivity_interest 3"),
            ({"mood": Mood.LOW}, "inactivity_after_sadness"),
            ({"mood": Mood.LOW, "level": 4}, "inactivity_after_sadness 4"),
            ({"mood": Mood.LOW, "known": frozenset({"interest"})}, "inactivity_after_sadness"),
            ({"mood": Mood.HIGH, "level": 3}, "inactivity_after_happiness 3"),
            ({"trigger": "post_event"}, "post_event_neutral_emotion"),
            ({"trigger": "post_event", "mood": Mood.HIGH}, "post_event_high_emotion"),
            ({"trigger": "post_event", "mood": Mood.LOW, "level": 4}, "post_event_low_emotion 4"),
            ({"trigger": "re_engagement"}, "reengagement_general"),
            ({"trigger": "re_engagement", "has_attended": True}, "reengagement_past_customer"),
            ({"trigger": "re_engagement", "has_attended": True, "level": 3}, "reengagement_past_customer 3"),
            ({"trigger": "emotion_based", "mood": Mood.LOW, "level": 3}, "emotion_check_in 3"),
            ({"trigger": "custom"}, "custom"),
            ({"trigger": "birthday", "level": 4}, "birthday_greeting 4"),
            ({"trigger": "goal"}, "goal_check_in"),
            ({"locales": ["de", "en"]}, "inactivity_acquaintance de"),
            ({"locales": ["pt-br", "pt", "en"], "level": 3}, "inactivity_friend 3 pt"),
            ({"locales": ["it", "fr", "en"], "mood": Mood.LOW}, "inactivity_after_sadness fr"),
            ({"locales": ["it", "en"]}, "inactivity_acquaintance"),
        ],
    )
    def test_of_the_shipped_ones(self, changes: dict[str, Any], key: str) -> None:
        """ORIGINS 3.5, C22."""
        assert chosen(**changes) == key

    def test_prefers_a_text_for_strangers_then_the_acquaintances(self) -> None:
        make_template("ours", "Hi!", trigger="inactivity", level=2)
        assert chosen() == "ours 2"
        make_template("newcomers", "Hi!", trigger="inactivity", level=1)
        assert chosen() == "newcomers 1"
        assert chosen(level=2) == "ours 2"

    def test_prefers_the_region_to_the_language(self) -> None:
        make_template("ours", "Oi!", trigger="inactivity", locale="pt-br")
        assert chosen(locales=["pt-br", "pt", "en"], mood=Mood.LOW) == "ours pt-br"
        assert chosen(locales=["pt", "en"]) == "inactivity_acquaintance pt"

    def test_prefers_the_accounts_own_to_the_shared(self) -> None:
        bot, other = make_bot(), make_bot()
        make_template("ours", "Hi!", trigger="inactivity", account_id=bot.pk)
        assert chosen(account_id=bot.pk, mood=Mood.LOW, level=4) == "ours"
        assert chosen(account_id=other.pk) == "inactivity_acquaintance"
        assert chosen() == "inactivity_acquaintance"

    def test_prefers_staffs_own_among_equals(self) -> None:
        make_template("zebra", "Hi!", trigger="inactivity")
        assert chosen() == "zebra"

    def test_never_takes_one_whose_values_are_missing(self) -> None:
        make_template("zebra", "Hi {name}, how is {interest}?", trigger="inactivity", emotion="neutral")
        assert chosen() == "inactivity_acquaintance"
        assert chosen(known=frozenset({"interest"})) == "zebra"  # only the name may be missing

    @pytest.mark.parametrize(
        "changes",
        [{"is_active": False}, {"paused_at": NOON}, {"status": "retired"}, {"status": "draft"}, {"weight": 0}],
    )
    def test_leaves_out_what_is_not_in_use(self, changes: dict[str, Any]) -> None:
        MessageTemplate.objects.filter(key="inactivity_friend").update(**changes)
        assert chosen(level=3) == "inactivity_acquaintance"

    def test_takes_the_neutral_mood_for_want_of_another(self) -> None:
        MessageTemplate.objects.filter(key="post_event_high_emotion").update(is_active=False)
        assert chosen(trigger="post_event", mood=Mood.HIGH) == "post_event_neutral_emotion"

    def test_says_what_is_missing(self) -> None:
        MessageTemplate.objects.filter(trigger="goal").update(is_active=False)
        with pytest.raises(NothingPublished, match=r"'goal' suits this member \(language de, en; level 1; mood low\)"):
            chosen(trigger="goal", locales=["de", "en"], mood=Mood.LOW)

    def test_takes_one_query(self, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(1):
            chosen(locales=["pt-br", "pt", "fr", "en"], mood=Mood.HIGH)


class TestVariants:
    def test_stay_the_same_for_a_member(self) -> None:
        make_template("inactivity_acquaintance", "Ahoy!", trigger="inactivity", variant="b", weight=3)
        seen = Counter()
        for number in range(200):
            wanted = replace(ANYBODY, user_id=str(number))
            first = choice.choose(wanted)
            assert choice.choose(wanted).pk == first.pk
            seen[first.variant] += 1
        assert 120 < seen["b"] < 180  # three in four; the same on every run

    def test_that_are_drafts_or_paused_are_given_to_nobody(self) -> None:
        make_draft("inactivity_acquaintance", "Ahoy!", trigger="inactivity", variant="b", weight=1000)
        paused = make_template("inactivity_acquaintance", "Oh!", trigger="inactivity", variant="c", weight=1000)
        templates.pause(paused.pk, reason="It did harm.", now=NOON)
        assert {choice.choose(replace(ANYBODY, user_id=str(number))).variant for number in range(50)} == {"a"}


class TestOfLevel:
    @pytest.mark.parametrize(("stored", "read"), [(1, 1), (4, 4), (0, 1), (5, 1), (-3, 1)])
    def test_reads_the_unknown_as_strangers(self, stored: int, read: int) -> None:
        assert choice.of_level(stored) == read
