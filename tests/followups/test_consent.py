"""Consent: opt-in, receipts that stay, and a database that refuses what nobody allowed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

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


def point_raw(message: Message, consent_id: int) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE social_media_messages SET consent_id = %s WHERE id = %s", [consent_id, message.pk])


def choose(member: UserProfile, *topics: str) -> consent.Withdrawal:
    return consent.change_topics(
        user_id=member.pk, topics=topics, source="slash_command", evidence="interaction 3", actor=member.pk, now=NOON
    )


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

    def test_covers_every_topic(self) -> None:
        member = make_member(opted_in=False)

        opt_in_to(member)

        assert topics_of(member) == ["check_ins", "events", "re_engagement"]

    def test_may_cover_some_topics(self) -> None:
        member = make_member(opted_in=False)

        receipt = opt_in_to(member, ["events", "check_ins", "events"])

        assert receipt.topics == topics_of(member) == ["check_ins", "events"]

    @pytest.mark.parametrize("topics", [[], ["gossip"]])
    def test_of_nothing_or_nonsense_is_an_error(self, topics: list[str]) -> None:
        member = make_member(opted_in=False)

        with pytest.raises(consent.UnknownTopic, match="check_ins, events, re_engagement"):
            opt_in_to(member, topics)
        assert not ConsentReceipt.objects.exists()


def opt_in_to(member: UserProfile, topics: list[str] | None = None) -> ConsentReceipt:
    return consent.grant(user_id=member.pk, source="api", evidence="form 7", actor="key 3", topics=topics)


def topics_of(member: UserProfile) -> list[str]:
    """The profile's topics, which must be those of the newest receipt."""
    member.refresh_from_db()
    newest = consent.current(member.pk)
    assert newest is not None
    assert newest.topics == member.topics
    return list(member.topics)


@pytest.mark.django_db
class TestChangeTopics:
    """PEERS 25: not all or nothing."""

    def test_writes_a_new_receipt_and_the_profiles_copy(self) -> None:
        member = make_member()

        change = choose(member, "events")

        assert (change.receipt.state, change.receipt.topics) == ("granted", ["events"])
        assert topics_of(member) == ["events"]
        assert ConsentReceipt.objects.filter(user=member).count() == 2
        assert consent.require(member.pk).receipt_id == change.receipt.pk

    def test_cancels_what_is_pending_of_a_topic_turned_off(self) -> None:
        member = make_member()
        planned, kept = make_plan(member, trigger="custom"), make_plan(member, trigger="post_event")
        queued = make_queued(member, trigger="inactivity")

        change = choose(member, "events", "re_engagement")

        for row in (planned, kept, queued):
            row.refresh_from_db()
        assert change.cancelled_follow_ups == 2
        assert (planned.status, planned.reason) == ("cancelled", "topic turned off")
        assert ScheduledJob.objects.get(job_id=planned.job_id).status == "cancelled"
        assert queued.message is not None
        assert (queued.status, queued.message.status) == ("cancelled", "suppressed")
        assert kept.status == ScheduledJob.objects.get(job_id=kept.job_id).status == "pending"

    def test_turns_topics_on_again(self) -> None:
        member = make_member()
        choose(member, "events")

        assert choose(member, "events", "check_ins").cancelled_follow_ups == 0
        assert topics_of(member) == ["check_ins", "events"]

    def test_to_nothing_is_a_withdrawal(self) -> None:
        member = make_member()
        follow_up = make_plan(member)

        change = choose(member)

        follow_up.refresh_from_db()
        assert (change.receipt.state, change.cancelled_follow_ups) == ("withdrawn", 1)
        assert follow_up.status == "cancelled"
        assert topics_of(member) == []

    def test_to_the_same_writes_nothing(self) -> None:
        member = make_member()

        change = choose(member, "re_engagement", "events", "check_ins")

        assert change.receipt.pk == consent.require(member.pk).receipt_id
        assert ConsentReceipt.objects.filter(user=member).count() == 1

    @pytest.mark.parametrize("is_asked", [False, True])
    def test_needs_a_live_consent(self, is_asked: bool) -> None:
        member = make_member(opted_in=is_asked)
        if is_asked:
            opt_out(member)

        with pytest.raises(consent.ConsentMissing):
            choose(member, "events")

    def test_refuses_an_unknown_topic(self) -> None:
        member = make_member()

        with pytest.raises(consent.UnknownTopic, match="'gossip' is not a topic"):
            choose(member, "events", "gossip")
        assert topics_of(member) == ["check_ins", "events", "re_engagement"]

    def test_keeps_what_is_queued_of_the_other_topics_deliverable(self) -> None:
        member = make_member()
        queued = make_queued(member, trigger="post_event")

        choose(member, "events")

        queued.refresh_from_db()
        assert queued.message is not None
        assert queued.message.status == "queued"


class TestWordings:
    def test_the_newest_names_every_way_to_have_less(self) -> None:
        """PEERS 25: less often and pause are offered beside stop."""
        for words in ("check-ins", "after events", "after a long silence", "less often", "pause", "/followups", "stop"):
            assert words in consent.WORDING

    def test_keep_the_old_text(self) -> None:
        assert "You can stop this at any time" in consent.WORDINGS["2026-11"]
        assert "Tell your community's team" in consent.WORDINGS["2026-11-22"]
        assert consent.WORDINGS[consent.WORDING_VERSION] == consent.WORDING


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
        """ORIGINS 8.7, PEERS 17."""
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
        """PEERS 27."""
        member = make_member()
        automated = make_automated(member)
        answer = outbox.queue_reply(conversation=automated.conversation, text="Sure.", now=NOON)

        opt_out(member)

        automated.refresh_from_db()
        answer.refresh_from_db()
        assert (automated.status, answer.status) == ("suppressed", "queued")

    def test_rolled_back_leaves_everything_as_it_was(self) -> None:
        """A crash in the middle: neither the receipt nor the cancellation (PEERS 17)."""
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

        with pytest.raises(IntegrityError, match="opted out since"):
            insert_raw(make_thread(member).pk, old)

    def test_lets_an_earlier_receipt_of_the_same_yes_pass(self) -> None:
        member = make_member(opted_in=False)
        first = opt_in(member)
        choose(member, "check_ins", "events")

        insert_raw(make_thread(member).pk, first)

        assert Message.objects.get().consent_id == first

    def test_lets_a_message_of_the_same_yes_back_into_the_queue(self) -> None:
        """The relay releases what it could not send yet; the member has chosen other topics meanwhile."""
        member = make_member()
        message = make_automated(member)
        outbox.suppress_queued(message.pk, reason="test", now=NOON)
        choose(member, "events")

        Message.objects.filter(pk=message.pk).update(status="queued")

        message.refresh_from_db()
        assert message.status == "queued"

    def test_refuses_an_update_to_a_receipt_from_before_a_withdrawal(self) -> None:
        member = make_member(opted_in=False)
        old = opt_in(member)
        opt_out(member)
        opt_in(member)
        message = make_automated(member)

        with pytest.raises(IntegrityError, match="opted out since"):
            point_raw(message, old)

    def test_refuses_an_update_to_somebody_elses_receipt(self) -> None:
        """Also when it is older than, and so would be covered by, the member's own yes."""
        older, member = make_member(), make_member()
        message = make_automated(member)

        with pytest.raises(IntegrityError, match="another receipt"):
            point_raw(message, consent.require(older.pk).receipt_id)

    def test_refuses_a_receipt_that_says_no(self) -> None:
        member = make_member(opted_in=False)
        refusal = opt_out(member).receipt.pk
        opt_in(member)

        with pytest.raises(IntegrityError, match="another receipt"):
            insert_raw(make_thread(member).pk, refusal)

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
        """PEERS 27: an answer within a conversation is no outreach."""
        thread = make_thread(make_member(opted_in=False))

        assert outbox.queue_reply(conversation=thread, text="Sure.", now=NOON).status == "queued"


@pytest.mark.django_db(transaction=True)
class TestCrash:
    """PEERS 17: receipt, switch and cancellations are kept together or not at all."""

    @pytest.mark.parametrize("table", ["scheduled_followups", "scheduled_jobs", "social_media_messages"])
    def test_in_the_middle_of_a_withdrawal_leaves_neither(self, table: str) -> None:
        member = make_member()
        planned, queued = make_plan(member, trigger="post_event"), make_queued(member)

        with failing_updates_of(table), pytest.raises(DatabaseError, match="pulled the plug"):
            opt_out(member)

        for row in (planned, queued):
            row.refresh_from_db()
            assert row.status == "pending"
        assert queued.message is not None
        assert queued.message.status == "queued"
        assert ScheduledJob.objects.get(job_id=planned.job_id).status == "pending"
        assert topics_of(member)
        assert consent.require(member.pk)

        opt_out(member)

        assert not FollowUp.objects.filter(status="pending").exists()


@contextmanager
def failing_updates_of(table: str) -> Iterator[None]:
    """Let the database fail in the middle of an operation."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION pull_the_plug() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'pulled the plug'; END $$"
        )
        cursor.execute(f"CREATE TRIGGER plug BEFORE UPDATE ON {table} EXECUTE FUNCTION pull_the_plug()")
        try:
            yield
        finally:
            cursor.execute(f"DROP TRIGGER plug ON {table}")
            cursor.execute("DROP FUNCTION pull_the_plug()")


@pytest.mark.django_db
class TestFailsClosed:
    """ORIGINS 8.6."""

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
