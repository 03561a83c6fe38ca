"""Consent: opt-in, receipts that stay, and a database that refuses what nobody allowed."""

from collections.abc import Callable

import pytest
from django.db import IntegrityError, connection, transaction

from followups import consent, execution, facts, policy
from followups.models import ConsentReceipt, FollowUp, UserProfile
from jobs.models import ScheduledJob
from socialmedia import outbox
from socialmedia.models import Message
from tests.concurrency import at_once
from tests.followups.factories import (
    NOON,
    make_automated,
    make_member,
    make_plan,
    make_queued,
    make_thread,
    opt_in,
    opt_out,
    start_job,
)
from tests.socialmedia.factories import make_bot

INSERT = """
INSERT INTO social_media_messages
    (conversation_id, message_text, is_outgoing, is_automated, status, sent_at, next_attempt_at, metadata, consent_id)
VALUES (%s, 'Hello!', TRUE, TRUE, 'queued', now(), now(), '{}', %s)
"""


def insert_raw(conversation_id: int, consent_id: int | None) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(INSERT, [conversation_id, consent_id])


@pytest.mark.django_db
class TestRequire:
    def test_gives_the_newest_receipt(self) -> None:
        member = make_member(opted_in=False)
        receipt_id = opt_in(member)

        assert consent.require(member.pk) == consent.Consent(member.pk, receipt_id)

    def test_refuses_somebody_unknown(self) -> None:
        with pytest.raises(consent.ConsentMissing):
            consent.require("nobody")

    def test_refuses_a_member_who_was_never_asked(self) -> None:
        member = make_member(opted_in=False, follow_ups_enabled=True)

        with pytest.raises(consent.ConsentMissing):
            consent.require(member.pk)

    def test_refuses_after_a_refusal(self) -> None:
        member = make_member(opted_in=False)
        opt_out(member)

        with pytest.raises(consent.ConsentMissing):
            consent.require(member.pk)

    def test_refuses_after_a_withdrawal(self) -> None:
        member = make_member()
        opt_out(member)

        with pytest.raises(consent.ConsentMissing):
            consent.require(member.pk)

    def test_refuses_when_only_the_switch_says_no(self) -> None:
        member = make_member(follow_ups_enabled=False)

        with pytest.raises(consent.ConsentMissing):
            consent.require(member.pk)


@pytest.mark.django_db
class TestGrant:
    def test_opts_the_member_in_with_a_receipt(self) -> None:
        member = make_member(opted_in=False)
        assert member.follow_ups_enabled is False

        receipt = consent.grant(user_id=member.pk, source="api", evidence="form 7", actor="key 3")

        member.refresh_from_db()
        assert member.follow_ups_enabled is True
        assert (receipt.state, receipt.wording_version) == ("granted", consent.WORDING_VERSION)
        assert receipt.recorded_at is not None

    def test_twice_gives_the_first_receipt(self) -> None:
        member = make_member(opted_in=False)

        assert opt_in(member) == opt_in(member)
        assert ConsentReceipt.objects.filter(user=member).count() == 1

    def test_after_a_withdrawal_writes_a_new_receipt(self) -> None:
        member = make_member(opted_in=False)
        first = opt_in(member)
        opt_out(member)

        second = opt_in(member)

        assert second != first
        assert consent.require(member.pk).receipt_id == second

    def test_of_somebody_unknown_is_an_error(self) -> None:
        with pytest.raises(UserProfile.DoesNotExist):
            consent.grant(user_id="nobody", source="api", evidence="e", actor="a")


@pytest.mark.django_db
class TestWithdraw:
    def test_records_a_withdrawal(self) -> None:
        member = make_member()

        withdrawal = opt_out(member)

        member.refresh_from_db()
        assert withdrawal.receipt.state == "withdrawn"
        assert member.follow_ups_enabled is False

    def test_without_consent_records_a_refusal(self) -> None:
        member = make_member(opted_in=False)

        assert opt_out(member).receipt.state == "refused"

    def test_cancels_what_is_planned_with_its_job(self) -> None:
        member, other = make_member(), make_member()
        follow_up, untouched = make_plan(member), make_plan(other)

        withdrawal = opt_out(member)

        follow_up.refresh_from_db()
        untouched.refresh_from_db()
        assert withdrawal.cancelled_follow_ups == 1
        assert (follow_up.status, follow_up.reason) == ("cancelled", "consent withdrawn")
        assert follow_up.cancelled_at == NOON
        assert ScheduledJob.objects.get(job_id=follow_up.job_id).status == "cancelled"
        assert untouched.status == "pending"

    def test_suppresses_what_is_queued(self) -> None:
        member = make_member()
        follow_up = make_queued(member)

        opt_out(member)

        follow_up.refresh_from_db()
        assert follow_up.status == "cancelled"
        assert follow_up.message is not None
        assert follow_up.message.status == "suppressed"

    def test_suppresses_other_automated_messages_but_no_answers(self) -> None:
        member = make_member()
        automated = make_automated(member)
        answer = outbox.queue_reply(conversation=automated.conversation, text="Sure.", now=NOON)

        opt_out(member)

        automated.refresh_from_db()
        answer.refresh_from_db()
        assert (automated.status, answer.status) == ("suppressed", "queued")

    def test_rolled_back_leaves_everything_as_it_was(self) -> None:
        member = make_member()
        follow_up = make_plan(member)

        with transaction.atomic():
            opt_out(member)
            transaction.set_rollback(True)

        follow_up.refresh_from_db()
        assert follow_up.status == "pending"
        assert consent.require(member.pk)


@pytest.mark.django_db
class TestReceipts:
    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE consent_receipts SET state = 'granted'",
            "DELETE FROM consent_receipts",
            "TRUNCATE consent_receipts CASCADE",
        ],
    )
    def test_cannot_be_changed_or_removed(self, statement: str) -> None:
        opt_out(make_member())

        with connection.cursor() as cursor:
            # The tests switch the guard against TRUNCATE off, to empty the tables; this one needs it.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("ALTER TABLE consent_receipts ENABLE TRIGGER consent_receipts_no_truncate")
        with (
            pytest.raises(IntegrityError, match="only ever added"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)

        assert ConsentReceipt.objects.count() == 2

    def test_cannot_be_removed_by_the_orm(self) -> None:
        member = make_member()

        with pytest.raises(IntegrityError), transaction.atomic():
            ConsentReceipt.objects.filter(user=member).delete()


@pytest.mark.django_db
class TestMessageGuard:
    def test_lets_a_message_with_live_consent_in(self) -> None:
        assert make_automated(make_member()).status == "queued"

    def test_refuses_without_a_receipt(self) -> None:
        thread = make_thread(make_member(opted_in=False, follow_ups_enabled=True))

        with pytest.raises(IntegrityError, match="never asked"):
            insert_raw(thread.pk, None)

    def test_refuses_a_receipt_that_does_not_exist(self) -> None:
        with pytest.raises(IntegrityError, match="another receipt"):
            insert_raw(make_thread(make_member()).pk, 123_456_789)

    def test_refuses_after_a_withdrawal(self) -> None:
        member = make_member(opted_in=False)
        receipt_id = opt_in(member)
        opt_out(member)

        with pytest.raises(IntegrityError, match="says withdrawn"):
            insert_raw(make_thread(member).pk, receipt_id)

    def test_refuses_an_old_receipt_after_a_new_grant(self) -> None:
        member = make_member(opted_in=False)
        old = opt_in(member)
        opt_out(member)
        opt_in(member)

        with pytest.raises(IntegrityError, match="another receipt"):
            insert_raw(make_thread(member).pk, old)

    def test_refuses_when_the_members_switch_is_off(self) -> None:
        member = make_member(follow_ups_enabled=False)
        receipt = consent.current(member.pk)
        assert receipt is not None

        with pytest.raises(IntegrityError, match="disabled"):
            insert_raw(make_thread(member).pk, receipt.pk)

    def test_refuses_somebody_elses_consent(self) -> None:
        willing, other = make_member(), make_member()

        with pytest.raises(IntegrityError, match="another receipt"):
            insert_raw(make_thread(other).pk, consent.require(willing.pk).receipt_id)

    def test_refuses_a_conversation_with_nobody_known(self) -> None:
        member = make_member()
        thread = make_thread(member)
        type(thread).objects.filter(pk=thread.pk).update(participant_id="someone else")

        with pytest.raises(IntegrityError, match="not with a known member"):
            insert_raw(thread.pk, consent.require(member.pk).receipt_id)

    def test_refuses_to_queue_again_after_a_withdrawal(self) -> None:
        member = make_member()
        message = make_automated(member)
        opt_out(member)
        outbox.suppress_queued(message.pk, reason="test", now=NOON)

        with pytest.raises(IntegrityError, match="says withdrawn"), transaction.atomic():
            Message.objects.filter(pk=message.pk).update(status="queued")

    def test_lets_answers_pass(self) -> None:
        thread = make_thread(make_member(opted_in=False))

        assert outbox.queue_reply(conversation=thread, text="Sure.", now=NOON).status == "queued"


@pytest.mark.django_db
class TestFailsClosed:
    @pytest.mark.parametrize(
        "arrange",
        [
            lambda: "nobody",
            lambda: make_member(opted_in=False).pk,
            lambda: make_member(opted_in=False, follow_ups_enabled=True).pk,
            lambda: make_member(follow_ups_enabled=False).pk,
            lambda: opt_out(make_member()).receipt.user_id,
            lambda: opt_out(make_member(opted_in=False)).receipt.user_id,
        ],
        ids=["unknown", "never asked", "switch without receipt", "receipt without switch", "withdrawn", "refused"],
    )
    def test_for(self, arrange: Callable[[], str]) -> None:
        decision = policy.decide(facts.gather(arrange(), "custom", now=NOON), now=NOON)

        assert decision.verdict is policy.Verdict.DROP
        assert decision.gate in {policy.Gate.PROFILE, policy.Gate.CONSENT}


@pytest.mark.django_db(transaction=True)
class TestWithdrawalRace:
    def test_never_leaves_a_queued_message_with_a_withdrawn_consent(self) -> None:
        """A withdrawal and an execution at the same moment, ten times: whoever is first, nothing stays queued."""
        make_bot()
        for _ in range(10):
            member = make_member()
            follow_up = make_plan(member)
            race_execution_and_withdrawal(member, follow_up)

            follow_up.refresh_from_db()
            assert follow_up.status in {"cancelled", "skipped"}
            assert not Message.objects.filter(conversation__participant_id=member.pk, status="queued").exists()

    def test_never_lets_a_raw_insert_overtake_a_withdrawal(self) -> None:
        for _ in range(10):
            member = make_member()
            thread, receipt_id = make_thread(member), consent.require(member.pk).receipt_id

            def act(
                index: int, member: UserProfile = member, thread_id: int = thread.pk, receipt_id: int = receipt_id
            ) -> bool:
                if index == 0:
                    opt_out(member)
                    return True
                try:
                    insert_raw(thread_id, receipt_id)
                except IntegrityError:
                    return False
                return True

            at_once(2, act)

            assert not Message.objects.filter(conversation_id=thread.pk, status="queued").exists()


def race_execution_and_withdrawal(member: UserProfile, follow_up: FollowUp) -> None:
    attempt = start_job(follow_up)

    def act(index: int) -> None:
        if index == 0:
            opt_out(member)
        else:
            execution.execute(attempt, now=NOON)

    at_once(2, act)
