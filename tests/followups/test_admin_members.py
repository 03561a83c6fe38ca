"""The member's page: what they have chosen, pausing, exporting, forgetting."""

import json
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from followups import consent, preferences
from followups.models import ErasureReceipt, UserProfile
from tests.config.factories import make_member, make_staff
from tests.followups.privacy.factories import make_known, places_with
from tests.followups.test_admin import page_of

pytestmark = pytest.mark.django_db

MAY_OPERATE = "followups.change_userprofile"
MAY_FORGET = "followups.delete_userprofile"


class TestPage:
    def test_shows_what_the_member_has_chosen(self, boss: Client) -> None:
        member = make_member(opted_in=True)
        now = timezone.now()
        preferences.change(
            user_id=member.pk,
            frequency_hours=96,
            paused_until=now + timedelta(days=3),
            quiet_start=20,
            quiet_end=10,
            birthday_month=2,
            birthday_day=29,
            add_absence=preferences.Away(now, now + timedelta(days=2), "at the sea"),
            now=now,
        )
        consent.change_topics(user_id=member.pk, topics=["events"], source="api", evidence="e", actor="a", now=now)

        page = boss.get(page_of(member)).content.decode()

        for words in ("After events", "96 hours", "20:00 to 10:00", "February 29", "at the sea"):
            assert words in page, words
        assert "Not paused" not in page
        assert "After a long silence" in page  # in the older receipt
        assert page_of(member, "resume") in page
        assert page_of(member, "pause") not in page


class TestPause:
    def test_holds_until_a_time_and_ends(self, boss: Client) -> None:
        member = make_member(opted_in=True)
        until = (timezone.now() + timedelta(days=3)).replace(second=0, microsecond=0)

        page = boss.post(page_of(member, "pause"), {"until": until.strftime("%Y-%m-%dT%H:%M")}, follow=True)

        member.refresh_from_db()
        assert member.paused_until == until
        assert f"Paused until {until:%Y-%m-%d %H:%M} UTC." in page.content.decode()
        assert boss.get(page_of(member, "resume")).status_code == 200
        member.refresh_from_db()
        assert member.paused_until == until

        boss.post(page_of(member, "resume"))

        member.refresh_from_db()
        assert member.paused_until is None
        assert LogEntry.objects.filter(object_id=member.pk).count() == 2

    @pytest.mark.parametrize("until", ["", "yesterday", "2020-01-01T00:00", "2999-01-01T00:00"])
    def test_wants_a_time_ahead(self, boss: Client, until: str) -> None:
        member = make_member()

        assert boss.post(page_of(member, "pause"), {"until": until}).status_code == 200

        member.refresh_from_db()
        assert member.paused_until is None


class TestExport:
    def test_downloads_everything_and_leaves_a_note(self, boss: Client) -> None:
        """PEERS 9, 24."""
        member = make_known()

        assert boss.get(page_of(member, "export")).headers["Content-Type"].startswith("text/html")
        answer = boss.post(page_of(member, "export"))

        assert answer.headers["Content-Disposition"] == f'attachment; filename="member-{member.pk}.json"'
        assert "no-store" in answer.headers["Cache-Control"]
        assert json.loads(answer.content)["profile"]["name"] == "Zebulon Quark"
        assert LogEntry.objects.latest("pk").change_message == "Exported everything that is held."

    def test_is_forbidden_to_those_who_may_only_look(self, client: Client) -> None:
        client.force_login(make_staff("followups.view_userprofile"))
        member = make_member()
        for action in ("export", "pause", "resume", "forget"):
            assert client.post(page_of(member, action)).status_code == 403
            assert page_of(member, action) not in client.get(page_of(member)).content.decode()


class TestForget:
    def test_asks_for_the_id_and_leaves_only_a_receipt(self, boss: Client) -> None:
        member = make_known()
        assert boss.get(page_of(member, "forget")).status_code == 200

        page = boss.post(
            page_of(member, "forget"), {"user_id": member.user_id, "evidence": "Mail of Monday"}, follow=True
        )

        receipt = ErasureReceipt.objects.get()
        assert (receipt.source, receipt.actor, receipt.evidence) == ("admin", "boss", "Mail of Monday")
        assert receipt.digest in page.content.decode()
        assert member.user_id not in page.content.decode()
        assert places_with(member.user_id, "Zebulon") == []

    @pytest.mark.parametrize("typed", ["", "yes", "900"])
    def test_does_nothing_without_the_id(self, boss: Client, typed: str) -> None:
        member = make_member()

        page = boss.post(page_of(member, "forget"), {"user_id": typed, "evidence": "Mail"})

        assert page.status_code == 200
        assert UserProfile.objects.filter(pk=member.pk).exists()

    def test_needs_more_than_to_operate(self, client: Client) -> None:
        client.force_login(make_staff(MAY_OPERATE))
        member = make_member()
        page = client.get(page_of(member)).content.decode()
        assert page_of(member, "export") in page
        assert page_of(member, "forget") not in page
        body = {"user_id": member.user_id, "evidence": "Mail"}
        assert client.post(page_of(member, "forget"), body).status_code == 403
        assert UserProfile.objects.filter(pk=member.pk).exists()

    def test_is_offered_to_those_who_may_delete(self, client: Client) -> None:
        client.force_login(make_staff(MAY_OPERATE, MAY_FORGET, "followups.view_erasurereceipt"))
        member = make_member()
        assert page_of(member, "forget") in client.get(page_of(member)).content.decode()

        client.post(page_of(member, "forget"), {"user_id": member.user_id, "evidence": "Mail"})

        assert not UserProfile.objects.filter(pk=member.pk).exists()
