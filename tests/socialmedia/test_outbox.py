"""The outbox: claimed once, in order, with an outcome only the claim's holder can write."""

from collections import defaultdict
from datetime import timedelta

import psycopg
import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from socialmedia import outbox
from socialmedia.models import Account, Conversation, Message
from tests.concurrency import at_once
from tests.socialmedia.factories import (
    NOON,
    make_bot,
    make_conversation,
    make_permission,
    make_person,
    make_reply,
)

MINUTE = timedelta(minutes=1)


def claim(account: Account, limit: int = 10) -> list[outbox.Delivery]:
    """Claim with a lease of one minute."""
    return outbox.claim(account=account, limit=limit, lease=MINUTE)


def claim_one(conversation: Conversation) -> outbox.Delivery:
    """Claim exactly one message."""
    (delivery,) = claim(conversation.account)
    return delivery


def expire_lease(message: Message) -> None:
    """Let the relay that holds this message be dead for a while."""
    Message.objects.filter(pk=message.pk).update(lease_expires_at=timezone.now() - MINUTE)


@pytest.mark.django_db
class TestQueue:
    def test_gives_each_message_its_own_nonce(self) -> None:
        conversation = make_conversation()
        first, second = make_reply(conversation), make_reply(conversation)
        assert first.nonce == f"ob-{first.pk}"
        assert first.nonce != second.nonce
        assert len(first.nonce) <= 25

    def test_makes_it_due_at_once(self) -> None:
        message = outbox.queue_reply(conversation=make_conversation(), text="Hi", now=NOON)
        message.refresh_from_db()
        assert (message.status, message.next_attempt_at, message.sent_at) == ("queued", NOON, NOON)
        assert message.is_automated is False

    def test_keeps_the_consent_of_an_automated_message(self) -> None:
        conversation = make_conversation()
        permission = make_permission(conversation)
        message = outbox.queue_automated(
            conversation=conversation, text="Hi", permission=permission, template="t", now=NOON
        )
        message.refresh_from_db()
        assert (message.is_automated, message.consent_id) == (True, permission.receipt_id)
        assert message.template_used == "t"


@pytest.mark.django_db
class TestClaim:
    def test_leases_the_message(self) -> None:
        message = make_reply()
        delivery = claim_one(message.conversation)
        stored = Message.objects.get()
        assert delivery.message.pk == message.pk
        assert delivery.untried
        assert (stored.status, stored.lease_token, stored.attempts) == ("sending", delivery.token, 1)
        assert stored.first_attempt_at is not None
        assert stored.lease_expires_at is not None
        assert stored.lease_expires_at - stored.first_attempt_at == MINUTE

    def test_leaves_future_messages(self) -> None:
        message = make_reply(now=timezone.now() + MINUTE)
        assert claim(message.conversation.account) == []

    def test_leaves_other_accounts_alone(self) -> None:
        make_reply()
        assert claim(make_bot()) == []

    def test_takes_only_the_oldest_of_a_conversation(self) -> None:
        conversation = make_conversation()
        first, _second = make_reply(conversation), make_reply(conversation)
        assert claim_one(conversation).message.pk == first.pk
        assert claim(conversation.account) == []

    def test_goes_on_with_the_next_once_the_first_is_settled(self) -> None:
        conversation = make_conversation()
        _first, second = make_reply(conversation), make_reply(conversation)
        outbox.record_sent(claim_one(conversation), external_message_id="1", now=NOON)
        assert claim_one(conversation).message.pk == second.pk

    def test_keeps_order_while_an_answer_waits_for_its_retry(self) -> None:
        conversation = make_conversation()
        make_reply(conversation)
        make_reply(conversation)
        outbox.release(claim_one(conversation), next_attempt_at=timezone.now() + MINUTE)
        assert claim(conversation.account) == []

    def test_lets_answers_pass_a_held_follow_up(self) -> None:
        conversation = make_conversation()
        permission = make_permission(conversation)
        outbox.queue_automated(
            conversation=conversation, text="How are you?", permission=permission, now=timezone.now() + MINUTE
        )
        answer = make_reply(conversation)
        assert claim_one(conversation).message.pk == answer.pk

    def test_takes_one_of_each_conversation_up_to_the_limit(self) -> None:
        bot = make_bot()
        for _ in range(4):
            make_reply(make_conversation(bot))
        assert len(claim(bot, limit=3)) == 3
        assert len(claim(bot, limit=3)) == 1

    def test_returns_the_conversation_without_another_query(self) -> None:
        message = make_reply()
        delivery = claim_one(message.conversation)
        assert "conversation" in delivery.message._state.fields_cache


@pytest.mark.django_db
class TestStranded:
    def test_takes_over_what_a_dead_relay_left(self) -> None:
        message = make_reply(make_conversation(channel="7"))
        dead = claim_one(message.conversation)
        expire_lease(message)
        (delivery,) = outbox.stranded(account=message.conversation.account, limit=5, lease=MINUTE)
        assert delivery.token != dead.token
        assert not delivery.untried
        assert delivery.message.attempts == 2
        assert delivery.message.first_attempt_at == dead.message.first_attempt_at

    def test_begins_anew_with_what_cannot_have_left_without_a_channel(self) -> None:
        message = make_reply()
        dead = claim_one(message.conversation)
        untried = []
        for _ in range(2):
            expire_lease(message)
            (delivery,) = outbox.stranded(account=message.conversation.account, limit=5, lease=MINUTE)
            untried.append(delivery.untried)
        assert untried == [True, False]  # whoever has died twice may have had a channel that is gone
        assert delivery.message.first_attempt_at is not None
        assert dead.message.first_attempt_at is not None
        assert delivery.message.first_attempt_at > dead.message.first_attempt_at

    def test_leaves_running_deliveries(self) -> None:
        message = make_reply()
        claim_one(message.conversation)
        assert outbox.stranded(account=message.conversation.account, limit=5, lease=MINUTE) == []


@pytest.mark.django_db
class TestOutcomes:
    def test_records_what_was_sent(self) -> None:
        conversation = make_conversation()
        make_reply(conversation, text="Hello.")
        assert outbox.record_sent(claim_one(conversation), external_message_id="900", now=NOON)
        message = Message.objects.get()
        assert (message.status, message.external_message_id, message.delivered_at) == ("sent", "900", NOON)
        assert message.lease_token is None
        conversation.refresh_from_db()
        assert (conversation.last_message_at, conversation.last_message_preview) == (NOON, "Hello.")
        assert conversation.last_message_is_outgoing is True

    def test_records_a_refusal(self) -> None:
        conversation = make_conversation()
        make_reply(conversation)
        assert outbox.record_failed(claim_one(conversation), code="50007", reason="closed", now=NOON)
        message = Message.objects.get()
        assert (message.status, message.error_code, message.error_message) == ("failed", "50007", "closed")

    def test_records_that_nobody_knows(self) -> None:
        conversation = make_conversation()
        make_reply(conversation)
        assert outbox.record_unknown(claim_one(conversation), reason="answer lost", now=NOON)
        assert Message.objects.get().status == "unknown"

    def test_suppresses_with_a_reason(self) -> None:
        conversation = make_conversation()
        make_reply(conversation)
        assert outbox.suppress(claim_one(conversation), reason="opted out", now=NOON)
        message = Message.objects.get()
        assert (message.status, message.error_message) == ("suppressed", "opted out")

    def test_forgets_an_attempt_that_never_reached_the_network(self) -> None:
        conversation = make_conversation()
        make_reply(conversation)
        assert outbox.release(claim_one(conversation), next_attempt_at=timezone.now())
        assert Message.objects.get().first_attempt_at is None
        assert claim_one(conversation).untried

    def test_remembers_an_attempt_that_may_have_arrived(self) -> None:
        conversation = make_conversation()
        make_reply(conversation)
        first = claim_one(conversation)
        assert outbox.release(first, next_attempt_at=timezone.now(), may_have_arrived=True)
        second = claim_one(conversation)
        assert not second.untried
        assert outbox.release(second, next_attempt_at=timezone.now())
        assert Message.objects.get().first_attempt_at == first.message.first_attempt_at

    def test_do_not_count_an_attempt_that_touched_nothing(self) -> None:
        message = make_reply()
        outbox.release(claim_one(message.conversation), next_attempt_at=timezone.now(), untouched=True)
        message.refresh_from_db()
        assert (message.attempts, message.first_attempt_at) == (0, None)

    def test_keep_each_part_of_a_long_message_and_renew_the_lease(self) -> None:
        message = make_reply()
        first = claim_one(message.conversation)
        second = outbox.record_part(first, external_message_id="1", lease=10 * MINUTE)
        assert second is not None
        third = outbox.record_part(second, external_message_id="2", lease=10 * MINUTE)
        assert third is not None
        assert third.untried
        message.refresh_from_db()
        assert message.metadata["parts"] == third.part_ids == ["1", "2"]
        assert message.lease_expires_at is not None
        assert message.lease_expires_at > timezone.now() + 9 * MINUTE
        assert message.first_attempt_at is not None
        outbox.release(third, next_attempt_at=timezone.now())
        assert claim_one(message.conversation).untried

    def test_keep_no_part_for_whoever_lost_the_lease(self) -> None:
        message = make_reply()
        held = claim_one(message.conversation)
        expire_lease(message)
        outbox.stranded(account=message.conversation.account, limit=1, lease=MINUTE)
        assert outbox.record_part(held, external_message_id="1", lease=MINUTE) is None
        message.refresh_from_db()
        assert "parts" not in message.metadata

    def test_refuse_whoever_lost_the_lease(self) -> None:
        conversation = make_conversation()
        message = make_reply(conversation)
        lost = claim_one(conversation)
        expire_lease(message)
        outbox.stranded(account=conversation.account, limit=1, lease=MINUTE)
        assert not outbox.record_sent(lost, external_message_id="1", now=NOON)
        assert not outbox.record_failed(lost, code="1", reason="", now=NOON)
        assert not outbox.record_unknown(lost, reason="", now=NOON)
        assert not outbox.release(lost, next_attempt_at=NOON)
        assert not outbox.suppress(lost, reason="", now=NOON)
        assert Message.objects.get().status == "sending"
        conversation.refresh_from_db()
        assert conversation.last_message_at is None


@pytest.mark.django_db
class TestSuppressQueued:
    def test_stops_a_queued_message(self) -> None:
        message = make_reply()
        assert outbox.suppress_queued(message.pk, reason="opted out", now=NOON)
        assert Message.objects.get().status == "suppressed"

    def test_is_too_late_for_a_message_on_the_wire(self) -> None:
        message = make_reply()
        claim_one(message.conversation)
        assert not outbox.suppress_queued(message.pk, reason="opted out", now=NOON)
        assert Message.objects.get().status == "sending"

    def test_is_too_late_for_a_message_that_may_have_arrived(self) -> None:
        message = make_reply()
        outbox.release(claim_one(message.conversation), next_attempt_at=timezone.now(), may_have_arrived=True)
        assert not outbox.suppress_queued(message.pk, reason="opted out", now=NOON)
        assert Message.objects.get().status == "queued"


@pytest.mark.django_db
class TestConstraints:
    def test_allow_one_message_of_a_conversation_on_the_wire(self) -> None:
        conversation = make_conversation()
        make_reply(conversation)
        second = make_reply(conversation)
        held = claim_one(conversation)
        with pytest.raises(IntegrityError, match="one_in_delivery"), transaction.atomic():
            Message.objects.filter(pk=second.pk).update(
                status="sending", lease_token=held.token, lease_expires_at=timezone.now()
            )

    def test_want_a_time_for_a_queued_message(self) -> None:
        message = make_reply()
        with pytest.raises(IntegrityError, match="queued_has_time"), transaction.atomic():
            Message.objects.filter(pk=message.pk).update(next_attempt_at=None)


@pytest.mark.django_db(transaction=True)
class TestTwoRelaysAtOnce:
    """Four relays drain 6 conversations of 8 messages, claiming and settling as fast as they can."""

    CONVERSATIONS = 6
    MESSAGES = 8

    def test_deliver_each_message_once_and_in_order(self) -> None:
        bot = make_bot()
        conversations = [make_conversation(bot, make_person()) for _ in range(self.CONVERSATIONS)]
        for _ in range(self.MESSAGES):
            for conversation in conversations:
                make_reply(conversation)
        delivered: list[tuple[int, int]] = []
        overlaps: list[int] = []
        on_the_wire: set[int] = set()

        def drain(_number: int) -> None:
            while Message.objects.filter(status__in=["queued", "sending"]).exists():
                for delivery in claim(bot, limit=3):
                    key = delivery.message.conversation_id
                    if key in on_the_wire:
                        overlaps.append(key)
                    on_the_wire.add(key)
                    delivered.append((key, delivery.message.pk))
                    on_the_wire.discard(key)
                    assert outbox.record_sent(delivery, external_message_id=str(delivery.message.pk), now=NOON)

        at_once(4, drain)
        assert len(delivered) == len({message for _, message in delivered}) == self.CONVERSATIONS * self.MESSAGES
        by_conversation = defaultdict(list)
        for key, message in delivered:
            by_conversation[key].append(message)
        assert all(messages == sorted(messages) for messages in by_conversation.values())
        assert overlaps == []

    def test_never_hold_two_messages_of_a_conversation(self) -> None:
        bot = make_bot()
        conversation = make_conversation(bot)
        for _ in range(3):
            make_reply(conversation)
        for _ in range(10):
            taken = at_once(4, lambda _number: claim(bot))
            deliveries = [delivery for claimed in taken for delivery in claimed]
            assert len(deliveries) == 1
            outbox.release(deliveries[0], next_attempt_at=timezone.now())


@pytest.mark.django_db(transaction=True)
class TestNotification:
    def listen(self) -> psycopg.Connection[tuple[object, ...]]:
        connection.ensure_connection()
        listener = psycopg.connect(
            **{name: value for name, value in connection.get_connection_params().items() if name in PLAIN_PARAMETERS},
            autocommit=True,
        )
        listener.execute("LISTEN checkback_outbox")
        return listener

    def heard(self, listener: psycopg.Connection[tuple[object, ...]]) -> int:
        """Count what came before a mark of our own: notifications arrive in the order of the commits."""
        listener.execute("NOTIFY checkback_outbox, 'mark'")
        for count, notification in enumerate(listener.notifies(timeout=20)):
            if notification.payload == "mark":
                return count
        raise AssertionError("Our own mark never came.")

    def test_comes_at_commit_and_not_before(self) -> None:
        conversation = make_conversation()
        with self.listen() as listener:
            with transaction.atomic():
                make_reply(conversation)
                make_reply(conversation)
                assert self.heard(listener) == 0
            assert self.heard(listener) == 1

    def test_comes_when_a_message_returns_to_the_queue(self) -> None:
        message = make_reply()
        delivery = claim_one(message.conversation)
        with self.listen() as listener:
            outbox.release(delivery, next_attempt_at=timezone.now())
            assert self.heard(listener) == 1

    def test_stays_away_for_other_changes(self) -> None:
        message = make_reply()
        with self.listen() as listener:
            delivery = claim_one(message.conversation)
            outbox.release(delivery, next_attempt_at=timezone.now() + MINUTE)
            assert self.heard(listener) == 0


PLAIN_PARAMETERS = {"dbname", "user", "password", "host", "port"}
