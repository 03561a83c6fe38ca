"""Which addresses lead to a post, and what is said of those that don't."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from socialmedia.providers import addresses
from socialmedia.providers.addresses import Address, NotAPost

ID = "7312345678901234567"
CANONICAL = f"https://www.tiktok.com/@ada.makes/video/{ID}"


class TestParse:
    @pytest.mark.parametrize(
        "text",
        [
            CANONICAL,
            f"http://www.tiktok.com/@ada.makes/video/{ID}",
            f"https://m.tiktok.com/@ada.makes/video/{ID}",
            f"https://tiktok.com/@ada.makes/video/{ID}",
            f"tiktok.com/@ada.makes/video/{ID}",
            f"www.tiktok.com/@ada.makes/video/{ID}",
            f"//www.tiktok.com/@ada.makes/video/{ID}",
            f"HTTPS://WWW.TikTok.COM/@Ada.Makes/video/{ID}",
            f"https://www.tiktok.com:443/@ada.makes/video/{ID}",
            f"https://www.tiktok.com./@ada.makes/video/{ID}",
            f"{CANONICAL}/",
            f"{CANONICAL}//",
            f"{CANONICAL}?is_from_webapp=1&sender_device=pc",
            f"{CANONICAL}?next=https://evil.example/@x/video/1",
            f"{CANONICAL}#comments",
            f"{CANONICAL}/?lang=de#top",
            f"{CANONICAL}/comments",
            f"  {CANONICAL}\n",
            f"<{CANONICAL}>",
            f"({CANONICAL}),",
            f"https://www.tiktok.com/%40ada.makes/video/{ID}",
        ],
    )
    def test_finds_a_video_however_it_was_copied(self, text: str) -> None:
        assert addresses.parse(text) == Address("video", "ada.makes", ID, CANONICAL)

    def test_finds_a_photo_post(self) -> None:
        url = f"https://www.tiktok.com/@ada.makes/photo/{ID}"
        assert addresses.parse(f"{url}?x=1") == Address("photo", "ada.makes", ID, url)

    @pytest.mark.parametrize(
        "path",
        [f"v/{ID}.html", f"v/{ID}", f"embed/v2/{ID}", f"embed/{ID}?lang=en", f"player/v1/{ID}", f"share/video/{ID}/"],
    )
    def test_finds_a_post_that_is_named_by_its_id_alone(self, path: str) -> None:
        found = addresses.parse(f"https://m.tiktok.com/{path}")
        assert found == Address("video", "", ID, f"https://www.tiktok.com/@/video/{ID}")

    @pytest.mark.parametrize(
        ("text", "url"),
        [
            ("https://vm.tiktok.com/ZMabc12/", "https://vm.tiktok.com/ZMabc12/"),
            ("vt.tiktok.com/ZSabc12?k=1", "https://vt.tiktok.com/ZSabc12/"),
            ("https://www.tiktok.com/t/ZTabc12", "https://www.tiktok.com/t/ZTabc12/"),
        ],
    )
    def test_leaves_it_to_tiktok_where_a_short_link_leads(self, text: str, url: str) -> None:
        assert addresses.parse(text) == Address("short", "", "", url)

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("", "There is no address."),
            (" \n", "There is no address."),
            ("https://www.tiktok.com/" + "a" * 10_000, "10,023 characters"),
            (f"https://www.youtube.com/@ada.makes/video/{ID}", '"www.youtube.com" is not TikTok.'),
            (f"https://tiktok.com.evil.org/@ada/video/{ID}", '"tiktok.com.evil.org" is not TikTok.'),
            (f"https://eviltiktok.com/@ada/video/{ID}", '"eviltiktok.com" is not TikTok.'),
            (f"https://tiktоk.com/@ada/video/{ID}", "is not TikTok."),  # a Cyrillic o
            (f"https://www.tiktok.com@evil.org/@ada/video/{ID}", "does not lead to TikTok"),
            (f"https://evil.org@www.tiktok.com/@ada/video/{ID}", "does not lead to TikTok"),
            (f"https://www.tiktok.com:8080/@ada/video/{ID}", "does not lead to TikTok"),
            (f"https://www.tiktok.com:no/@ada/video/{ID}", "is no address."),
            (f"https://[www.tiktok.com/@ada/video/{ID}", "is no address."),
            (f"https://evil.org\\@www.tiktok.com/@ada/video/{ID}", "is not one address"),
            (f"https://www.tiktok.com/@ada/video/ {ID}", "is not one address"),
            (f"{CANONICAL} {CANONICAL}", "is not one address"),
            (f"ftp://www.tiktok.com/@ada/video/{ID}", "no address of a web page"),
            (f"javascript:alert({ID})", "is no address."),
            (ID, "is a number, not an address."),
            ("https://www.tiktok.com/@ada.makes", "a profile"),
            ("https://www.tiktok.com/@ada.makes/", "a profile"),
            ("https://www.tiktok.com/@ada.makes/video/", "a profile"),
            ("https://www.tiktok.com/@ada.makes/live", "a live stream"),
            ("https://www.tiktok.com/@ada.makes/playlist/x-1", "a list of posts"),
            ("https://www.tiktok.com/tag/diy", "a hashtag's page"),
            ("https://www.tiktok.com/music/original-sound-1", "a sound's page"),
            ("https://www.tiktok.com/search?q=diy", "a search"),
            ("https://www.tiktok.com", "no post at"),
            ("https://www.tiktok.com/foryou", "no post at"),
            ("https://www.tiktok.com/@ada/video/abc", "A post's id is a number"),
            ("https://www.tiktok.com/@ada/video/73123456789012345678901", "A post's id is a number"),
            ("https://www.tiktok.com/@ada/video/0", "A post's id is a number"),
            ("https://www.tiktok.com/@ada/video/٧٣١", "A post's id is a number"),
            ("https://www.tiktok.com/@a%2Fb;c/video/1", "is no TikTok handle."),
            ("https://vm.tiktok.com/", "A short link ends with"),
            ("https://vm.tiktok.com/%20", "A short link ends with"),
            ("hello", '"hello" is not TikTok.'),
            ("\ud83d", "is not TikTok."),
        ],
    )
    def test_says_in_one_sentence_what_is_wrong_and_how_it_looks(self, text: str, why: str) -> None:
        with pytest.raises(NotAPost) as caught:
            addresses.parse(text)
        said = str(caught.value)
        assert why in said
        assert said.endswith(f"A post's address looks like {addresses.EXAMPLE}.")
        assert len(said.encode()) < 350

    @given(
        st.text() | st.text(alphabet="htps:/@.%[]\\?#0173tikokvmcom \x00video").map("https://www.tiktok.com/".__add__)
    )
    @example("https://www.tiktok.com/@/video/1")
    @example("https://[")
    @example("//")
    def test_reads_or_refuses_whatever_it_is_given(self, text: str) -> None:
        try:
            found = addresses.parse(text)
        except NotAPost:
            return
        assert addresses.parse(found.url) == found

    @given(st.text(alphabet="abcdefgh_.019", max_size=24), st.integers(1, 10**19), st.sampled_from(["video", "photo"]))
    def test_reads_what_it_writes(self, username: str, number: int, kind: addresses.Kind) -> None:
        url = addresses.canonical(str(number), username, kind)
        assert addresses.parse(url) == Address(kind, username, str(number), url)
