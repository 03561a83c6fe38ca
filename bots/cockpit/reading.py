"""Reading how things stand for a member from the database, in about a dozen queries by indexes."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bots.cockpit.standing import Next, Obstacle, Standing
from followups import campaigns, channels, composing, conf, consent, facts, planning, policy
from followups.analytics import experiments
from followups.models import FollowUp, FollowUpStatus, Trigger, UserProfile
from followups.policy import Gate, Verdict
from jobs import pauses

_LONGEST_OCCASION = 100


def read(user_id: str, *, now: datetime) -> Standing:
    """How things stand. Nothing is recorded; somebody nobody knows has not opted in."""
    settings = conf.current()
    profile = UserProfile.objects.select_related("account").filter(pk=user_id).first()
    if profile is None or not is_on(user_id):
        return Standing(is_on=False)
    pending = FollowUp.objects.filter(user_id=user_id, status=FollowUpStatus.PENDING).select_related("message")
    planned = list(pending.order_by("scheduled_at", "pk")[: planning.MOST_PENDING])
    zone = policy.zone_for(profile.timezone, settings.timezone)
    has_quiet = profile.quiet_start is not None and profile.quiet_end is not None
    return Standing(
        is_on=True,
        next=_next(profile, planned[0], now=now) if planned else None,
        others=max(len(planned) - 1, 0),
        topics=tuple(profile.topics),
        frequency_hours=profile.follow_up_frequency_hours,
        least_hours=int(settings.min_between / timedelta(hours=1)),
        paused_until=profile.paused_until if profile.paused_until and profile.paused_until > now else None,
        quiet=(profile.quiet_start, profile.quiet_end) if has_quiet else None,  # type: ignore[arg-type]  # both are set
        community_quiet=(settings.quiet_start, settings.quiet_end),
        zone=str(zone),
        own_zone=profile.timezone,
        local_time=f"{now.astimezone(zone):%H:%M}",
        locale=profile.locale,
        community_locale=settings.language,
    )


def is_on(user_id: str) -> bool:
    """Whether follow-ups may come: what the sender asks, so that the answer can't differ from what happens."""
    try:
        consent.require(user_id)
    except consent.ConsentMissing:
        return False
    return True


def _next(profile: UserProfile, follow_up: FollowUp, *, now: datetime) -> Next:
    text, is_certain = _text(profile, follow_up, now=now)
    trigger, data = follow_up.trigger_type, follow_up.trigger_data
    named = {Trigger.POST_EVENT: "event", Trigger.GOAL: "goal"}.get(Trigger(trigger), "")
    is_silence = trigger in {Trigger.INACTIVITY, Trigger.RE_ENGAGEMENT}
    return Next(
        follow_up_id=follow_up.pk,
        due_at=follow_up.scheduled_at,
        trigger=trigger,
        occasion=composing.plain(str(data.get(named) or ""), longest=_LONGEST_OCCASION),
        since=profile.last_interaction if is_silence else follow_up.event_at,
        text=text,
        is_certain=is_certain,
        is_written=follow_up.message_id is not None,
        obstacle=_obstacle(profile, follow_up, now=now),
    )


def _text(profile: UserProfile, follow_up: FollowUp, *, now: datetime) -> tuple[str, bool]:
    """The words as they are now, and whether they stay so: what a template says follows the facts of the day, and a
    language model may write it in their place.
    """
    if follow_up.message is not None:
        return follow_up.message.message_text, True
    conversation = channels.find(profile)
    account_id = conversation.account_id if conversation is not None else None
    try:
        composed = composing.compose(profile, follow_up, account_id=account_id, now=now)
    except composing.NothingPublished:
        return "", False
    return composed.text, composed.composed_by == "staff"


def _obstacle(profile: UserProfile, follow_up: FollowUp, *, now: datetime) -> Obstacle | None:
    """What the policy would say when it is due, as far as today's facts go."""
    trigger = follow_up.trigger_type
    known = facts.gather(profile.pk, trigger, now=now, asked_about=follow_up)
    held_out = experiments.is_held_out(profile.pk, trigger, campaigns.holdout_percent(trigger))
    known = replace(known, is_held_out=held_out and follow_up.message_id is None)
    decision = policy.decide(known, now=max(now, follow_up.scheduled_at))
    if decision.verdict is Verdict.SEND or decision.gate is None:
        return pause_of_all()
    return obstacle(
        str(decision.gate), decision.inputs, until=decision.until, is_final=decision.verdict is Verdict.DROP
    )


def pause_of_all() -> Obstacle | None:
    """The pause of all follow-ups, which the policy is not asked about: their jobs wait, for nobody knows how long."""
    return Obstacle(Gate.SWITCH) if pauses.is_paused(planning.JOB_TYPE) else None


def obstacle(gate: str, inputs: Mapping[str, Any], *, until: datetime | None, is_final: bool) -> Obstacle:
    """What the policy or its ledger said, as an obstacle."""
    if gate == Gate.TOO_LATE and "held_by" in inputs:
        return Obstacle(str(inputs["held_by"]), is_final=True, is_in_vain=True)
    # A pause of the campaign is asked about every few hours: nobody knows when it ends.
    return Obstacle(gate, None if gate == Gate.CAMPAIGN else until, is_final=is_final)
