"""Taking one of our accounts out of use, as after a change of the bot: what waits for it must not wait for ever."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from followups import cancelling, members, silence
from followups.models import FollowUp, FollowUpStatus
from socialmedia import outbox
from socialmedia.models import Account, Message, MessageStatus


class NotOurs(ValueError):
    """There is no account of ours with this id."""


@dataclass(frozen=True)
class Retirement:
    """What had waited for the account."""

    cancelled: int
    """Follow-ups. Check-ins among them are planned again by the next sweep, for an account in use."""
    suppressed: int
    """Other messages."""


def retire(account: Account, *, now: datetime) -> Retirement:
    """Take the account out of use and stop what waits for it. May be repeated. Logging in takes it back into use.

    What its relay is sending at this moment is left to that relay.

    Raises:
        NotOurs: it is somebody else's account.
    """
    if not Account.objects.filter(pk=account.pk, is_own=True).update(is_active=False, updated_at=now):
        raise NotOurs(f"{account} is not one of our accounts.")
    waiting = FollowUp.objects.filter(
        status=FollowUpStatus.PENDING,
        message__status=MessageStatus.QUEUED,
        message__conversation__account=account,
    )
    cancelled = sum(_cancel(follow_up, now=now) for follow_up in waiting)
    queued = Message.objects.filter(conversation__account=account, status=MessageStatus.QUEUED)
    keys = list(queued.values_list("pk", flat=True))
    suppressed = sum(outbox.suppress_queued(key, reason="its account was retired", now=now) for key in keys)
    return Retirement(cancelled, suppressed)


def _cancel(follow_up: FollowUp, *, now: datetime) -> bool:
    with transaction.atomic():
        members.lock(follow_up.user_id)
        done = cancelling.cancel(follow_up.pk, reason="its account was retired", now=now)
        if done:
            silence.reopen(follow_up)
    return done
