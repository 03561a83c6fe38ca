"""What a person means by the target of an action."""

import pytest

from socialmedia import targets
from socialmedia.targets import BadTarget, Target

POST = "https://www.tiktok.com/@ada/video/7312345678901234567"


class TestRead:
    @pytest.mark.parametrize(
        ("text", "target"),
        [
            (" @ada.b ", Target("user", "", "ada.b", "https://www.tiktok.com/@ada.b")),
            ("#Käse", Target("hashtag", "Käse", "", "https://www.tiktok.com/tag/K%C3%A4se")),
            (f"{POST}?lang=en", Target("video", "7312345678901234567", "ada", POST)),
            ("tiktok.com/@ada/video/7312345678901234567", Target("video", "7312345678901234567", "ada", POST)),
            ("https://www.tiktok.com/@ada", Target(target_url="https://www.tiktok.com/@ada")),
            ("  ", Target()),
        ],
    )
    def test_knows_what_it_is(self, text: str, target: Target) -> None:
        assert targets.read(text, platform="tiktok") == target

    def test_knows_no_pages_of_other_networks(self) -> None:
        assert targets.read("@ada", platform="bluesky") == Target("user", "", "ada", "")
        assert targets.read(POST, platform="bluesky") == Target(target_url=POST)

    @pytest.mark.parametrize("text", ["ada", "javascript:alert(1)", "http://tiktok.com", "https://", "@", "@a b", "#"])
    def test_refuses_what_nobody_can_tell(self, text: str) -> None:
        with pytest.raises(BadTarget, match="no address beginning with https://, no @handle and no #hashtag"):
            targets.read(text, platform="tiktok")
