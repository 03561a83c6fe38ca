"""The guard against harm: texts and campaigns that drive members away pause themselves. Only people resume them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import Count, F, Q

from followups import campaigns, flags, harm
from followups.analytics import words
from followups.analytics.intervals import Share
from followups.models import FlagKind, FollowUpHistory
from socialmedia import templates
from socialmedia.models import MessageTemplate, TemplateStatus

log = structlog.get_logger(__name__)

LOOK_BACK = timedelta(days=30)
TOLERATED = 0.05
"""One member in twenty who leaves, blocks, opts out or answers unhappily. More of them, and not by chance, is harm."""
ENOUGH = words.ENOUGH
BY = "harm guard"


@dataclass(frozen=True)
class Paused:
    """What one look has paused."""

    templates: tuple[int, ...]
    campaigns: tuple[str, ...]


def look(*, now: datetime) -> Paused:
    """Pause what does harm, each in a transaction of its own. Two queries when nothing does. Never resumes.

    Texts first: when one bad text is the reason, its campaign is still paused if the campaign as a whole does harm.
    """
    return Paused(
        templates=tuple(pk for pk, harmed in _of_templates(now) if does_harm(harmed) and _pause_text(pk, harmed, now)),
        campaigns=tuple(
            trigger for trigger, harmed in _of_campaigns(now) if does_harm(harmed) and _pause_all(trigger, harmed, now)
        ),
    )


def resume_text(template_id: int, *, by: str, now: datetime) -> None:
    """Choose a paused version again; the flag about it is settled, and harm it did before no longer counts.

    Raises:
        WrongState: it is not published, or not paused.
    """
    with transaction.atomic():
        templates.resume(template_id, now=now)
        flags.settle_harm(_subject(template_id), by=by, note="Resumed.", now=now)


def does_harm(harmed: Share) -> bool:
    """Whether the true share is above TOLERATED, and that is no chance: Wilson's lower bound says so. Pure."""
    likely = harmed.interval()
    return likely is not None and harmed.of >= ENOUGH and likely.low > TOLERATED


def _of_templates(now: datetime) -> list[tuple[int, Share]]:
    """What each published version has done since its row was last changed: pausing and resuming change it, too.

    A version's words never change, so nothing that it did under other words is laid to its charge.
    """
    rows = FollowUpHistory.objects.filter(
        sent_at__gte=now - LOOK_BACK,
        sent_at__lt=now - harm.WITHIN,
        template__status=TemplateStatus.PUBLISHED,
        template__paused_at=None,
        sent_at__gt=F("template__updated_at"),
    )
    found = rows.order_by().values_list("template_id").annotate(hits=Count("pk", filter=~Q(harm="")), of=Count("pk"))
    return [(pk, Share(hits, of)) for pk, hits, of in found.order_by("template_id")]


def _of_campaigns(now: datetime) -> list[tuple[str, Share]]:
    """What each campaign that is not paused has done since somebody resumed it."""
    rows = FollowUpHistory.objects.filter(sent_at__gte=now - LOOK_BACK, sent_at__lt=now - harm.WITHIN)
    rows = rows.exclude(trigger_type="")
    for campaign in campaigns.current():
        if campaign.paused_at is not None:
            rows = rows.exclude(trigger_type=campaign.pk)
        elif campaign.judged_from is not None:
            rows = rows.exclude(trigger_type=campaign.pk, sent_at__lt=campaign.judged_from)
    found = rows.order_by().values_list("trigger_type").annotate(hits=Count("pk", filter=~Q(harm="")), of=Count("pk"))
    return [(trigger, Share(hits, of)) for trigger, hits, of in found.order_by("trigger_type")]


def _pause_text(template_id: int, harmed: Share, now: datetime) -> bool:
    """Pause one version. False when somebody was faster, or has retired it meanwhile."""
    reason = _reason(harmed)
    with transaction.atomic():
        rows = MessageTemplate.objects.filter(pk=template_id, status=TemplateStatus.PUBLISHED, paused_at=None)
        if not rows.update(paused_at=now, pause_reason=reason, updated_at=now):
            return False
        _tell(_subject(template_id), f"The text {template_id} has paused itself. {reason}", now)
    log.warning("template.paused_for_harm", template_id=template_id, harmed=harmed.hits, sent=harmed.of)
    return True


def _pause_all(trigger: str, harmed: Share, now: datetime) -> bool:
    """Pause one campaign. False when somebody was faster."""
    reason = _reason(harmed)
    with transaction.atomic():
        if not campaigns.pause(trigger, by=BY, reason=reason, now=now):
            return False
        _tell(campaigns.subject(trigger), f"The campaign {trigger} has paused itself. {reason}", now)
    log.warning("campaign.paused_for_harm", trigger=trigger, harmed=harmed.hits, sent=harmed.of)
    return True


def _tell(subject: str, detail: str, now: datetime) -> None:
    flags.raise_flag(kind=FlagKind.HARM, subject=subject, detail=detail, now=now)


def _subject(template_id: int) -> str:
    return f"template {template_id}"


def _reason(harmed: Share) -> str:
    """Who finds it paused reads this: at most 255 characters."""
    return f"Did harm within a day: {words.share(harmed, 'left, blocked, opted out or were unhappy')}."
