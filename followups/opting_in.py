"""A member's yes, and what becomes possible by it: the follow-ups of events and goals that still lie ahead."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime

from django.db import transaction

from followups import consent, events, goals
from followups.models import ConsentReceipt
from followups.planning import CannotPlan


def opt_in(
    *,
    user_id: str,
    source: str,
    evidence: str,
    actor: str,
    topics: Iterable[str] | None = None,
    wording_version: str = consent.WORDING_VERSION,
    now: datetime,
) -> ConsentReceipt:
    """Record the yes as `consent.grant` does, and plan what the member's coming events and open goal lack.

    What is over gets nothing afterwards, and what a person has cancelled stays cancelled.

    Raises:
        UserProfile.DoesNotExist: nobody with this id is known.
        consent.UnknownTopic: there is no such topic, or none is named.
    """
    with transaction.atomic():
        receipt = consent.grant(
            user_id=user_id,
            source=source,
            evidence=evidence,
            actor=actor,
            topics=topics,
            wording_version=wording_version,
        )
        for plan_missing in (events.plan_missing, goals.plan_missing):
            with suppress(CannotPlan):  # too much is pending: that must not undo the yes
                plan_missing(user_id, now=now)
        return receipt
