"""Importing exports."""

import json
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from benchmarks.import_export import write_export
from followups import consent, importing
from followups.importing import ImportReport
from followups.models import ConsentReceipt, FollowUp, FollowUpHistory, Rhythm, UserProfile
from socialmedia import exports
from socialmedia.models import Account, Channel, ChannelActivity, ChatImport, Conversation, Message
from tests.socialmedia.export_files import ADA, BOT, BRUNO, START, direct, message, person, write

NOW = datetime(2026, 11, 1, tzinfo=UTC)
ROOT = Path(importing.__file__).resolve().parents[1]


def load(path: Path, **options: Any) -> ImportReport:
    return importing.import_export(path, now=NOW, **options)


def minute(number: int) -> datetime:
    return START + timedelta(minutes=number)


def everything() -> dict[str, list[dict[str, Any]]]:
    """All rows an import may touch, except its own record."""
    tables = (Account, Channel, ChannelActivity, UserProfile, Conversation, Message)
    return {table.__name__: list(table.objects.order_by("pk").values()) for table in tables}


def make_profile(number: int, **fields: Any) -> UserProfile:
    account = Account.objects.create(
        platform="discord", external_id=str(number), username="live", display_name="Live", account_type="member"
    )
    return UserProfile.objects.create(user_id=str(number), account=account, **fields)


@pytest.mark.django_db
class TestFirstImport:
    def test_stores_who_was_active_when(self, tmp_path: Path) -> None:
        report = load(write(tmp_path / "a.json", [message(1), message(2, BRUNO), message(3)]))
        assert (report.messages_read, report.messages_new, report.members_new) == (3, 3, 2)
        assert (report.first_message_at, report.last_message_at) == (minute(1), minute(3))
        rows = ChannelActivity.objects.order_by("message_id").values_list(
            "message_id", "author__external_id", "sent_at", "channel__external_id"
        )
        assert list(rows) == [
            (1, str(ADA), minute(1), "77"),
            (2, str(BRUNO), minute(2), "77"),
            (3, str(ADA), minute(3), "77"),
        ]
        channel = Channel.objects.get()
        assert (channel.name, channel.guild_id, channel.guild_name) == ("general", "55", "Harbor")

    def test_makes_profiles_that_are_not_opted_in(self, tmp_path: Path) -> None:
        load(write(tmp_path / "a.json", [message(1), message(4)]))
        profile = UserProfile.objects.get()
        assert (profile.user_id, profile.name, profile.follow_ups_enabled) == (str(ADA), "Ada", False)
        assert (profile.first_interaction, profile.last_interaction) == (minute(1), minute(4))
        assert profile.interaction_count == 2
        assert (profile.account.username, profile.account.display_name) == ("ada", "Ada")
        assert profile.account.account_type == "member"

    @pytest.mark.parametrize(("count", "level"), [(1, 1), (2, 1), (3, 2), (9, 2), (10, 3), (24, 3), (25, 4), (60, 4)])
    def test_counts_towards_the_relationship(self, tmp_path: Path, count: int, level: int) -> None:
        load(write(tmp_path / "a.json", [message(n) for n in range(1, count + 1)]))
        assert UserProfile.objects.get().relationship_level == level

    def test_moves_when_silence_becomes_unusual_and_asks_for_the_rhythm(self, tmp_path: Path) -> None:
        profile = make_profile(ADA, last_interaction=minute(2), quiet_after=timedelta(days=5), quiet_due_at=minute(2))
        load(write(tmp_path / "a.json", [message(1), message(4)]))
        profile.refresh_from_db()
        assert profile.quiet_due_at == minute(4) + timedelta(days=5)
        assert Rhythm.objects.get(user=profile).computed_at is None

    def test_leaves_bots_and_webhooks_out(self, tmp_path: Path) -> None:
        webhook = person(5, isBot=True, discriminator="0000")
        report = load(write(tmp_path / "a.json", [message(1), message(2, BOT), message(3, author=webhook)]))
        assert (report.messages_read, report.messages_new, report.bot_messages) == (3, 1, 2)
        assert UserProfile.objects.get().user_id == str(ADA)

    def test_leaves_discords_own_notes_out(self, tmp_path: Path) -> None:
        report = load(write(tmp_path / "a.json", [message(1), message(2, BRUNO, type="GuildMemberJoin")]))
        assert (report.messages_new, report.system_messages) == (1, 1)
        assert not UserProfile.objects.filter(user_id=str(BRUNO)).exists()

    def test_counts_a_message_once_that_is_in_the_file_twice(self, tmp_path: Path) -> None:
        assert load(write(tmp_path / "a.json", [message(1), message(1)])).messages_new == 1
        assert UserProfile.objects.get().interaction_count == 1

    def test_keeps_no_words(self, tmp_path: Path) -> None:
        load(write(tmp_path / "a.json", [message(1, content="a secret")]))
        assert "a secret" not in str(everything())

    def test_leaves_its_own_record(self, tmp_path: Path) -> None:
        load(write(tmp_path / "a.json", [message(1), message(2)]))
        record = ChatImport.objects.get()
        assert (record.file_name, record.messages_read, record.messages_new, record.members_new) == ("a.json", 2, 2, 1)
        assert (record.first_message_at, record.last_message_at) == (minute(1), minute(2))

    def test_takes_an_export_without_messages(self, tmp_path: Path) -> None:
        report = load(write(tmp_path / "a.json", []))
        assert (report.messages_read, report.messages_new, report.first_message_at) == (0, 0, None)

    def test_reports_progress(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.json", [message(n) for n in range(1, 5000)])
        seen: list[tuple[int, int]] = []
        load(path, progress=lambda done, count: seen.append((done, count)))
        assert len(seen) > 2
        assert seen == sorted(seen)
        assert seen[-1] == (path.stat().st_size, 4999)

    def test_does_not_put_anybody_into_the_future(self, tmp_path: Path) -> None:
        load(write(tmp_path / "a.json", [message(1, timestamp="2099-01-01T00:00:00Z")]))
        assert UserProfile.objects.get().last_interaction == NOW


@pytest.mark.django_db
class TestLaterImport:
    def test_of_the_same_file_changes_nothing(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.json", [message(1), message(2, BRUNO)])
        load(path)
        before = everything()
        report = load(path)
        assert everything() == before
        assert (report.messages_read, report.messages_new, report.members_new) == (2, 0, 0)
        assert ChatImport.objects.count() == 2

    def test_adds_only_what_is_new(self, tmp_path: Path) -> None:
        load(write(tmp_path / "a.json", [message(n) for n in (5, 6)]))
        report = load(write(tmp_path / "b.json", [message(n) for n in (5, 6, 7, 8)]))
        assert report.messages_new == 2
        profile = UserProfile.objects.get()
        assert (profile.interaction_count, profile.last_interaction) == (4, minute(8))
        assert profile.relationship_level == 2

    def test_of_an_older_range_moves_only_the_beginning(self, tmp_path: Path) -> None:
        load(write(tmp_path / "a.json", [message(50)]))
        load(write(tmp_path / "b.json", [message(10), message(20)]))
        profile = UserProfile.objects.get()
        assert (profile.first_interaction, profile.last_interaction) == (minute(10), minute(50))
        assert profile.interaction_count == 3

    def test_counts_a_message_once_that_was_seen_live(self, tmp_path: Path) -> None:
        profile = make_profile(ADA, interaction_count=1, first_interaction=minute(2), last_interaction=minute(2))
        channel = Channel.objects.create(external_id="77", name="general")
        ChannelActivity.objects.create(message_id=2, channel=channel, author=profile.account, sent_at=minute(2))
        assert load(write(tmp_path / "a.json", [message(1), message(2)])).messages_new == 1
        profile.refresh_from_db()
        assert profile.interaction_count == 2
        assert Channel.objects.count() == 1

    def test_never_lowers_a_relationship(self, tmp_path: Path) -> None:
        make_profile(ADA, relationship_level=4)
        load(write(tmp_path / "a.json", [message(1)]))
        assert UserProfile.objects.get().relationship_level == 4

    @pytest.mark.parametrize(("refused_at", "is_reachable"), [(1, True), (9, False)])
    def test_clears_a_refusal_only_for_a_later_message(
        self, tmp_path: Path, refused_at: int, is_reachable: bool
    ) -> None:
        make_profile(ADA, unreachable_since=minute(refused_at))
        load(write(tmp_path / "a.json", [message(5)]))
        assert (UserProfile.objects.get().unreachable_since is None) is is_reachable

    def test_of_known_people_in_a_known_channel_holds_nobody_else_up(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.json", [message(1)])
        load(path)
        # PostgreSQL notes the locker of a row in its xmax.
        query = "SELECT a.xmax::text, c.xmax::text FROM social_media_accounts a, community_channels c"
        with connection.cursor() as cursor:
            cursor.execute(query)
            before = cursor.fetchone()
            load(path)
            cursor.execute(query)
            assert cursor.fetchone() == before

    def test_leaves_consent_and_name_alone(self, tmp_path: Path) -> None:
        make_profile(ADA, name="Chosen", follow_ups_enabled=True)
        make_profile(BRUNO, name="")
        load(write(tmp_path / "a.json", [message(1), message(2, BRUNO)]))
        profiles = UserProfile.objects.in_bulk()
        assert (profiles[str(ADA)].name, profiles[str(ADA)].follow_ups_enabled) == ("Chosen", True)
        assert (profiles[str(BRUNO)].name, profiles[str(BRUNO)].follow_ups_enabled) == ("Bruno", False)

    def test_renames_only_for_newer_names(self, tmp_path: Path) -> None:
        def named(name: str, exported_at: str) -> str:
            raw = message(1, author=person(ADA, nickname=name))
            load(write(tmp_path / "a.json", [raw], exportedAt=exported_at))
            return Account.objects.get().display_name

        assert named("Second", "2026-06-02T00:00:00Z") == "Second"
        assert named("First", "2026-06-01T00:00:00Z") == "Second"
        assert named("Third", "2026-06-03T00:00:00Z") == "Third"

    def test_keeps_a_name_that_was_seen_live_since(self, tmp_path: Path) -> None:
        make_profile(ADA)
        Account.objects.update(updated_at=datetime(2026, 7, 1, tzinfo=UTC))
        load(write(tmp_path / "a.json", [message(1)]))
        assert Account.objects.get().display_name == "Live"

    def test_renames_the_channel_only_forwards(self, tmp_path: Path) -> None:
        def named(name: str, number: int) -> str:
            channel = {"id": "77", "type": "GuildTextChat", "name": name}
            load(write(tmp_path / "a.json", [message(number)], channel=channel))
            return Channel.objects.get().name

        assert named("second", 20) == "second"
        assert named("first", 10) == "second"
        assert named("third", 30) == "third"

    def test_neither_answers_nor_cancels_a_follow_up(self, tmp_path: Path) -> None:
        profile = make_profile(ADA, last_interaction=minute(0))
        plan = FollowUp.objects.create(user=profile, trigger_type="inactivity", scheduled_at=NOW, dedupe_key="k")
        sent = FollowUpHistory.objects.create(user=profile, message_sent="Hi", sent_at=minute(0))
        load(write(tmp_path / "a.json", [message(1)]))
        load(write(tmp_path / "b.json", [message(2, BOT), message(3)], **direct()))
        plan.refresh_from_db()
        sent.refresh_from_db()
        profile.refresh_from_db()
        assert plan.status == "pending"
        assert not sent.response_received
        assert profile.last_interaction == minute(3)


@pytest.mark.django_db
class TestDirectMessage:
    def test_becomes_a_conversation_already_read(self, tmp_path: Path) -> None:
        picture = {"url": "https://x.invalid/a.png", "fileName": "a.png"}
        path = write(
            tmp_path / "a.json",
            [message(1), message(2, BOT), message(3, content="", attachments=[picture])],
            **direct(),
        )
        report = load(path)
        assert (report.messages_new, report.members_new) == (3, 1)
        assert "conversation" in report.note
        conversation = Conversation.objects.get()
        assert conversation.account.external_id == str(BOT)
        assert (conversation.participant_username, conversation.participant_id) == (str(ADA), str(ADA))
        assert (conversation.external_channel_id, conversation.unread_count) == ("88", 0)
        assert (conversation.conversation_started_at, conversation.last_message_at) == (minute(1), minute(3))
        assert (conversation.last_message_preview, conversation.last_message_is_outgoing) == ("a.png", False)
        texts = conversation.messages.order_by("sent_at").values_list(
            "external_message_id", "message_text", "is_outgoing", "is_automated", "is_read", "status", "media_url"
        )
        assert list(texts) == [
            ("1", "words 1", False, False, True, "sent", ""),
            ("2", "words 2", True, False, True, "sent", ""),
            ("3", "a.png", False, False, True, "sent", "https://x.invalid/a.png"),
        ]
        assert not ChannelActivity.objects.exists()

    def test_counts_only_what_the_member_wrote(self, tmp_path: Path) -> None:
        load(write(tmp_path / "a.json", [message(1), message(2), message(3), message(9, BOT)], **direct()))
        profile = UserProfile.objects.get()
        assert (profile.user_id, profile.interaction_count, profile.relationship_level) == (str(ADA), 3, 2)
        assert (profile.first_interaction, profile.last_interaction) == (minute(1), minute(3))

    def test_adds_only_what_is_new(self, tmp_path: Path) -> None:
        load(write(tmp_path / "a.json", [message(5), message(6, BOT)], **direct()))
        before = everything()
        assert load(tmp_path / "a.json").messages_new == 0
        assert everything() == before
        assert load(write(tmp_path / "b.json", [message(4), message(5), message(6, BOT)], **direct())).messages_new == 1
        conversation = Conversation.objects.get()
        assert (conversation.conversation_started_at, conversation.last_message_at) == (minute(4), minute(6))
        assert conversation.last_message_preview == "words 6"
        assert UserProfile.objects.get().interaction_count == 2

    @pytest.mark.parametrize("kind", ["DirectTextChat", "DirectGroupTextChat"])
    @pytest.mark.parametrize("second", [BRUNO, ADA])
    def test_without_one_bot_and_one_person_leaves_only_times(self, tmp_path: Path, kind: str, second: int) -> None:
        path = write(tmp_path / "a.json", [message(1), message(2, second)], **direct(type=kind))
        assert "only its times" in load(path).note
        assert ChannelActivity.objects.count() == 2
        assert not Message.objects.exists()
        assert "words" not in str(everything())


@pytest.mark.django_db
class TestStopInAnExport:
    """The export may hold what was written while the bot was away, which the bot then takes for known."""

    @pytest.fixture
    def member(self) -> UserProfile:
        Account.objects.create(
            platform="discord", external_id=str(BOT), username="bot", account_type="bot", is_own=True
        )
        member = make_profile(ADA)
        consent.grant(user_id=member.pk, source="slash_command", evidence="interaction 1", actor=member.pk)
        return member

    def said(self, member: UserProfile, folder: Path, text: str, *, after: timedelta) -> str:
        at = (timezone.now() + after).isoformat()
        words = message(1, content=text, timestamp=at)
        load(write(folder / "a.json", [words, message(2, BOT)], **direct()))
        newest = consent.current(member.pk)
        assert newest is not None
        return newest.state

    def test_is_heard(self, member: UserProfile, tmp_path: Path) -> None:
        assert self.said(member, tmp_path, "Stop.", after=timedelta(minutes=1)) == "withdrawn"
        receipt = ConsentReceipt.objects.latest("id")
        assert (receipt.source, receipt.actor) == ("import", member.pk)

    def test_from_before_the_consent_is_not(self, member: UserProfile, tmp_path: Path) -> None:
        assert self.said(member, tmp_path, "Stop.", after=-timedelta(minutes=1)) == "granted"

    def test_is_only_the_exact_word(self, member: UserProfile, tmp_path: Path) -> None:
        assert self.said(member, tmp_path, "I can't stop.", after=timedelta(minutes=1)) == "granted"

    def test_to_a_bot_of_others_is_not_for_us(self, member: UserProfile, tmp_path: Path) -> None:
        Account.objects.filter(external_id=str(BOT)).update(is_own=False)
        assert self.said(member, tmp_path, "Stop.", after=timedelta(minutes=1)) == "granted"


@pytest.mark.django_db
class TestBrokenFile:
    def test_imports_nothing(self, tmp_path: Path) -> None:
        load(write(tmp_path / "a.json", [message(1)]))
        before = everything()
        broken = [*(message(n, BRUNO) for n in range(2, 3000)), message(3000, BRUNO, timestamp="2026-05-01T00:00:00")]
        with pytest.raises(exports.BrokenExport, match=r"^Message 2999 \(id 3000\): "):
            load(write(tmp_path / "b.json", broken))
        assert everything() == before
        assert ChatImport.objects.count() == 1

    def test_leaves_the_connection_fit_for_the_next(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.json", [message(1), message(2)])
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(exports.BrokenExport):
            load(path)
        path.write_bytes(whole)
        assert load(path).messages_new == 2


@pytest.mark.django_db
class TestDryRun:
    def test_counts_and_stores_nothing(self, tmp_path: Path) -> None:
        report = load(write(tmp_path / "a.json", [message(1), message(2)]), dry_run=True)
        assert (report.messages_new, report.members_new) == (2, 1)
        assert not any(everything().values())
        assert not ChatImport.objects.exists()


@pytest.mark.django_db
class TestSamples:
    def test_show_two_members_who_went_quiet(self) -> None:
        for name in ("general", "workshop"):
            load(ROOT / "followups" / "samples" / f"harbor-lights-{name}.json")
        assert UserProfile.objects.count() == 11
        assert not UserProfile.objects.filter(follow_ups_enabled=True).exists()
        quiet = UserProfile.objects.filter(last_interaction__lt=datetime(2026, 10, 15, tzinfo=UTC))
        assert set(quiet.values_list("name", flat=True)) == {"Ada Marsh", "Bruno Keel"}
        assert set(quiet.values_list("relationship_level", flat=True)) == {3, 4}


@pytest.mark.django_db(transaction=True)
class TestTwoAtOnce:
    @pytest.mark.parametrize("channels", [("77", "77"), ("77", "78")])
    def test_count_each_message_once(self, tmp_path: Path, channels: tuple[str, str]) -> None:
        # Both have read their files, with everything in the same members' names, before either stores anything.
        meeting = threading.Barrier(2, timeout=30)
        reports: list[ImportReport] = []
        people = [100 + n for n in range(40)]
        for number, channel in enumerate(channels):
            shift = 0 if channels[0] == channels[1] else number * 100_000
            messages = [message(shift + n, people[(n * (1 + 2 * number)) % 40]) for n in range(1, 1001)]
            if channels[0] == channels[1]:
                messages = [message(n, people[n % 40]) for n in range(1, 1001)]
            write(tmp_path / f"{number}.json", messages, channel={"id": channel, "type": "GuildTextChat"})

        def work(number: int) -> None:
            try:
                reports.append(load(tmp_path / f"{number}.json", progress=lambda *_: meeting.wait()))
            finally:
                connection.close()

        threads = [threading.Thread(target=work, args=[number]) for number in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        distinct = 1000 if channels[0] == channels[1] else 2000
        assert sum(report.messages_new for report in reports) == distinct
        assert sum(report.members_new for report in reports) == 40
        assert ChannelActivity.objects.count() == distinct
        counts = UserProfile.objects.values_list("interaction_count", flat=True)
        assert sum(counts) == distinct


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
class TestMemory:
    def test_does_not_grow_with_the_file(self, tmp_path: Path) -> None:
        count = write_export(tmp_path / "big.json", megabytes=60)
        script = (
            "import json, re, sys, django\n"
            "from pathlib import Path\n"
            "from django.conf import settings\n"
            "settings.DATABASES['default']['NAME'] = sys.argv[1]\n"
            "django.setup()\n"
            "from django.utils import timezone\n"
            "from followups import importing\n"
            "report = importing.import_export(sys.argv[2], now=timezone.now())\n"
            # Not ru_maxrss: a child inherits that from the process that started it.
            "peak = int(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1]) / 1024\n"
            "print(json.dumps([report.messages_new, peak]))\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", script, str(connection.settings_dict["NAME"]), str(tmp_path / "big.json")],
            cwd=ROOT,
            env={"DJANGO_SETTINGS_MODULE": "config.settings", "PATH": ""},
            check=True,
            capture_output=True,
            text=True,
            timeout=110,
        )
        messages_new, peak = json.loads(done.stdout)
        assert peak < 300
        assert messages_new > 0.9 * count
        assert ChannelActivity.objects.count() == messages_new
