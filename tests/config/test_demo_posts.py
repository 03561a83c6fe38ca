"""The posts of the demo, played through with the ordinary operations."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from config import demo_posts
from jobs.models import ScheduledJob
from socialmedia.metrics import analytics
from socialmedia.models import Comment, Conversation, Hashtag, Post, PostAlert, PostSnapshot

pytestmark = pytest.mark.django_db


@pytest.fixture
def _settings(settings: Any) -> None:
    for name, value in demo_posts.SETTINGS.items():
        setattr(settings, name, value)


@pytest.mark.usefixtures("_settings")
class TestPlant:
    def test_leaves_posts_of_all_kinds_with_their_past_and_a_next_check(self) -> None:
        now = timezone.now()

        assert demo_posts.plant(now=now) == len(demo_posts.POSTS) == Post.objects.count()

        states = Counter(Post.objects.values_list("tracking_state", flat=True))
        assert states == {"active": len(demo_posts.POSTS) - 2, "complete": 1, "unavailable": 1}
        oldest = Post.objects.get(tracking_state="complete")
        assert oldest.snapshots.count() == 10
        curve = analytics.of_post(oldest.pk)["curve"]["views"]
        assert {point["kind"] for point in curve} == {"measured"}
        assert not PostSnapshot.objects.filter(covers__gt=1).exists()
        assert not Post.objects.filter(next_check_at__lte=now).exists()
        live = ScheduledJob.objects.filter(job_type="post_check", status="pending", next_attempt_at__gt=now)
        assert live.count() == states["active"]
        assert {int(alert.post.external_post_id) % 2 for alert in PostAlert.objects.filter(metric="views")} == {1}
        assert PostSnapshot.objects.filter(decreased__contains=["likes"]).exists()
        assert Comment.objects.filter(is_creator_reply=True).exists()
        assert Hashtag.objects.filter(total_uses__gt=1, total_views__gt=0).exists()

    def test_does_it_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(demo_posts, "POSTS", demo_posts.POSTS[-2:])
        now = timezone.now()
        demo_posts.plant(now=now)
        Post.objects.filter(account__username="practice.hidden").delete()
        later = now + timedelta(hours=1)

        assert demo_posts.plant(now=later) == 1
        assert demo_posts.plant(now=later) == 0


@pytest.mark.usefixtures("_settings")
class TestWriteToUs:
    def test_makes_one_conversation_of_our_account_with_two_messages(self) -> None:
        demo_posts.write_to_us(now=timezone.now())
        demo_posts.write_to_us(now=timezone.now())

        conversation = Conversation.objects.get()
        assert (conversation.platform, conversation.unread_count) == ("tiktok", 2)
        assert conversation.account.is_own
        assert conversation.last_message_preview.endswith("take people along?")
