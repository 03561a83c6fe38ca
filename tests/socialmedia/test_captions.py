"""Hashtags and mentions in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialmedia import captions


class TestHashtags:
    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("My #Garden in #spring", ["garden", "spring"]),
            ("#a #b #A", ["a", "b"]),
            ("#one#two", ["one", "two"]),
            ("see#this", ["this"]),
            ("今日は#庭の花 です", ["庭の花"]),
            ("＃ＦＵＬＬ width", ["full"]),
            ("#हिन्दी and #ภาษาไทย", ["हिन्दी", "ภาษาไทย"]),
            ("#می‌خواهم", ["می\u200cخواهم"]),
            ("#café and #cafe\u0301", ["café"]),
            ("#straße #STRASSE", ["straße", "strasse"]),
            ("#İstanbul #ISTANBUL #istanbul", ["istanbul"]),
            ("#fun🎉party #wow❤️", ["fun", "wow"]),
            ("#2026 #no_1", ["2026", "no_1"]),
            ("𝐟𝐚𝐧𝐜𝐲 #𝐟𝐲𝐩", ["fyp"]),
            ("#end. #comma, (#bracket) #what's", ["end", "comma", "bracket", "what"]),
            ("\u200f#عربي\u200f", ["عربي"]),
            ("# alone ## #! #_ #️⃣ it&#39;s", []),
            ("https://a.example/#part www.b.example#c tiktok.com/@ada#d", []),
            ("", []),
            ("#" + "a" * 255 + " #" + "b" * 256, ["a" * 255]),
        ],
    )
    def test_are_found(self, text: str, found: list[str]) -> None:
        assert captions.hashtags(text) == found

    @given(st.text())
    def test_of_any_text_can_be_stored_and_found_again(self, text: str) -> None:
        for name in captions.hashtags(text + " #" + text):
            assert 0 < len(name) <= captions.LONGEST
            assert captions.hashtags(f"#{name}") == [name]


class TestMentions:
    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("with @ada and @Ben.K_9.", ["ada", "ben.k_9"]),
            ("@ada @ADA", ["ada"]),
            ("(@ada), @ben's", ["ada", "ben"]),
            ("＠ada", ["ada"]),
            ("write to ada@example.org or a.b+c@example.org", []),
            ("https://www.tiktok.com/@ada tiktok.com/@ben m.tiktok.com/@c", []),
            ("@ alone @. @@", []),
            ("@" + "a" * 300, []),
        ],
    )
    def test_are_found(self, text: str, found: list[str]) -> None:
        assert captions.mentions(text) == found

    @given(st.text())
    def test_of_any_text_are_handles(self, text: str) -> None:
        assert all(0 < len(name) <= captions.LONGEST and name.isascii() for name in captions.mentions("@" + text))
