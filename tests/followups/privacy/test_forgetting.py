"""Forgetting a member for good (PEERS 9)."""

import contextlib
import json
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone
from django_q.models import OrmQ, Task

from bots import outcomes
from followups import consent, delivery, execution, importing, members, planning, privacy
from followups.models import ConsentReceipt, ErasureReceipt, FollowUp, PolicyDecision, UserProfile
from followups.policy import Verdict
from followups.privacy.holdings import HOLDINGS
from jobs.errors import PermanentFailure
from jobs.models import JobExecution, Report, ScheduledJob
from jobs.outcomes import LeaseLost
from socialmedia import outbox
from socialmedia.desk import threads
from socialmedia.models import (
    Account,
    AutomationAction,
    ChannelActivity,
    Conversation,
    Mention,
    Message,
    SearchResult,
    SearchRun,
)
from tests.concurrency import at_once, somebody_waits
from tests.followups.factories import (
    DAY,
    NOON,
    make_automated,
    make_member,
    make_plan,
    make_queued,
    make_sent,
    make_thread,
    opt_in,
    opt_out,
    start_job,
)
from tests.followups.privacy.factories import forget, make_known, places_with
from tests.followups.test_consent import failing_updates_of
from tests.socialmedia.export_files import ADA, BOT, direct, message, write
from tests.socialmedia.factories import make_bot, make_person
from tests.socialmedia.post_factories import make_post
from tests.support import wait_until

MINUTE = timedelta(minutes=1)


@pytest.mark.django_db
class TestForget:
    def test_leaves_the_member_nowhere_in_the_database(self) -> None:
        member = make_known()
        assert len(places_with(member.pk)) > 20
        assert len(places_with("Zebulon")) > 15

        forget(member.pk, evidence=f"Zebulon Quark, {member.pk}, asked in interaction 9")

        assert places_with(member.pk, "Zebulon", "zebulon_quark") == []

    def test_erases_every_row_of_every_table_about_them(self) -> None:
        member = make_known()
        assert member.account.pk == member.account_id  # loaded, as the row goes

        forget(member.pk)

        for holding in HOLDINGS:
            assert not holding.rows(member).exists(), holding.subject
        assert not Task.objects.filter(args__isnull=False).exclude(id__startswith="other").exists()
        assert not OrmQ.objects.exists()

    def test_leaves_everybody_else_alone(self) -> None:
        other = make_known("Yolanda Pulsar")
        before = privacy.export(other.pk, now=NOON)
        before_places = places_with(other.pk, "Yolanda")

        forget(make_known().pk)

        assert privacy.export(other.pk, now=NOON) == before
        assert places_with(other.pk, "Yolanda") == before_places

    def test_keeps_the_rows_of_others_without_the_name(self) -> None:
        member = make_known()

        forget(member.pk)

        job = ScheduledJob.objects.get(payload__note="kept")
        stand_in = job.payload["about"]["member"]
        assert stand_in.startswith("forgotten-")
        assert job.payload["about"] == {"member": stand_in, stand_in: [stand_in, stand_in]}
        assert (job.payload["count"], job.status) == (7, "pending")
        failed = ScheduledJob.objects.get(unique_key__startswith="hi:")
        assert failed.error_message == f"No answer from <@{stand_in}> ({stand_in})."
        assert failed.unique_key == f"hi:{stand_in}"
        assert Report.objects.get().report == {"members": [stand_in], "names": [stand_in]}
        assert JobExecution.objects.get().error_message == f"{stand_in} is away"

    def test_keeps_who_of_the_staff_did_what_when(self) -> None:
        member = make_known()
        before = list(LogEntry.objects.order_by("pk").values_list("pk", "user_id", "action_time", "action_flag"))

        forget(member.pk)

        rows = LogEntry.objects.order_by("pk")
        assert list(rows.values_list("pk", "user_id", "action_time", "action_flag")) == before
        assert {row.object_id for row in rows} == {None}
        assert {row.change_message for row in rows} == {""}

    def test_does_not_take_a_longer_id_for_theirs(self) -> None:
        member = make_member()
        text = f"{member.pk}5 and 5{member.pk} are others"
        make_plan(make_member(), trigger_data={"text": text})
        ScheduledJob.objects.update(error_message=text)

        forget(member.pk)

        assert ScheduledJob.objects.get().error_message == text

    def test_gives_a_receipt_that_names_nobody(self) -> None:
        member = make_known()

        receipt = forget(member.pk)

        assert receipt == ErasureReceipt.objects.get()
        assert len(receipt.digest) == 64
        assert (receipt.source, receipt.evidence, receipt.actor) == ("slash_command", "interaction 9", "member")
        assert abs(receipt.erased_at - timezone.now()) < MINUTE
        assert receipt.counts["user_profiles"] == receipt.counts["social_media_accounts"] == 1
        assert receipt.counts["social_media_messages"] == 4
        assert receipt.counts["consent_receipts"] == 1
        assert receipt.counts["scheduled_jobs"] == 3
        assert receipt.counts["scheduled_jobs (redacted)"] == 2
        assert receipt.counts["django_admin_log (redacted)"] == 2
        assert member.pk not in json.dumps(receipt.counts)

    def test_of_somebody_unknown_is_an_error(self) -> None:
        with pytest.raises(UserProfile.DoesNotExist):
            forget("nobody")
        assert not ErasureReceipt.objects.exists()

    def test_never_takes_one_of_our_own_accounts(self) -> None:
        bot = make_bot()
        profile = UserProfile.objects.create(user_id=str(bot.external_id), account=bot)
        thread = make_thread(make_member())

        with pytest.raises(privacy.CannotForget, match="our own"):
            forget(profile.pk)
        assert Conversation.objects.get() == thread

    def test_rolled_back_leaves_everything(self) -> None:
        member = make_known()
        before = privacy.export(member.pk, now=NOON)

        with transaction.atomic():
            forget(member.pk)
            transaction.set_rollback(True)

        assert privacy.export(member.pk, now=NOON) == before
        assert not ErasureReceipt.objects.exists()

    def test_forgets_in_a_bounded_number_of_queries(self, django_assert_max_num_queries: Any) -> None:
        member = make_known()
        for number in range(30):
            make_sent(member, at=NOON - (30 + number) * DAY)

        with django_assert_max_num_queries(160):
            forget(member.pk)


@pytest.mark.django_db
class TestForgetByHandle:
    def test_leaves_the_handle_nowhere_in_the_database(self) -> None:
        """Where a network gives no id: people are named there in any letters, and looked for."""
        account = Account.objects.create(platform="tiktok", username="Zeb_Q")
        member, post = members.remember(account), make_post(caption="Somebody else's")
        Mention.objects.create(post=post, platform="tiktok", mentioned_username="zeb_q")
        for query in ("@ZEB_Q", "boats"):
            run = SearchRun.objects.create(platform="tiktok", kind="user", query=query)
            SearchResult.objects.create(search=run, position=1, username="Zeb_Q")
        day = {"action_date": NOON.date(), "action_hour": 12}
        AutomationAction.objects.create(action_type="follow", target_type="user", target_username="zeb_q", **day)
        assert len(places_with("zeb_q")) > 6

        forget(member.pk)

        assert places_with("zeb_q") == []
        assert SearchRun.objects.get().query == "boats"


@pytest.mark.django_db(transaction=True)
class TestCrash:
    @pytest.mark.parametrize("table", ["scheduled_jobs", "social_media_messages"])
    def test_in_the_middle_leaves_everything(self, table: str) -> None:
        member = make_known()
        before = privacy.export(member.pk, now=NOON)

        with failing_updates_of(table), pytest.raises(DatabaseError, match="pulled the plug"):
            forget(member.pk)

        assert privacy.export(member.pk, now=NOON) == before
        assert not ErasureReceipt.objects.exists()


@pytest.mark.django_db
class TestWasForgotten:
    def test_knows_whom_and_nobody_else(self) -> None:
        member, other = make_member(), make_member()
        assert not privacy.was_forgotten(member.pk)

        forget(member.pk)

        assert privacy.was_forgotten(member.pk)
        assert not privacy.was_forgotten(other.pk)

    def test_needs_the_key(self, settings: Any) -> None:
        member = make_member()
        forget(member.pk)

        settings.SECRET_KEY, old = "another key", settings.SECRET_KEY
        assert not privacy.was_forgotten(member.pk)

        settings.SECRET_KEY_FALLBACKS = [old]
        assert privacy.was_forgotten(member.pk)

    def test_costs_one_query_while_nobody_was_forgotten(self, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(1):
            assert privacy.erased_at(str(number) for number in range(100_000)) == {}


@pytest.mark.django_db
class TestReceiptsGuard:
    """Only forgetting, and only this member's: proved without our own code."""

    @staticmethod
    def run(*statements: str, **parameters: Any) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement, parameters)

    FORGETTING = "SELECT set_config('checkback.forgetting', %(member)s, true)"

    def test_lets_this_members_receipts_go(self) -> None:
        member, other = make_member(), make_member()
        opt_out(member)

        self.run(self.FORGETTING, "DELETE FROM consent_receipts WHERE user_id = %(member)s", member=member.pk)

        assert list(ConsentReceipt.objects.values_list("user_id", flat=True)) == [other.pk]

    @pytest.mark.parametrize(
        "statement",
        [
            "DELETE FROM consent_receipts",
            "DELETE FROM consent_receipts WHERE user_id <> %(member)s",
            "UPDATE consent_receipts SET evidence = 'x' WHERE user_id = %(member)s",
            "UPDATE consent_receipts SET user_id = %(member)s",
        ],
    )
    def test_refuses_everything_else_even_then(self, statement: str) -> None:
        member = make_member()
        make_member()

        with pytest.raises(IntegrityError, match="only ever added"):
            self.run(self.FORGETTING, statement, member=member.pk)

        assert ConsentReceipt.objects.count() == 2

    def test_refuses_to_empty_the_table_even_then(self) -> None:
        member = make_member()
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("ALTER TABLE consent_receipts ENABLE TRIGGER consent_receipts_no_truncate")

        with pytest.raises(IntegrityError, match="only ever added"):
            self.run(self.FORGETTING, "TRUNCATE consent_receipts CASCADE", member=member.pk)

    @pytest.mark.parametrize("setting", ["", "somebody else"])
    def test_refuses_with_another_setting(self, setting: str) -> None:
        member = make_member()

        with pytest.raises(IntegrityError, match="only ever added"):
            self.run(
                "SELECT set_config('checkback.forgetting', %(setting)s, true)",
                "DELETE FROM consent_receipts WHERE user_id = %(member)s",
                setting=setting,
                member=member.pk,
            )


@pytest.mark.django_db(transaction=True)
class TestReceiptsGuardAfterwards:
    def test_is_closed_again_in_the_next_transaction(self) -> None:
        """The setting ends with its transaction, although the connection is the same."""
        forgotten, member = make_member(), make_member()
        forget(forgotten.pk)

        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('checkback.forgetting', true)")
            assert cursor.fetchone() == ("",)
        with pytest.raises(IntegrityError, match="only ever added"):
            ConsentReceipt.objects.filter(user=member).delete()


def claim(thread: Conversation) -> outbox.Delivery:
    """Take the thread's queued message as a relay does."""
    (held,) = outbox.claim(account=thread.account, limit=5, lease=MINUTE)
    return held


@pytest.mark.django_db
class TestOnTheWire:
    """The relay holds a claimed message while its member is forgotten."""

    @pytest.mark.parametrize("kind", ["follow-up", "automated", "answer"])
    def test_is_not_sent_any_more(self, kind: str) -> None:
        member = make_member()
        thread = make_thread(member)
        if kind == "follow-up":
            make_queued(member)
        elif kind == "automated":
            make_automated(member)
        else:
            outbox.queue_reply(conversation=thread, text="Sure.", now=NOON)
        held = claim(thread)

        forget(member.pk)

        assert delivery.may_send(held.message, now=NOON).verdict is Verdict.DROP
        assert not PolicyDecision.objects.exists()

    def test_its_outcome_finds_no_row_and_brings_nothing_back(self) -> None:
        member = make_member()
        make_queued(member)
        held = claim(make_thread(member))

        forget(member.pk)

        delivery.on_sent(held.message, now=NOON)
        delivery.on_failed(held.message, reason="50007", unreachable=True, now=NOON)
        assert not outbox.record_sent(held, external_message_id="1", now=NOON)
        assert not outbox.release(held, next_attempt_at=NOON)
        assert not outbox.record_unknown(held, reason="r", now=NOON)
        assert outbox.claim(account=make_bot(), limit=5, lease=MINUTE) == []
        assert places_with(member.pk) == []

    def test_what_is_queued_is_never_claimed(self) -> None:
        member = make_member()
        make_queued(member)
        bot = Account.objects.get(is_own=True)

        forget(member.pk)

        assert outbox.claim(account=bot, limit=5, lease=MINUTE) == []


@pytest.mark.django_db
class TestAfterwards:
    def test_who_writes_again_is_a_stranger_without_consent(self) -> None:
        member = make_member(interaction_count=40, relationship_level=4)
        key = member.account.external_id
        forget(member.pk)

        back = members.remember(make_person(external_id=str(key)))

        assert (back.pk, back.follow_ups_enabled, back.relationship_level) == (member.pk, False, 1)
        assert back.interaction_count == 0
        with pytest.raises(consent.ConsentMissing):
            consent.require(back.pk)
        assert opt_in(back)
        assert make_automated(back).status == "queued"

    def test_can_be_forgotten_again(self) -> None:
        member = make_member()
        key = str(member.account.external_id)
        forget(member.pk)
        opt_in(members.remember(make_person(external_id=key)))

        forget(member.pk)

        assert ErasureReceipt.objects.count() == 2
        assert places_with(member.pk) == []


@pytest.mark.django_db
class TestOldExports:
    def load(self, path: Path) -> importing.ImportReport:
        return importing.import_export(path, now=timezone.now())

    def test_do_not_bring_anybody_back(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.json", [message(1), message(2, 1002), message(3)])
        self.load(path)
        forget(str(ADA))
        assert ChannelActivity.objects.count() == 1

        report = self.load(path)

        assert (report.messages_new, report.members_new) == (0, 0)
        assert list(UserProfile.objects.values_list("pk", flat=True)) == ["1002"]
        assert not Account.objects.filter(external_id=str(ADA)).exists()
        assert ChannelActivity.objects.count() == 1

    def test_still_bring_the_others(self, tmp_path: Path) -> None:
        self.load(write(tmp_path / "a.json", [message(1)]))
        forget(str(ADA))

        report = self.load(write(tmp_path / "b.json", [message(1), message(2, 1002), message(3, 1003)]))

        assert (report.messages_new, report.members_new) == (2, 2)

    def test_bring_back_who_wrote_again_by_their_later_messages_only(self, tmp_path: Path) -> None:
        self.load(write(tmp_path / "a.json", [message(1)]))
        receipt = forget(str(ADA))
        later = {"timestamp": (receipt.erased_at + timedelta(seconds=1)).isoformat()}

        report = importing.import_export(
            write(tmp_path / "b.json", [message(1), message(2), message(3, **later)]), now=receipt.erased_at + MINUTE
        )

        assert (report.messages_new, report.members_new) == (1, 1)
        profile = UserProfile.objects.get(pk=str(ADA))
        assert (profile.interaction_count, profile.follow_ups_enabled) == (1, False)

    def test_of_a_private_chat_leave_nothing(self, tmp_path: Path) -> None:
        path = write(tmp_path / "ada.json", [message(1), message(2, BOT)], **direct())
        self.load(path)
        assert Message.objects.count() == 2
        forget(str(ADA))
        assert places_with("ada") == []

        report = self.load(path)

        assert "forgotten for good" in report.note
        assert (report.messages_read, report.messages_new) == (2, 0)
        assert places_with("ada", str(ADA)) == []


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_two_forget_one_member_once(self) -> None:
        for _ in range(5):
            member = make_member()
            make_queued(member)

            def act(_: int, key: str = member.pk) -> bool:
                try:
                    forget(key)
                except UserProfile.DoesNotExist:
                    return False
                return True

            assert sorted(at_once(2, act)) == [False, True]
        assert ErasureReceipt.objects.count() == 5

    def test_two_members_are_forgotten_side_by_side(self) -> None:
        known = [make_known(), make_known("Yolanda Pulsar")]

        at_once(2, lambda index: forget(known[index].pk))

        assert places_with(known[0].pk, known[1].pk, "Zebulon", "Yolanda") == []

    def test_an_import_brings_nobody_back(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.json", [message(number) for number in range(1, 200)])
        for _ in range(6):
            importing.import_export(path, now=timezone.now())
            ErasureReceipt.objects.all().delete()  # as if it were the first time

            def act(index: int) -> None:
                if index == 0:
                    importing.import_export(path, now=timezone.now())
                else:
                    members.remember(make_person(external_id=str(ADA)))
                    forget(str(ADA))

            at_once(2, act)

            assert not UserProfile.objects.exists()
            assert not ChannelActivity.objects.exists()
            assert places_with(str(ADA)) == []
            ErasureReceipt.objects.all().delete()

    def test_a_sweep_plans_nothing_for_the_forgotten(self) -> None:
        make_bot()
        for _ in range(8):
            gone = [make_member(last_interaction=NOON - 9 * DAY) for _ in range(3)]
            stays = make_member(last_interaction=NOON - 9 * DAY)

            def act(index: int, gone: list[UserProfile] = gone) -> None:
                if index < 2:
                    planning.plan_quiet_members(now=NOON)
                else:
                    forget(gone[index - 2].pk)

            at_once(5, act)

            assert places_with(*(member.pk for member in gone)) == []
            assert FollowUp.objects.filter(user=stays).count() == 1
            assert ScheduledJob.objects.filter(payload__has_key="follow_up_id").count() == FollowUp.objects.count()

    def test_a_job_that_writes_the_follow_up_neither_sends_nor_leaves_anything(self) -> None:
        make_bot()
        for _ in range(8):
            member = make_member()
            make_thread(member)
            attempt = start_job(make_plan(member))

            def act(index: int, member: UserProfile = member, attempt: Any = attempt) -> None:
                if index == 0:
                    forget(member.pk)
                    return
                with contextlib.suppress(UserProfile.DoesNotExist, PermanentFailure, LeaseLost):
                    execution.execute(attempt, now=NOON)

            at_once(2, act)

            assert not Message.objects.filter(status="queued").exists()
            assert places_with(member.pk) == []

    def test_a_relay_and_a_newcomer_neither_deadlock_nor_leave_anything(self) -> None:
        """The relay asks and records, the member writes, and they are forgotten, at the same moment."""
        for _ in range(8):
            member = make_member()
            make_queued(member)
            held = claim(make_thread(member))
            key = str(member.account.external_id)

            def act(index: int, member: UserProfile = member, held: Any = held, key: str = key) -> None:
                if index == 0:
                    forget(member.pk)
                elif index == 1:
                    delivery.may_send(held.message, now=NOON)
                    with transaction.atomic():
                        delivery.on_sent(held.message, now=NOON)
                        outbox.record_sent(held, external_message_id="1", now=NOON)
                else:
                    with transaction.atomic():
                        members.lock(members.remember(make_person(external_id=key, username="new name")).pk)

            at_once(3, act)

            back = UserProfile.objects.filter(pk=member.pk).first()
            assert back is None or (back.follow_ups_enabled, back.name) in {(False, "Ada"), (False, "new name")}
            assert not FollowUp.objects.filter(user_id=member.pk).exists()
            assert not PolicyDecision.objects.filter(user_id=member.pk).exists()

    def test_a_relay_that_puts_a_message_back_does_not_deadlock(self) -> None:
        """The database asks for the consent of what is queued, so the member must be locked before the message."""
        member = make_member()
        make_queued(member)
        held = claim(make_thread(member))
        is_locked = Event()

        def act(index: int) -> None:
            if index == 1:
                is_locked.wait(20)
                outcomes.release(held, next_attempt_at=NOON, reason="no answer", may_have_arrived=True)
                return
            with transaction.atomic():
                members.lock(member.pk)
                is_locked.set()
                wait_until(somebody_waits, "the relay waits for the member")
                assert Message.objects.select_for_update(nowait=True).get(pk=held.message.pk)

        at_once(2, act)

        assert Message.objects.get().status == "queued"

    def test_staff_who_work_on_the_conversation_do_not_deadlock(self) -> None:
        """The conversation comes before what is in it: forgetting waits for it and holds nothing of it meanwhile."""
        member = make_member()
        thread = make_thread(member)
        answer = outbox.queue_reply(conversation=thread, text="Hi!", now=NOON)
        is_locked = Event()

        def act(index: int) -> None:
            if index == 1:
                is_locked.wait(20)
                forget(member.pk)
                return
            with transaction.atomic():
                threads.locked(thread.pk)
                is_locked.set()
                wait_until(somebody_waits, "forgetting waits for the conversation")
                assert Message.objects.select_for_update(nowait=True).get(pk=answer.pk)

        at_once(2, act)

        assert places_with(member.pk) == []

    def test_a_message_that_goes_back_when_its_member_is_gone_is_no_error(self) -> None:
        member = make_member()
        make_queued(member)
        held = claim(make_thread(member))
        forget(member.pk)

        assert not outcomes.release(held, next_attempt_at=NOON)
