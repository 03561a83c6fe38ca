"""Texts with placeholders: checked when they are saved, rendered without anything left."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialmedia import placeholders
from socialmedia.placeholders import BadPlaceholder

KNOWN = {"name", "event"}


class TestCheck:
    @pytest.mark.parametrize(
        "text", ["", "Hi!", "Hi {name}!", "[[{name}, ]]hi[[ at {event}]]", "[x](y) [z]", "[[{name}{event}]]"]
    )
    def test_takes_what_can_be_rendered(self, text: str) -> None:
        placeholders.check(text, known=KNOWN)

    @pytest.mark.parametrize(
        ("text", "complaint"),
        [
            ("Hi {naem}!", r"^\{naem\} is not known here: use \{event\}, \{name\}\.$"),
            ("Hi {Name}!", r"\{Name\} is not known"),
            ("Hi { name }!", r"\{ name \} is not known"),
            ("Hi {}!", r"\{\} is not known"),
            ("Hi {name!", "lacks its other half"),
            ("Hi name}!", "lacks its other half"),
            ("Hi {{name}}!", "lacks its other half"),
            ("Hi[[ {name}!", r"A part in \[\[ \]\] lacks"),
            ("Hi {name}]]!", r"A part in \[\[ \]\] lacks"),
            ("[[{name}[[{event}]]]]", "cannot contain each other"),
            ("Hi[[ there]]!", "has no placeholder in it"),
        ],
    )
    def test_says_what_is_wrong(self, text: str, complaint: str) -> None:
        with pytest.raises(BadPlaceholder, match=complaint):
            placeholders.check(text, known=KNOWN)


class TestRequired:
    def test_are_those_outside_of_optional_parts(self) -> None:
        text = "Hi[[ {name}]]! {event}?[[ {event} on {date}]]"
        assert placeholders.used(text) == {"name", "event", "date"}
        assert placeholders.required(text) == {"event"}


class TestRender:
    @pytest.mark.parametrize(
        ("text", "values", "shown"),
        [
            ("Hi[[ {name}]]!", {"name": "Ada"}, "Hi Ada!"),
            ("Hi[[ {name}]]!", {}, "Hi!"),
            ("Hi[[ {name}]]!", {"name": ""}, "Hi!"),
            ("[[{name}, ]]how was it[[ at {event}]]?", {"event": "the party"}, "how was it at the party?"),
            ("You[[ at {event} on {date}]]?", {"event": "the party"}, "You?"),
            ("Hello, {name}!", {}, "Hello!"),
            ("Hello {name}!", {}, "Hello!"),
            ("{name}{event}", {"name": "{event}", "event": "x"}, "{event}x"),
            ("{whatever} {0} {}", {}, ""),
            ("{{}name}", {"name": "Ada"}, "name"),
        ],
    )
    def test_puts_values_in(self, text: str, values: dict[str, str], shown: str) -> None:
        assert placeholders.render(text, values) == shown

    @given(st.text(alphabet="ab{}[], "), st.dictionaries(st.sampled_from(["a", "b"]), st.text(alphabet="xy")))
    def test_leaves_no_placeholder(self, text: str, values: dict[str, str]) -> None:
        assert not placeholders.used(placeholders.render(text, values)) & {"a", "b"}
