"""What others wrote comes out as plain words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followups import composing


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
            ("{event}", "event"),
            ("[[{name}]]", "\\[\\[name\\]\\]"),
            ("https://evil.example", ""),
            ("ht{}tps://evil.example", ""),
            ("discord.gg/abc", ""),
            ("\u202eadA", "adA"),
            ("\x00\x07", ""),
            ("***", ""),
            ("李雷", "李雷"),
            ("علی\u200cرضا", "علی\u200cرضا"),
            ("\u202bדוד\u202c", "דוד"),
            ("a\u200cd\u200da", "a d a"),
            ("\u200c\u200c", ""),
        ],
    )
    def test_leaves_only_words(self, name: str, shown: str) -> None:
        assert composing.plain(name, longest=40) == shown

    @given(st.text(max_size=300))
    def test_keeps_within_its_length(self, name: str) -> None:
        # Each character may get one sign in front of it or behind it.
        assert len(composing.plain(name, longest=40)) <= 80
