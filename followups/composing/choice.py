"""Which published template a member gets: the one that says most of what is known, in the best language."""

from dataclasses import dataclass

from django.db.models import Q, QuerySet

from followups import assignment
from followups.composing import shipped
from followups.models import RelationshipLevel
from followups.moods import Mood
from socialmedia import placeholders
from socialmedia.models import MessageTemplate, TemplateStatus

Rank = tuple[int, bool, int, int, bool, int, bool, str]


class NothingPublished(LookupError):
    """No published template suits: publish one, then retry the job."""


@dataclass(frozen=True)
class Wanted:
    """What a template is chosen by."""

    user_id: str
    trigger: str
    locales: list[str]
    """Best first."""
    level: int
    mood: Mood
    known: frozenset[str]
    """The placeholders that have a value."""
    has_attended: bool = False
    account_id: int | None = None


def choose(wanted: Wanted) -> MessageTemplate:
    """Return the template for one member; the same one every time while nothing changes. One query.

    In this order: the language, an account's own before the shared, the mood, the level, one for members who came to
    an event, one that says something more of what is known. Among the variants of the winner, chance by weight.

    Raises:
        NothingPublished: there is none for this trigger in any of the languages, or all need values that are missing.
    """
    ranked = [(rank, row) for row in _published(wanted) if (rank := _rank(row, wanted)) is not None]
    if not ranked:
        raise NothingPublished(
            f"No published template for {wanted.trigger!r} suits this member (language {', '.join(wanted.locales)}; "
            f"level {wanted.level}; mood {wanted.mood}). Publish one, then retry the job."
        )
    best = min(ranked, key=lambda entry: entry[0])[1]
    variants = {row.variant: row for _, row in ranked if _is_variant(row, best)}
    weights = {name: row.weight for name, row in variants.items()}
    return variants[assignment.choose(weights, wanted.user_id, best.key)]


def of_level(level: int) -> int:
    """Read an unknown level as a stranger's."""
    return level if level in RelationshipLevel.values else RelationshipLevel.STRANGER.value


def _published(wanted: Wanted) -> QuerySet[MessageTemplate]:
    """What may be chosen at all; by idx_templates_choice."""
    return MessageTemplate.objects.filter(
        Q(account__isnull=True) | Q(account_id=wanted.account_id),
        trigger=wanted.trigger,
        locale__in=wanted.locales,
        status=TemplateStatus.PUBLISHED,
        is_active=True,
        paused_at__isnull=True,
        weight__gt=0,
    ).exclude(key="")


def _rank(row: MessageTemplate, wanted: Wanted) -> Rank | None:
    """Return how well it suits, least first; None when it does not. A missing name never matters."""
    mood, level = _mood_rank(row.emotion, wanted.mood), _level_rank(row.level, wanted.level)
    needs = placeholders.required(row.template_text) - {"name"}
    for_past_customers = row.key == shipped.PAST_CUSTOMER
    if mood is None or level is None or not needs <= wanted.known:
        return None
    if for_past_customers and not wanted.has_attended:
        return None
    return (
        wanted.locales.index(row.locale),
        row.account_id is None,
        mood,
        level,
        not for_past_customers,
        -len(needs),
        row.is_shipped,
        row.key,
    )


def _mood_rank(emotion: str, mood: Mood) -> int | None:
    """The mood's own, then one for all, then the neutral one, which hurts nobody."""
    return {str(Mood.NEUTRAL): 2, "": 1, str(mood): 0}.get(emotion)


def _level_rank(level: int | None, wanted: int) -> int | None:
    """The level's own, an acquaintance's for a stranger, then one for all."""
    if level == wanted:
        return 0
    if level == RelationshipLevel.ACQUAINTANCE and wanted == RelationshipLevel.STRANGER:
        return 1
    return 2 if level is None else None


def _is_variant(row: MessageTemplate, best: MessageTemplate) -> bool:
    def place(one: MessageTemplate) -> tuple[object, ...]:
        return one.account_id, one.key, one.level, one.emotion, one.locale

    return place(row) == place(best)
