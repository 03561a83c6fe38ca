"""What the tests of the relay do beside the relay: let time pass, opt out, die."""

import asyncio
from datetime import timedelta

from django.utils import timezone

from bots.practice.server import PracticeServer
from bots.relay import Relay
from followups import consent, privacy
from socialmedia import outbox
from socialmedia.models import Message
from tests.bots import running, support

MINUTE = timedelta(minutes=1)


def people(server: PracticeServer) -> list[int]:
    """The ids of the community's people."""
    return [user.id for user in support.people(server.world)]


def state_of(message: Message) -> Message:
    """The message as it is stored now."""
    return Message.objects.get(pk=message.pk)


def make_due(message: Message) -> None:
    """Let the time until the next attempt pass."""
    Message.objects.filter(pk=message.pk).update(next_attempt_at=timezone.now())


def age(message: Message, by: timedelta) -> None:
    """Let so much time have passed since the first attempt, and any lease have run out."""
    stored = state_of(message)
    assert stored.first_attempt_at is not None
    Message.objects.filter(pk=message.pk).update(first_attempt_at=stored.first_attempt_at - by)
    Message.objects.filter(pk=message.pk, status="sending").update(lease_expires_at=timezone.now() - MINUTE)


def opt_out(server: PracticeServer) -> None:
    """Withdraw the first member's consent."""
    person = str(people(server)[0])
    consent.withdraw(user_id=person, source="api", evidence="x", actor="x", now=timezone.now())


def forget(server: PracticeServer) -> None:
    """Forget the first member for good."""
    privacy.forget(user_id=str(people(server)[0]), source="api", evidence="x", actor="x", now=timezone.now())


def claim_and_die(server: PracticeServer) -> None:
    """Be a relay that dies right after claiming."""
    taken = outbox.claim(account=running.bot_account(server), limit=10, lease=MINUTE)
    assert taken
    Message.objects.filter(status="sending").update(lease_expires_at=timezone.now() - MINUTE)


async def dm_channel(server: PracticeServer) -> int:
    """The private channel with the first of the community's people."""
    return server.channel_for(people(server)[0], "dm").id


async def drain(relay: Relay) -> None:
    """Run until nothing is due."""
    async with asyncio.timeout(60):
        while await relay.run_once():
            pass
