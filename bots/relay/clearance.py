"""The last question before each call to Discord, in one unit: the switch, the policy, the budget of new channels."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bots.governor import controls
from bots.outcomes import Openings
from followups import delivery
from followups.policy import Decision, Verdict
from socialmedia.outbox import Delivery

NONCE_WINDOW: Final = timedelta(minutes=2)
"""Discord keeps a nonce for "the past few minutes"; two are surely inside."""


@dataclass(frozen=True)
class Clearance:
    """May the next part go now?"""

    decision: Decision | None
    """None: the account is stopped."""
    must_look: bool = False
    """An earlier attempt may have arrived, and sending it again would not tell: the history must be read."""
    open_after: datetime | None = None
    """The budget of new private channels is used up until then."""

    @property
    def is_go(self) -> bool:
        """The policy lets it go."""
        return self.decision is not None and self.decision.verdict is Verdict.SEND


def ask(held: Delivery, openings: Openings, *, now: datetime) -> Clearance:
    """Ask, and reserve a new channel when one is needed. A message that has begun is not held for quiet hours."""
    conversation = held.message.conversation
    if not controls.of_account(conversation.account_id).may_send:
        return Clearance(None)
    decision = delivery.may_send(held.message, now=now)
    if held.part_ids and decision.verdict is Verdict.HOLD:
        decision = Decision(Verdict.SEND, reason="Its first part has arrived.")
    is_go = decision.verdict is Verdict.SEND
    if not held.untried and not (is_go and _is_nonce_known(held, now=now)):
        return Clearance(decision, must_look=True)
    if not is_go or conversation.external_channel_id:
        return Clearance(decision)
    after = openings.reserve(conversation.account_id, user_id=conversation.participant_id, now=now)
    return Clearance(decision, open_after=after)


def _is_nonce_known(held: Delivery, *, now: datetime) -> bool:
    first = held.message.first_attempt_at
    return first is not None and now - first < NONCE_WINDOW
