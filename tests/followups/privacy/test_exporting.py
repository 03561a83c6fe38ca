"""Exporting everything about a member (PEERS 9, 24)."""

import json
from typing import Any

import pytest

from followups import consent, privacy
from followups.models import ConsentReceipt, UserProfile
from followups.privacy.holdings import HOLDINGS
from socialmedia.models import Account, Channel, ChannelActivity
from tests.followups.factories import NOON, make_member
from tests.followups.privacy.factories import make_known

pytestmark = pytest.mark.django_db


class TestExport:
    def test_holds_every_row_about_the_member_and_none_about_others(self) -> None:
        member, _other = make_known(), make_known("Yolanda Pulsar")

        found = privacy.export(member.pk, now=NOON)

        for holding in HOLDINGS:
            assert holding.rows(member).exists(), f"The test has nothing of {holding.subject} to find."
            assert found[holding.subject], holding.subject
        text = json.dumps(found)
        assert "Yolanda" not in text
        assert "Zebulon Quark here, number" in text
        assert "Zebulon Quark at the sea" in text
        assert found["profile"]["name"] == "Zebulon Quark"
        assert found["account"]["username"] == "zebulon_quark"
        assert found["preferences"]["birthday_day"] == 29

    def test_is_plain_json(self) -> None:
        found = privacy.export(make_known().pk, now=NOON)

        assert json.loads(json.dumps(found, allow_nan=False)) == found
        assert found["exported_at"] == "2026-11-18T12:00:00Z"

    def test_proves_consent_with_the_words_that_were_seen(self) -> None:
        """PEERS 24."""
        member = make_member(opted_in=False)
        for version in ("2026-11", "our form 3"):
            consent.grant(user_id=member.pk, source="api", evidence=version, actor="key 1", wording_version=version)
            consent.withdraw(user_id=member.pk, source="api", evidence="e", actor="key 1", now=NOON)

        receipts = privacy.export(member.pk, now=NOON)["consent"]

        assert [row["state"] for row in receipts] == ["granted", "withdrawn", "granted", "withdrawn"]
        assert receipts[0]["wording"] == consent.WORDINGS["2026-11"]
        assert receipts[2]["wording_version"] == "our form 3"
        assert receipts[2]["wording"] is None
        assert ConsentReceipt.objects.filter(user=member).count() == 4

    def test_holds_the_words_that_are_kept_of_channels(self) -> None:
        member = make_member()
        channel = Channel.objects.create(external_id="7", name="general", guild_id="5")
        ChannelActivity.objects.create(
            message_id=1, channel=channel, author=member.account, sent_at=NOON, text="In public", edited_at=NOON
        )

        (row,) = privacy.export(member.pk, now=NOON)["channel_activity"]["all"]
        assert (row["text"], row["edited_at"]) == ("In public", "2026-11-18T12:00:00Z")

    def test_keeps_discords_ids_exact(self) -> None:
        member = make_member()
        channel = Channel.objects.create(external_id="7", name="general", guild_id="5")
        ChannelActivity.objects.create(message_id=2**62 + 1, channel=channel, author=member.account, sent_at=NOON)

        activity = privacy.export(member.pk, now=NOON)["channel_activity"]

        assert (activity["count"], activity["first_at"]) == (1, "2026-11-18T12:00:00Z")
        assert activity["all"][0]["message_id"] == str(2**62 + 1)

    def test_shows_messages_in_their_conversation(self) -> None:
        found = privacy.export(make_known().pk, now=NOON)

        (thread,) = found["conversations"]
        assert len(thread["messages"]) == found["messages"] == 4

    def test_shows_what_staff_did(self) -> None:
        log = privacy.export(make_known().pk, now=NOON)["console_log"]

        assert {row["change_message"] for row in log} == {"Called Zebulon Quark."}
        assert len(log) == 2

    def test_gives_no_right_to_write_away(self) -> None:
        assert "lease_token" not in json.dumps(privacy.export(make_known().pk, now=NOON))

    def test_of_somebody_unknown_is_an_error(self) -> None:
        with pytest.raises(UserProfile.DoesNotExist):
            privacy.export("nobody", now=NOON)

    def test_needs_the_same_few_queries_for_much_as_for_little(self, django_assert_max_num_queries: Any) -> None:
        member = make_known()
        channel = Channel.objects.create(external_id="7", name="general", guild_id="5")
        ChannelActivity.objects.bulk_create(
            ChannelActivity(message_id=number, channel=channel, author=member.account, sent_at=NOON)
            for number in range(20_000)
        )

        with django_assert_max_num_queries(60):
            found = privacy.export(member.pk, now=NOON)

        assert found["channel_activity"]["count"] == 20_002

    def test_finds_conversations_of_networks_without_ids(self) -> None:
        account = Account.objects.create(platform="bluesky", username="zeb.example", account_type="member")
        member = UserProfile.objects.create(user_id="bluesky:zeb.example", account=account)
        page = Account.objects.create(platform="bluesky", username="harbor.example", is_own=True)
        page.conversations.create(platform="bluesky", participant_username="zeb.example")
        page.conversations.create(platform="bluesky", participant_username="other.example")

        (thread,) = privacy.export(member.pk, now=NOON)["conversations"]

        assert thread["participant_username"] == "zeb.example"
