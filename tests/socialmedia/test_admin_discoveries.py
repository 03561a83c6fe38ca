"""The console's pages of comments, hashtags, searches and accounts' figures."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.models import ScheduledJob
from socialmedia import comments, hashtags, own_accounts, rules
from socialmedia.models import Account, AccountSnapshot, Comment, Conversation, Hashtag, HashtagDay, Post, SearchRun
from socialmedia.providers.base import Gone, HashtagSeen, Profile
from tests.config.factories import make_staff
from tests.fakes.scripted import Scripted, comment, configured, person, video
from tests.socialmedia.factories import make_bot, make_conversation, make_person
from tests.socialmedia.post_factories import make_creator, make_post

pytestmark = pytest.mark.django_db
EVIL = "<script>alert(1)</script>"
in_earnest = pytest.mark.django_db(transaction=True)  # the provider refuses to be asked within a transaction


@pytest.fixture
def provider(settings: Any) -> Iterator[Scripted]:
    with configured(settings) as scripted:
        yield scripted


def listed(model: str) -> str:
    return reverse(f"admin:socialmedia_{model}_changelist")


def page_of(row: Any, action: str = "change") -> str:
    return f"{listed(row._meta.model_name)}{row.pk}/{action}/"


def shown(client: Client, address: str, **query: str) -> str:
    response = client.get(address, query)
    assert response.status_code == 200
    return str(response.content.decode())


def store(*seen: Any, post: Post | None = None) -> Post:
    post = post or make_post()
    comments.store(post.pk, seen, parser_version=1, now=timezone.now())
    return post


class TestComments:
    def test_can_be_found_by_their_author(self, boss: Client) -> None:
        store(comment(1, "Beginning"), comment(2, "End", author=person("cleo", "c9")))
        for words in ("@cleo", "Cleo", "c9"):
            page = shown(boss, listed("comment"), q=words)
            assert "End" in page, words
            assert "Beginning" not in page, words

    def test_can_be_filtered(self, boss: Client) -> None:
        post = store(comment(1, "I love it"), comment(2, "I hate it", parent_external_id="c1"))
        for query, found in (
            ({"sentiment__exact": "negative"}, "I hate it"),
            ({"is_reply__exact": "0"}, "I love it"),
            ({"parent_comment__id__exact": str(Comment.objects.get(external_comment_id="c1").pk)}, "I hate it"),
        ):
            page = shown(boss, listed("comment"), **query)
            assert [words for words in ("I love it", "I hate it") if words in page] == [found]
        assert "I love it" in shown(boss, listed("comment"), post__id__exact=str(post.pk))

    def test_show_their_answers_and_what_they_answer(self, boss: Client) -> None:
        store(comment(1, "Where?", reply_total=7), comment(2, "Here.", parent_external_id="c1", likes=None))
        parent, answer = Comment.objects.order_by("pk")
        page = shown(boss, page_of(parent))
        assert "Here." in page
        assert "1 stored here; the network counts 7" in page
        assert page_of(parent) in shown(boss, page_of(answer))

    def test_are_escaped(self, boss: Client) -> None:
        store(comment(1, EVIL, author=person(EVIL, "x")))
        for address in (listed("comment"), page_of(Comment.objects.get())):
            assert EVIL not in shown(boss, address)


class TestHashtags:
    def test_show_their_history_and_posts(self, boss: Client) -> None:
        post = make_post(caption=f"#lamp {EVIL}")
        hashtags.store(post)
        hashtags.count_day(now=timezone.now())
        page = shown(boss, page_of(Hashtag.objects.get()))
        assert "Counted on 1 of the last 30 days; latest 1." in page
        assert page_of(post) in page
        assert EVIL not in page
        assert "#lamp" in shown(boss, listed("hashtag"), q="#LAM")

    @in_earnest
    def test_ask_the_network_after_a_question(self, boss: Client, provider: Scripted) -> None:
        hashtags.store(make_post(caption="#lamp"))
        lamp = Hashtag.objects.get()
        provider.hashtags["lamp"] = HashtagSeen("lamp", posts=1_200, views=None)
        assert "one call of the provider" in shown(boss, page_of(lamp, "ask-network"))
        assert not provider.asked
        answered = boss.post(page_of(lamp, "ask-network"), follow=True).content.decode()
        assert "1,200 posts, – views" in answered
        assert HashtagDay.objects.get().network_posts == 1_200
        provider.hashtags["lamp"] = Gone("No such hashtag.")
        assert "No such hashtag." in boss.post(page_of(lamp, "ask-network"), follow=True).content.decode()

    def test_are_asked_about_only_by_those_who_may(self, client: Client) -> None:
        hashtags.store(make_post(caption="#lamp"))
        client.force_login(make_staff("socialmedia.view_hashtag"))
        assert client.post(page_of(Hashtag.objects.get(), "ask-network")).status_code == 403


@in_earnest
class TestNewSearch:
    NEW = "admin:socialmedia_searchrun_add"

    def test_shows_what_it_found_and_tracks_it(self, boss: Client, provider: Scripted) -> None:
        provider.found = [video(1, caption=EVIL)]
        page = boss.post(reverse(self.NEW), {"kind": "video", "words": "lamp"}, follow=True)
        run = SearchRun.objects.get()
        assert (run.asked_by, page.redirect_chain[-1][0]) == ("boss", page_of(run))
        text = page.content.decode()
        assert "5,000,000,000" in text
        assert EVIL not in text
        (track,) = re.findall(r'href="([^"]*/track[^"]*)"', text)
        assert "https://www.tiktok.com/@ben_cooks/video/731" in shown(boss, track)

    @pytest.mark.parametrize("kind", ["user", "hashtag"])
    def test_shows_the_other_kinds(self, boss: Client, provider: Scripted, kind: str) -> None:
        provider.found = [
            Profile(person("ada"), followers=5_400) if kind == "user" else HashtagSeen("ada", views=5_400)
        ]
        page = boss.post(reverse(self.NEW), {"kind": kind, "words": "ada"}, follow=True)
        assert "5,400" in page.content.decode()

    def test_links_to_nothing_but_safe_addresses(self, boss: Client, provider: Scripted) -> None:
        found = video(1)
        provider.found = [type(found)(found.external_post_id, found.author, "javascript:alert(1)", {})]
        page = boss.post(reverse(self.NEW), {"kind": "video", "words": "lamp"}, follow=True).content.decode()
        assert "javascript:alert" not in page

    def test_says_under_the_field_what_is_wrong_and_keeps_the_words(self, boss: Client, provider: Scripted) -> None:
        provider.found = [video(1)]
        account = own_accounts.add(platform="tiktok", username="our.shop", now=timezone.now())
        rules.change(rules.RATE_LIMITS, {"search": {"hourly": 0}}, by="ann", now=timezone.now())
        for asked, told in (
            ({"kind": "hashtag", "words": "##"}, "Say what to search for."),
            ({"kind": "video", "words": "lamp", "count": "51"}, "less than or equal to 50"),
            ({"kind": "video", "words": "lamp", "account": str(account.pk)}, "search"),
        ):
            page = boss.post(reverse(self.NEW), asked)
            assert page.status_code == 200
            assert told in page.content.decode()
            assert f'value="{asked["words"]}"' in page.content.decode()
        assert not SearchRun.objects.exists()

    def test_says_that_nobody_can_be_asked(self, boss: Client, settings: Any) -> None:
        settings.TIKTOK_PROVIDER, settings.RAPIDAPI_KEY = "rapidapi", ""
        page = boss.post(reverse(self.NEW), {"kind": "video", "words": "lamp"})
        assert "RAPIDAPI_KEY" in page.content.decode()
        assert not SearchRun.objects.exists()

    def test_that_fails_is_kept_with_its_reason(self, boss: Client, provider: Scripted) -> None:
        provider.found = Gone("No such words.")
        page = boss.post(reverse(self.NEW), {"kind": "video", "words": "lamp"}, follow=True)
        assert "Nothing was found: No such words." in page.content.decode()
        assert SearchRun.objects.get().status == "failed"

    def test_is_for_those_who_may(self, client: Client, provider: Scripted) -> None:
        client.force_login(make_staff("socialmedia.view_searchrun"))
        assert client.post(reverse(self.NEW), {"kind": "video", "words": "lamp"}).status_code == 403
        assert not provider.asked

    def test_that_was_cut_off_says_so(self, boss: Client) -> None:
        SearchRun.objects.create(kind="video", query="lamp", created_at=timezone.now() - timedelta(hours=1))
        assert "Cut off" in shown(boss, listed("searchrun"))


class TestAccounts:
    NEW = "admin:socialmedia_account_add"

    def test_of_ours_are_added(self, boss: Client) -> None:
        form = {"platform": "tiktok", "username": "@Our.Shop", "timezone": "Europe/Berlin"}
        page = boss.post(reverse(self.NEW), form, follow=True).content.decode()
        account = Account.objects.get()
        assert (account.username, account.is_own, account.timezone) == ("our.shop", True, "Europe/Berlin")
        assert "is one of our accounts" in page
        assert "Europe/Berlin" in page

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            ({"platform": "discord"}, "discord"),
            ({"username": "two words"}, "2 to 24 letters"),
            ({"timezone": "Berlin"}, "not a known time zone"),
        ],
    )
    def test_that_cannot_be_are_refused_at_the_field(self, boss: Client, change: dict[str, str], told: str) -> None:
        form = {"platform": "tiktok", "username": "our.shop", "timezone": "", **change}
        page = boss.post(reverse(self.NEW), form)
        assert page.status_code == 200
        assert told in page.content.decode()
        assert not Account.objects.exists()

    def test_are_added_only_by_those_who_may(self, client: Client) -> None:
        client.force_login(make_staff("socialmedia.view_account", "socialmedia.change_account"))
        form = {"platform": "tiktok", "username": "our.shop", "timezone": ""}
        assert client.post(reverse(self.NEW), form).status_code == 403

    def test_of_ours_get_another_zone_and_go_out_of_use(self, boss: Client) -> None:
        account = own_accounts.add(platform="tiktok", username="our.shop", now=timezone.now())
        assert "not a known time zone" in boss.post(page_of(account, "zone"), {"timezone": "x"}).content.decode()
        boss.post(page_of(account, "zone"), {"timezone": "Asia/Tokyo"})
        boss.get(page_of(account, "deactivate"))
        account.refresh_from_db()
        assert (account.timezone, account.is_active) == ("Asia/Tokyo", True)
        boss.post(page_of(account, "deactivate"))
        account.refresh_from_db()
        assert not account.is_active
        assert page_of(account, "activate") in shown(boss, page_of(account))
        boss.post(page_of(account, "activate"))
        boss.post(page_of(account, "stop-figures"))
        account.refresh_from_db()
        assert (account.is_active, account.monitoring_enabled) == (True, False)
        boss.post(page_of(account, "start-figures"))
        boss.post(page_of(account, "figures"))
        assert ScheduledJob.objects.get().job_type == "account_day"

    def test_offer_only_what_fits_them(self, boss: Client) -> None:
        bot, stranger = make_bot(), make_creator("ada")
        assert page_of(bot, "deactivate") not in shown(boss, page_of(bot))
        assert page_of(bot, "zone") in shown(boss, page_of(bot))
        assert page_of(stranger, "zone") not in shown(boss, page_of(stranger))

    @pytest.mark.parametrize(("more", "is_shown"), [((), False), (("socialmedia.view_conversation",), True)])
    def test_show_private_words_to_those_who_may_read_them(
        self, client: Client, more: tuple[str, ...], is_shown: bool
    ) -> None:
        person = make_person()
        talk = make_conversation(person=person)
        Conversation.objects.filter(pk=talk.pk).update(last_message_preview="Only for you")
        client.force_login(make_staff("socialmedia.view_account", *more))
        assert ("Only for you" in shown(client, page_of(person))) is is_shown

    def test_show_their_days(self, boss: Client) -> None:
        account, today = make_creator("ada"), timezone.now().date()
        for back, followers in ((1, 1_000), (0, 980)):
            AccountSnapshot.objects.create(
                account=account,
                snapshot_date=today - timedelta(days=back),
                followers_count=followers,
                followers_growth=None if back else -20,
            )
        page = shown(boss, page_of(account))
        assert "Latest: 980, -20 since the first of these days." in page
        assert f"{today:%Y-%m-%d}" in page
