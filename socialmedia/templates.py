"""The life of a template: drafts, one published version, retired ones. What is published never changes.

Each place (account, key, level, emotion, language and variant) has its own versions; the database lets at most one of
them be published. Which placeholders a text may use is the caller's to say, in `Rules`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import F, Max, QuerySet
from django.db.models.functions import Greatest

from socialmedia import placeholders
from socialmedia.models import MessageTemplate, TemplateCategory, TemplateStatus

_NAME: Final = re.compile(r"[a-z0-9_]{1,50}")
_VARIANT: Final = re.compile(r"[a-z0-9_]{1,20}")
_MENTION: Final = re.compile(r"@everyone|@here|<@", re.IGNORECASE)


class BadTemplate(ValueError):
    """A text or a place that makes no sense. `field` is the one to mend, the message says how."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class WrongState(Exception):
    """The version is not in the state that this needs; the message says which it needs. Nothing was changed."""


@dataclass(frozen=True)
class Rules:
    """What a text may use."""

    variables: frozenset[str]
    longest: int
    """In characters, before values are put in."""
    languages: frozenset[str]
    """Those whose dates and fixed lines are known; pt-br counts as pt."""


@dataclass(frozen=True)
class Place:
    """What a template is for. `level` None, `emotion` empty and `account_id` None mean: for all."""

    key: str
    trigger: str
    locale: str = "en"
    variant: str = "a"
    level: int | None = None
    emotion: str = ""
    account_id: int | None = None

    @classmethod
    def of(cls, row: MessageTemplate) -> "Place":
        """Return a version's place."""
        return cls(row.key, row.trigger, row.locale, row.variant, row.level, row.emotion, row.account_id)


def versions(place: Place) -> QuerySet[MessageTemplate]:
    """All versions of a place."""
    return MessageTemplate.objects.filter(
        key=place.key,
        locale=place.locale,
        variant=place.variant,
        level=place.level,
        emotion=place.emotion,
        account=place.account_id,
    )


def check_text(text: str, rules: Rules) -> str:
    """Return the text without blank space around it.

    Raises:
        BadTemplate: empty, too long, with a mention, or with a placeholder that nothing fills.
    """
    text = text.strip()
    if not text:
        raise BadTemplate("text", "The text is empty.")
    if "\x00" in text:
        raise BadTemplate("text", "The text contains a NUL character.")
    if len(text) > rules.longest:
        raise BadTemplate("text", f"The text has {len(text)} characters; {rules.longest} is the limit.")
    if found := _MENTION.search(text):
        raise BadTemplate("text", f"The text must not mention anybody: leave {found[0]} out.")
    try:
        placeholders.check(text, known=rules.variables)
    except placeholders.BadPlaceholder as error:
        raise BadTemplate("text", str(error)) from None
    return text


def save_draft(
    *,
    place: Place,
    text: str,
    rules: Rules,
    name: str = "",
    weight: int = 1,
    draft_id: int | None = None,
    now: datetime,
) -> MessageTemplate:
    """Store a draft: a new version of the place, or, with `draft_id`, new words for that draft. Without a trigger it
    is a canned reply.

    Raises:
        BadTemplate: the text or the place makes no sense; nothing is stored.
        WrongState: `draft_id` is no draft (any more), or somebody has saved the same version just now.
    """
    text = check_text(text, rules)
    _check_place(place, rules)
    words = {
        "name": name.strip()[:255] or place.key,
        "template_text": text,
        "variables": sorted(placeholders.used(text)),
        "weight": weight,
        "updated_at": now,
    }
    if draft_id is not None:
        drafts = MessageTemplate.objects.filter(pk=draft_id, status=TemplateStatus.DRAFT)
        if not drafts.update(**words):
            raise WrongState("It is no longer a draft, so it stays as it is: edit it to make a new version.")
        return MessageTemplate.objects.get(pk=draft_id)
    try:
        with transaction.atomic():
            newest = versions(place).aggregate(newest=Max("version"))["newest"] or 0
            return MessageTemplate.objects.create(
                key=place.key,
                trigger=place.trigger,
                locale=place.locale,
                variant=place.variant,
                level=place.level,
                emotion=place.emotion,
                account_id=place.account_id,
                category=TemplateCategory.FOLLOW_UP if place.trigger else TemplateCategory.CUSTOM,
                version=newest + 1,
                **words,
            )
    except IntegrityError as error:
        if "message_templates_version" not in str(error):
            raise
        raise WrongState("Somebody has saved this version just now: look at theirs first.") from None


def publish(template_id: int, *, by: str, now: datetime) -> MessageTemplate:
    """Publish a draft and retire what was published in its place, in one transaction.

    Raises:
        WrongState: it is no draft.
    """
    with transaction.atomic():
        draft = MessageTemplate.objects.get(pk=template_id)
        # All versions in one order: two who publish at once take turns, and the later one stays published.
        list(versions(Place.of(draft)).select_for_update().order_by("pk"))
        drafts = MessageTemplate.objects.filter(pk=template_id, status=TemplateStatus.DRAFT)
        if not drafts.exists():
            raise WrongState("Only a draft can be published.")
        published = versions(Place.of(draft)).filter(status=TemplateStatus.PUBLISHED)
        published.update(status=TemplateStatus.RETIRED, updated_at=now)
        drafts.update(status=TemplateStatus.PUBLISHED, published_at=now, published_by=by, updated_at=now)
    draft.refresh_from_db()
    return draft


def retire(template_id: int, *, now: datetime) -> None:
    """Take a draft or a published version out of use, for good.

    Raises:
        WrongState: it is retired already.
    """
    _change(
        template_id,
        lambda rows: rows.exclude(status=TemplateStatus.RETIRED).update(status=TemplateStatus.RETIRED, updated_at=now),
        otherwise="It is retired already.",
    )


def pause(template_id: int, *, reason: str, now: datetime) -> None:
    """Stop choosing a published version until somebody resumes it.

    Raises:
        WrongState: it is not published, or paused already.
    """
    _change(
        template_id,
        lambda rows: rows.filter(status=TemplateStatus.PUBLISHED, paused_at__isnull=True).update(
            paused_at=now, pause_reason=reason[:255], updated_at=now
        ),
        otherwise="Only a published template that is not paused can be paused.",
    )


def resume(template_id: int, *, now: datetime) -> None:
    """Choose a paused version again.

    Raises:
        WrongState: it is not published, or not paused.
    """
    _change(
        template_id,
        lambda rows: rows.filter(status=TemplateStatus.PUBLISHED, paused_at__isnull=False).update(
            paused_at=None, pause_reason="", updated_at=now
        ),
        otherwise="Only a published template that is paused can be resumed.",
    )


def count_use(template_id: int, *, at: datetime) -> None:
    """Count that a message of this version arrived. Who delivers calls it once per message, at the end.

    Counting where the text is written would let all workers wait for the one row that most members get; messages
    are delivered one after the other anyway.
    """
    MessageTemplate.objects.filter(pk=template_id).update(
        times_used=F("times_used") + 1, last_used_at=Greatest(F("last_used_at"), at)
    )


def _check_place(place: Place, rules: Rules) -> None:
    if not _NAME.fullmatch(place.key):
        raise BadTemplate("key", f"The key {place.key!r} needs 1 to 50 small letters, digits or underscores.")
    if not _VARIANT.fullmatch(place.variant):
        raise BadTemplate("variant", f"The variant {place.variant!r} needs 1 to 20 small letters or digits, like a.")
    if place.locale.partition("-")[0] not in rules.languages or place.locale != place.locale.lower():
        offered = ", ".join(sorted(rules.languages))
        raise BadTemplate("locale", f"The language {place.locale!r} is not known: use {offered}, or like pt-br.")
    others = MessageTemplate.objects.filter(key=place.key).exclude(trigger=place.trigger)
    if (taken := others.values_list("trigger", flat=True).first()) is not None:
        raise BadTemplate("key", f"The key {place.key!r} belongs to the trigger {taken!r}: choose another key.")


def _change(template_id: int, change: Callable[[QuerySet[MessageTemplate]], int], *, otherwise: str) -> None:
    if not change(MessageTemplate.objects.filter(pk=template_id)):
        raise WrongState(otherwise)
