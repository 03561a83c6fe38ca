"""The console's pages of posts."""

import html
import json
import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.models import ScheduledJob
from socialmedia.models import Comment, Post, PostAlert, PostSnapshot
from tests.config.factories import make_staff
from tests.socialmedia.factories import NOON
from tests.socialmedia.post_factories import HOUR, make_creator, make_post, make_snapshot

ADA = "https://www.tiktok.com/@practice.ada/video/7300000000000000001"


@pytest.fixture(autouse=True)
def practice(settings: Any) -> None:
    settings.TIKTOK_PROVIDER = "practice"
    settings.TIKTOK_REQUESTS_PER_SECOND = 1000


def page_of(post: Post, action: str = "change") -> str:
    return f"{reverse('admin:socialmedia_post_changelist')}{post.pk}/{action}/"


def shown(client: Client, address: str, **query: Any) -> str:
    """A page as people read it, on one line."""
    answer = client.get(address, query)
    assert answer.status_code == 200
    return " ".join(html.unescape(answer.content.decode()).split())


def charts_of(page: str) -> list[dict[str, Any]]:
    return [json.loads(data) for data in re.findall(r'data-value="(\{.*?\})" data-options', page)]


@pytest.mark.django_db
class TestList:
    address = property(lambda self: reverse("admin:socialmedia_post_changelist"))

    def test_shows_the_latest_values_their_change_and_their_course(self, boss: Client) -> None:
        post = make_post(make_creator("ada"))
        for hours, views in ((0, 1_000), (1, 1_500), (6, 1_450)):
            make_snapshot(post, hours=hours, views=views, likes=None)
        page = shown(boss, self.address)
        assert '1,450 <span class="console-change">-50</span>' in page
        assert 'aria-label="Views: 1,000, 1,500, 1,450"' in page
        assert "@ada" in page
        assert "hidden" in page

    def test_loads_no_picture_from_elsewhere(self, boss: Client) -> None:
        make_post(thumbnail_url="https://p16.example/cover.jpg", media_url="https://v.example/play.mp4")
        for address in (self.address, page_of(Post.objects.get())):
            assert ".example" not in shown(boss, address)

    def test_writes_what_comes_from_outside_as_words(self, boss: Client) -> None:
        evil = "<script>alert(1)</script>"
        post = make_post(make_creator(evil), caption=evil, post_url="javascript:alert(1)", check_error=evil)
        make_snapshot(post)
        Comment.objects.create(post=post, platform="tiktok", external_comment_id="1", comment_text=evil)
        for address in (self.address, page_of(post)):
            raw = boss.get(address).content.decode()
            assert evil not in raw
            assert 'href="javascript' not in raw

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"look": "due"}, {"due", "late"}),
            ({"look": "failing"}, {"late"}),
            ({"look": "gone"}, {"gone"}),
            ({"tracking_state__exact": "stopped"}, {"stopped"}),
            ({"tracking_state__exact": "untracked"}, {"untracked"}),
            ({"q": "@be"}, {"stopped"}),
            ({"q": "7312345678901234567"}, {"due"}),
            ({"q": "nobody"}, set()),
            ({"q": "99999999999999999999999999"}, set()),
            ({"q": "9" * 5_000}, set()),
        ],
    )
    def test_is_searched_and_filtered(self, boss: Client, query: dict[str, str], found: set[str]) -> None:
        now = timezone.now()
        rows = {
            "due": make_post(external_post_id="7312345678901234567", next_check_at=now - HOUR),
            "late": make_post(next_check_at=now - HOUR, failed_checks=2),
            "later": make_post(next_check_at=now + 48 * HOUR),
            "stopped": make_post(make_creator("ben"), tracking_state="stopped"),
            "gone": make_post(tracking_state="unavailable", deleted_at=now - HOUR),
            "untracked": make_post(tracking_state="untracked"),
        }
        result = boss.get(self.address, query).context["cl"].result_list
        assert {name for name, row in rows.items() if row in result} == found

    def test_leads_to_the_comparison_of_what_is_chosen(self, boss: Client) -> None:
        posts = [make_post() for _ in range(7)]
        chosen = {"action": "compare_selected", "_selected_action": [post.pk for post in posts[:2]]}
        answer = boss.post(self.address, chosen)
        assert answer.url == f"{self.address}compare/?posts={posts[1].pk}%2C{posts[0].pk}"
        too_many = {**chosen, "_selected_action": [post.pk for post in posts]}
        assert "Choose at most 6 posts" in boss.post(self.address, too_many, follow=True).content.decode()


@pytest.mark.django_db
class TestPage:
    def test_says_what_each_look_saw(self, boss: Client) -> None:
        post = make_post()
        make_snapshot(post, views=1_000, shares=None, check_index=0, planned_at=NOON)
        make_snapshot(
            post,
            hours=30,
            views=900,
            check_index=5,
            covers=4,
            planned_at=NOON + 24 * HOUR,
            decreased=["views"],
        )
        make_snapshot(post, hours=48, views=None, outcome="unavailable", reason="It was deleted.", check_index=6)
        page = shown(boss, page_of(post))
        assert "6 hours late" in page
        assert "Stands for 4 checks; fewer views than before" in page
        assert "Unavailable: It was deleted." in page
        assert "hidden" in page
        assert "≈ 980" in page  # at 6 hours, between the two

    def test_calls_hidden_only_what_somebody_looked_at(self, boss: Client) -> None:
        post = make_post(offsets=(1, 6, 24))
        make_snapshot(post, shares=None)
        make_snapshot(post, hours=1, shares=None)
        table = shown(boss, page_of(post)).split(">At the hours of its plan<")[1].split("≈ lies between")[0]
        assert table.count("hidden") == 2  # at the start and after an hour, not ahead of time

    def test_shows_no_growth_of_one_look(self, boss: Client) -> None:
        make_snapshot(post := make_post())
        assert "±0" not in shown(boss, page_of(post))

    def test_draws_it_beside_the_accounts_usual(self, boss: Client) -> None:
        ada = make_creator("ada")
        posts = [make_post(ada) for _ in range(4)]
        for post, views in zip(posts, (10, 20, 60, 500), strict=True):
            make_snapshot(post, views=views)
            make_snapshot(post, hours=1, views=2 * views)
        (views,) = charts_of(shown(boss, page_of(posts[3])))
        lines = {line["label"]: [spot["y"] for spot in line["data"]] for line in views["datasets"]}
        assert lines["Usual of @ada"][:3] == [20, 40, None]
        assert lines["Views"][:2] == [500, 1000]

    def test_shows_comments_and_leads_out_safely(self, boss: Client) -> None:
        post = make_post()
        Comment.objects.create(
            post=post, platform="tiktok", external_comment_id="1", comment_text="Lovely!", author_username="cleo"
        )
        page = shown(boss, page_of(post))
        assert "@cleo" in page
        assert (
            f'<a href="{post.post_url}" class="text-link" target="_blank" rel="noopener noreferrer">Open on TikTok</a>'
            in page
        )

    @pytest.mark.parametrize(
        ("state", "offered"),
        [
            ("active", {"check-now", "stop"}),
            ("stopped", {"resume", "track-again"}),
            ("complete", {"track-again"}),
            ("unavailable", {"track-again"}),
            ("untracked", {"begin"}),
        ],
    )
    def test_offers_what_its_state_allows(self, boss: Client, state: str, offered: set[str]) -> None:
        post = make_post(tracking_state=state)
        page = shown(boss, page_of(post))
        actions = {"check-now", "stop", "resume", "track-again", "begin"}
        assert {name for name in actions if page_of(post, name) in page} == offered

    def test_offers_nothing_to_who_may_only_look(self, client: Client) -> None:
        post = make_post()
        client.force_login(make_staff("socialmedia.view_post"))
        page = shown(client, page_of(post))
        assert page_of(post, "stop") not in page
        for action in ("stop", "check-now", "fetch-comments"):
            client.post(page_of(post, action))
        assert client.post(reverse("admin:socialmedia_post_track"), {"url": ADA, "offsets": "1"}).status_code == 403
        post.refresh_from_db()
        assert (post.tracking_state, PostSnapshot.objects.count(), ScheduledJob.objects.count()) == ("active", 0, 0)


@pytest.mark.django_db
class TestStopping:
    def test_asks_first_and_can_be_taken_back(self, boss: Client) -> None:
        post = make_post(next_check_at=timezone.now() + HOUR)
        boss.get(page_of(post, "stop"))
        post.refresh_from_db()
        assert post.tracking_state == "active"
        boss.post(page_of(post, "stop"))
        post.refresh_from_db()
        assert (post.tracking_state, post.stopped_by) == ("stopped", "boss")
        assert LogEntry.objects.filter(object_id=str(post.pk)).exists()
        boss.post(page_of(post, "resume"))
        post.refresh_from_db()
        assert post.tracking_state in {"active", "complete"}

    def test_says_that_it_was_stopped_already(self, boss: Client) -> None:
        post = make_post(tracking_state="stopped")
        assert "Nothing was changed" in boss.post(page_of(post, "stop"), follow=True).content.decode()


@pytest.mark.django_db(transaction=True)
class TestTracking:
    address = property(lambda self: reverse("admin:socialmedia_post_track"))

    def test_begins_with_a_look_and_a_plan(self, boss: Client) -> None:
        form = boss.get(self.address, {"url": ADA}).content.decode()
        assert f'value="{ADA}"' in form
        assert 'value="1, 6, 12, 24, 48, 72, 168, 336, 720"' in form
        asked = {"url": ADA, "offsets": "1, 6", "base": "tracking_start"}
        answer = boss.post(self.address, asked, follow=True)
        assert "The post is tracked now." in answer.content.decode()
        post = Post.objects.get()
        assert (post.tracking_state, post.check_offsets, post.snapshots.count()) == ("active", [1, 6], 1)
        again = boss.post(self.address, asked, follow=True).content.decode()
        assert "It was put under tracking before, and is as it was: tracked." in again
        assert post.snapshots.count() == 1
        boss.post(page_of(post, "check-now"))
        assert post.snapshots.count() == 2
        boss.post(page_of(post, "stop"))
        boss.post(page_of(post, "track-again"), {"offsets": "2", "base": "tracking_start"})
        post.refresh_from_db()
        assert (post.tracking_round, post.check_offsets, post.tracking_state) == (2, [2], "active")

    @pytest.mark.parametrize(
        ("url", "offsets", "field"),
        [
            ("https://example.org/video/1", "1, 6", "url"),
            ("https://www.tiktok.com/@ada", "1, 6", "url"),
            (ADA, "6, 1", "offsets"),
            (ADA, "soon", "offsets"),
            (ADA, "", "offsets"),
            (ADA.replace("practice.ada", "practice.gone"), "1", "url"),
        ],
    )
    def test_says_under_the_field_what_is_wrong_and_stores_nothing(
        self, boss: Client, url: str, offsets: str, field: str
    ) -> None:
        answer = boss.post(self.address, {"url": url, "offsets": offsets, "base": "tracking_start"})
        form = answer.context["question"].form
        assert list(form.errors) == [field]
        assert f'value="{url}"' in answer.content.decode(), "what was typed is still there"
        assert not Post.objects.exists()

    def test_cannot_again_what_is_gone_and_says_so(self, boss: Client) -> None:
        url = ADA.replace("practice.ada", "practice.gone")
        post = make_post(tracking_state="stopped", post_url=url, external_post_id="7300000000000000001")
        answer = boss.post(page_of(post, "track-again"), {"offsets": "3", "base": "tracking_start"})
        assert answer.context["question"].form.non_field_errors()
        post.refresh_from_db()
        assert post.tracking_state == "stopped"


@pytest.mark.django_db
class TestComments:
    def test_are_ordered_once(self, boss: Client) -> None:
        post = make_post()
        boss.get(page_of(post, "fetch-comments"))
        assert not ScheduledJob.objects.exists()
        for _ in range(2):
            boss.post(page_of(post, "fetch-comments"))
        assert ScheduledJob.objects.filter(job_type="post_comments").count() == 1


@pytest.mark.django_db
class TestComparison:
    address = property(lambda self: reverse("admin:socialmedia_post_compare"))

    def test_lays_posts_beside_each_other(self, boss: Client) -> None:
        posts = [make_post(make_creator(name)) for name in ("ada", "ben")]
        for factor, post in enumerate(posts, start=1):
            for hours in (0, 1):
                make_snapshot(post, hours=hours, views=factor * 1_000 + hours)
        page = shown(boss, self.address, posts=f"{posts[0].pk}, {posts[1].pk}")
        (chart,) = charts_of(page)
        assert [line["label"] for line in chart["datasets"]] == [f"@ada {posts[0].pk}", f"@ben {posts[1].pk}"]
        assert "2,001" in page

    def test_lays_accounts_beside_each_other(self, boss: Client) -> None:
        for name, views in (("ada", 1_000), ("ben", 3_000)):
            post = make_post(make_creator(name), tracking_started_at=timezone.now() - HOUR)
            make_snapshot(post, views=views, likes=10, comments=0)
        page = shown(boss, self.address, accounts="@Ada, ben", days="30")
        assert "3,000" in page
        assert "1.00 %" in page

    @pytest.mark.parametrize(
        ("query", "words"),
        [
            ({"posts": "one"}, "one is no id of a post"),
            ({"posts": "1,2,3,4,5,6,7"}, "choose at most 6"),
            ({"accounts": "nobody"}, "Nobody here is called @nobody"),
            ({"accounts": "a,b,c"}, "give two"),
            ({"posts": "9999999999999999999"}, "There are no posts with these ids."),
            ({"posts": "9" * 5_000}, "is no id of a post"),
            ({"metric": "views"}, "Nothing is chosen yet"),
            ({"base": "birth"}, "not one of the available choices"),
            ({}, "Up to 6 ids"),
        ],
    )
    def test_says_what_is_wrong(self, boss: Client, query: dict[str, str], words: str) -> None:
        assert words in shown(boss, self.address, **query)

    def test_is_not_for_everybody(self, client: Client) -> None:
        client.force_login(make_staff("jobs.view_scheduledjob"))
        assert client.get(self.address).status_code == 403


@pytest.mark.django_db
class TestAlerts:
    def make_alert(self) -> PostAlert:
        return PostAlert.objects.create(
            post=make_post(),
            tracking_round=1,
            metric="views",
            at_hours=6,
            value=9_000,
            usual=1_000,
            ratio=9,
            created_at=NOON,
        )

    def test_are_seen_by_somebody(self, boss: Client) -> None:
        alert = self.make_alert()
        address = f"{reverse('admin:socialmedia_postalert_changelist')}{alert.pk}/seen/"
        assert "9.0x the usual views" in shown(boss, reverse("admin:socialmedia_postalert_changelist"))
        boss.get(address)
        alert.refresh_from_db()
        assert alert.seen_at is None
        boss.post(address)
        alert.refresh_from_db()
        assert alert.seen_by == "boss"
        assert "Nothing was changed" in boss.post(address, follow=True).content.decode()

    def test_are_seen_together(self, boss: Client) -> None:
        alerts = [self.make_alert() for _ in range(2)]
        address = reverse("admin:socialmedia_postalert_changelist")
        chosen = {"action": "mark_selected", "_selected_action": [alert.pk for alert in alerts]}
        assert "2 alerts are marked as seen." in boss.post(address, chosen, follow=True).content.decode()
        assert len(boss.get(address, {"state": "new"}).context["cl"].result_list) == 0
