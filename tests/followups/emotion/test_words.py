"""The community's own words."""

import pytest

from followups.emotion import words

GOOD = """
[emotions.happy]
words = ["yay"]
phrases = ["made my day"]
emoji = "😀"
[worth]
meh = -0.5
[crisis]
phrases = ["want to die"]
[languages]
other = ["ich"]
english = ["the"]
"""


class TestParse:
    def test_reads_words_phrases_and_emoji(self) -> None:
        read = words.parse(GOOD)
        assert set(read.emotion_of) == {"yay", "made_my_day", "😀"}
        assert set(read.worth) == {"made_my_day", "😀", "meh"}
        assert read.worth_if_unknown["yay"] == pytest.approx(2.1)
        assert read.crisis.search("I want to die") is not None
        assert read.crisis.search("want to diet") is None

    @pytest.mark.parametrize(
        ("old", "new", "complaint"),
        [
            ("[worth]", "[worth", "is not TOML"),
            ("emotions.happy", "emotions.hapy", "is no emotion; use one of"),
            ('["yay"]', '"yay"', "no list of words"),
            ('["yay"]', '["Yay"]', "small letters"),
            ("-0.5", "-5", "a number from -4 to 4"),
            ("-0.5", "true", "a number from -4 to 4"),
            ("[crisis]", "[crises]", r"\[crisis\] is missing"),
        ],
    )
    def test_says_what_is_wrong(self, old: str, new: str, complaint: str) -> None:
        with pytest.raises(words.WordsBroken, match=complaint):
            words.parse(GOOD.replace(old, new))

    def test_takes_the_file_that_comes_along(self) -> None:
        read = words.read()
        assert set(read.emotion_of.values()) == set(words.Emotion) - {words.Emotion.NEUTRAL}
