"""Composing: warm, short, safe, and always with the way out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followups import composing
from followups.models import FollowUp, Trigger, UserProfile
from tests.followups.factories import NOON

TRIGGERS = [trigger for trigger in Trigger.values if trigger not in {Trigger.BIRTHDAY, Trigger.GOAL}]


def text_of(trigger: str = "inactivity", level: int = 1, name: str = "Ada", **data: object) -> str:
    return composed_of(trigger, level, name, **data).text


def composed_of(trigger: str, level: int = 1, name: str = "", **data: object) -> composing.Composed:
    profile = UserProfile(name=name, relationship_level=level)
    return composing.compose(profile, FollowUp(trigger_type=trigger, trigger_data=data), now=NOON)


class TestCompose:
    @pytest.mark.parametrize("trigger", TRIGGERS)
    @pytest.mark.parametrize("name", ["Ada", ""])
    def test_has_a_text_for_every_trigger_and_level(self, trigger: str, name: str) -> None:
        texts = [text_of(trigger, level, name) for level in (1, 2, 3, 4)]

        assert texts[0] == texts[1]
        assert len(set(texts)) == 3
        for text in texts:
            assert text.endswith(composing.STOP_LINE)
            assert "/followup_settings off" in text
            assert "{" not in text
            assert ("Ada" in text) is bool(name)

    def test_greets_without_a_name_properly(self) -> None:
        assert text_of(name="").startswith("Hi! ")
        assert text_of(name="Ada").startswith("Hi Ada! ")

    def test_takes_an_unknown_level_for_a_stranger(self) -> None:
        assert text_of(level=77) == text_of(level=1)

    @pytest.mark.parametrize(
        ("trigger", "level", "template"),
        [
            ("inactivity", 1, "inactivity_acquaintance"),
            ("inactivity", 3, "inactivity_friend"),
            ("inactivity", 4, "inactivity_close_friend"),
            ("post_event", 3, "post_event_neutral_emotion"),
            ("re_engagement", 3, "reengagement_general"),
            ("emotion_based", 3, "emotion_check_in"),
            ("custom", 3, "custom"),
        ],
    )
    def test_names_its_template(self, trigger: str, level: int, template: str) -> None:
        assert composed_of(trigger, level).key == template

    def test_names_the_event_and_its_date(self) -> None:
        text = text_of("post_event", event="Spring *party*", event_at="2026-03-05T18:00:00+00:00")

        assert "Spring \\*party\\* on March 5, 2026" in text

    @pytest.mark.parametrize("event_at", ["", "soon", "2026-13-45T00:00:00Z", None, 7])
    def test_does_without_a_date(self, event_at: object) -> None:
        assert "our event." in text_of("post_event", event_at=event_at)

    def test_uses_the_text_of_a_custom_follow_up(self) -> None:
        assert text_of("custom", text="Dear {name}, *welcome*.").startswith("Dear Ada, *welcome*.\n\n")
        assert text_of("custom", name="", text="Dear {name}.").startswith("Dear there.")

    def test_keeps_to_the_limit_of_discord_with_the_way_out(self) -> None:
        text = text_of("custom", text="x" * 5000)

        assert len(text) == composing.LONGEST_MESSAGE
        assert text.endswith("…\n\n" + composing.STOP_LINE)

    @given(trigger=st.sampled_from(TRIGGERS), level=st.integers(-2, 9), name=st.text(), own=st.text())
    def test_survives_any_name(self, trigger: str, level: int, name: str, own: str) -> None:
        text = text_of(trigger, level, name, text=own, event=name)

        assert 0 < len(text) <= composing.LONGEST_MESSAGE
        assert text.endswith(composing.STOP_LINE)
        assert "\x00" not in text


class TestPlain:
    @pytest.mark.parametrize(
        ("name", "shown"),
        [
            ("Ada", "Ada"),
            ("  Ada \n Lovelace ", "Ada Lovelace"),
            ("@everyone", "@\u200beveryone"),
            ("<@123>", "\\<@\u200b123\\>"),
            ("**Ada**", "\\*\\*Ada\\*\\*"),
            ("`code`", "\\`code\\`"),
            ("||x||", "\\|\\|x\\|\\|"),
            ("[click](x)", "\\[click\\]\\(x\\)"),
            ("https://evil.example", ""),
            ("discord.gg/abc", ""),
            ("\u202eadA", "adA"),
            ("\x00\x07", ""),
            ("***", ""),
            ("李雷", "李雷"),
        ],
    )
    def test_leaves_only_words(self, name: str, shown: str) -> None:
        assert composing.plain(name, longest=40) == shown

    @given(st.text(max_size=300))
    def test_keeps_within_its_length(self, name: str) -> None:
        # Each character may get one sign in front of it or behind it.
        assert len(composing.plain(name, longest=40)) <= 80
