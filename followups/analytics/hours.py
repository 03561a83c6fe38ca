"""At which hour of the day messages are answered best, and at which hour a member is about."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from followups import conf, policy
from followups.analytics import words
from followups.analytics.rates import Rate
from followups.models import UserProfile
from socialmedia.models import ChannelActivity, Message

HOURS = 24
THIS_HOUR, NEXT_TO_IT = 0.6, 0.2
"""An hour is judged together with those before and after it: single hours jump with chance."""
ENOUGH_SENT = 100
"""Of the community, old enough to judge."""
ENOUGH_IN_HOUR = 10
ENOUGH_MESSAGES, ENOUGH_DAYS = 20, 5
"""Of a member: one long evening is no habit."""
LOOK_BACK = timedelta(days=90)
MOST_MESSAGES = 1_000


@dataclass(frozen=True)
class BestHour:
    """An hour of the day, and why."""

    hour: int
    in_words: str


def of_community(by_hour: Iterable[Rate]) -> BestHour | None:
    """The hour, in the members' own time, whose follow-ups are answered most. None when too little is known.

    Pure: takes what `rates.grouped(span, By.HOUR)` found.
    """
    answers = {int(rate.group[0]): rate.answered for rate in by_hour if rate.group[0]}
    if sum(share.of for share in answers.values()) < ENOUGH_SENT:
        return None
    hits, sent = (_smooth({hour: getattr(share, name) for hour, share in answers.items()}) for name in ("hits", "of"))
    rivals = [hour for hour, share in sorted(answers.items()) if share.of >= ENOUGH_IN_HOUR]
    best = max(rivals, key=lambda hour: hits[hour] / sent[hour], default=None)
    if best is None or not hits[best]:
        return None
    return BestHour(best, f"Around {best:02}:00 of the member's day: {words.share(answers[best], 'answered')}.")


def of_member(profile: UserProfile, *, now: datetime) -> BestHour | None:
    """The hour of the member's own day at which they write most, anywhere. None when too little is known.

    One query, by idx_activity_author_time, idx_conversations_participant and idx_messages_thread.
    """
    since = now - LOOK_BACK
    in_channels = ChannelActivity.objects.filter(author_id=profile.account_id, sent_at__gt=since, sent_at__lte=now)
    in_private = Message.objects.filter(
        conversation__participant_id=profile.pk, is_outgoing=False, sent_at__gt=since, sent_at__lte=now
    )
    times = in_channels.order_by().values_list("sent_at", flat=True)
    written = times.union(in_private.order_by().values_list("sent_at", flat=True), all=True).order_by("-sent_at")
    zone = policy.zone_for(profile.timezone, conf.current().timezone)
    return of_times(written[:MOST_MESSAGES], zone=zone)


def of_times(written: Iterable[datetime], *, zone: tzinfo) -> BestHour | None:
    """The hour at which most was written, together with the hours beside it."""
    local = [at.astimezone(zone) for at in written]
    days = len({at.date() for at in local})
    if len(local) < ENOUGH_MESSAGES or days < ENOUGH_DAYS:
        return None
    smooth = _smooth(Counter(at.hour for at in local))
    best = max(range(HOURS), key=lambda hour: smooth[hour])
    return BestHour(best, f"Around {best:02}:00 ({zone}), by {len(local)} messages on {days} days.")


def _smooth(values: Mapping[int, int]) -> list[float]:
    """Each hour with its neighbors; the day is a circle."""
    return [
        THIS_HOUR * values.get(hour, 0)
        + NEXT_TO_IT * (values.get((hour - 1) % HOURS, 0) + values.get((hour + 1) % HOURS, 0))
        for hour in range(HOURS)
    ]
