"""The console's pages of flags, and the mood on a member's page."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from followups import flags
from followups.models import StaffFlag
from tests.config.factories import make_staff
from tests.followups.factories import HOUR, NOON, make_member, say

pytestmark = pytest.mark.django_db

FLAGS = reverse("admin:followups_staffflag_changelist")
ANGRY = "I hate this, I am furious, everything is broken"


def page_of(flag: StaffFlag, action: str = "change") -> str:
    """The address of a flag's page, or of its action."""
    return f"{FLAGS}{flag.pk}/{action}/"


class TestList:
    def test_shows_the_open_ones_first(self, boss: Client) -> None:
        settled, old, new = (
            flags.raise_flag(kind="harm", subject=subject, detail="x", now=NOON + number * HOUR)
            for number, subject in ((2, "settled"), (0, "old"), (1, "new"))
        )
        flags.settle(settled.pk, by="boss", note="done", now=NOON)
        page = boss.get(FLAGS)
        assert [row.pk for row in page.context["cl"].result_list] == [new.pk, old.pk, settled.pk]
        assert boss.get(FLAGS, {"state": "open"}).context["cl"].result_count == 2
        assert boss.get(FLAGS, {"state": "settled"}).context["cl"].result_count == 1

    def test_costs_no_query_per_row(self, boss: Client, django_assert_max_num_queries: Any) -> None:
        for _ in range(8):
            say(make_member(), ANGRY)
        with django_assert_max_num_queries(12):
            assert boss.get(FLAGS).context["cl"].result_count == 8


class TestPage:
    def test_shows_the_message_how_it_sounded_and_the_member(self, boss: Client) -> None:
        member = make_member()
        say(member, ANGRY)
        page = boss.get(page_of(StaffFlag.objects.get())).content.decode()
        assert ANGRY in page
        assert "Angry, negative: 0." in page
        assert "A hint, not a verdict." in page
        assert reverse("admin:followups_userprofile_change", args=[member.pk]) in page

    def test_of_a_flag_about_nobody_works_too(self, boss: Client) -> None:
        flag = flags.raise_flag(kind="harm", subject="birthday", detail="5 of 20 opted out.", now=NOON)
        assert "5 of 20 opted out." in boss.get(page_of(flag)).content.decode()


class TestSettle:
    def test_asks_for_a_note_and_records_who(self, boss: Client) -> None:
        flag = flags.raise_flag(kind="harm", detail="x", now=timezone.now())
        assert boss.get(page_of(flag, "settle")).status_code == 200
        assert boss.post(page_of(flag, "settle"), {"note": " "}).status_code == 200
        flag.refresh_from_db()
        assert flag.settled_at is None
        boss.post(page_of(flag, "settle"), {"note": "Called them."})
        flag.refresh_from_db()
        assert (flag.settled_by, flag.note) == ("boss", "Called them.")
        assert flag.settled_at is not None
        assert LogEntry.objects.get().object_id == str(flag.pk)

    def test_is_done_once(self, boss: Client) -> None:
        flag = flags.raise_flag(kind="harm", detail="x", now=timezone.now())
        boss.post(page_of(flag, "settle"), {"note": "First."})
        page = boss.post(page_of(flag, "settle"), {"note": "Second."}, follow=True)
        flag.refresh_from_db()
        assert flag.note == "First."
        assert "somebody has settled it before" in page.content.decode()
        assert page_of(flag, "settle") not in boss.get(page_of(flag)).content.decode()

    def test_is_for_those_who_may(self, client: Client) -> None:
        client.force_login(make_staff("followups.view_staffflag"))
        flag = flags.raise_flag(kind="harm", detail="x", now=timezone.now())
        assert client.get(page_of(flag)).status_code == 200
        assert client.post(page_of(flag, "settle"), {"note": "x"}).status_code == 403


class TestMoodOfAMember:
    def test_shows_label_trend_and_the_last_scores(self, boss: Client) -> None:
        member = make_member()
        for hours, text in ((3, ANGRY), (2, ANGRY), (1, "thanks, so happy"), (0, "thanks, so happy")):
            say(member, text, at=NOON - hours * HOUR)
        page = boss.get(reverse("admin:followups_userprofile_change", args=[member.pk])).content.decode()
        assert "; on the whole neutral and improving (scores of 0 to 1, newest first: 0." in page

    def test_is_not_known_before_the_first_message(self, boss: Client) -> None:
        page = boss.get(reverse("admin:followups_userprofile_change", args=[make_member().pk])).content.decode()
        assert "Not known: no message was read yet" in page
