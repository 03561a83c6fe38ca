"""From the follow-up to its words."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from followups import conf, moods, policy
from followups.composing import choice, languages, variables
from followups.composing.choice import Wanted
from followups.composing.languages import Language
from followups.composing.variables import LONGEST_MESSAGE, Known
from followups.models import FollowUp, Trigger, UserProfile
from socialmedia import placeholders
from socialmedia.models import MessageTemplate

STOP_LINE: Final = languages.of(languages.DEFAULT).stop_line
"""The way out in English. Every message ends with its language's, whatever the template says."""


@dataclass(frozen=True)
class Composed:
    """A text ready to be sent, and how it came about."""

    text: str
    key: str
    """The template's key."""
    template: int | None = None
    """The very version of the template."""
    variant: str = ""
    locale: str = ""
    level: int = 1
    """The member's relationship level."""
    emotion: str = ""
    """The member's mood: high, neutral or low."""
    composed_by: str = "template"
    """template, llm or staff."""

    @property
    def composition(self) -> dict[str, Any]:
        """What the follow-up and its history keep of it: everything but the words."""
        return {name: value for name, value in asdict(self).items() if name != "text"}


@dataclass(frozen=True)
class Preview:
    """What a template would say to one member."""

    text: str
    locale: str
    """The template's."""
    zone: str
    """The zone in which its dates are written."""
    warnings: tuple[str, ...]
    """What the member would miss, in sentences."""


def compose(profile: UserProfile, follow_up: FollowUp, *, account_id: int | None = None, now: datetime) -> Composed:
    """Write the message from what is true now, in two queries; a re-engagement and a goal take one more.

    Names, and what the trigger brought along, may hold anything: they come out as plain words. Staff's own text of a
    custom follow-up stands for the template. `account_id` is the account of ours that sends.

    Raises:
        NothingPublished: no published template suits the member.
    """
    known = variables.gather(profile, follow_up, now=now)
    mood = moods.of_member(profile.pk)
    locales = languages.chain(profile.locale, conf.current().language)
    own = _harmless(variables.own_text(follow_up.trigger_type, follow_up.trigger_data))
    language = languages.first(locales)
    if placeholders.render(own, known.values(language)):
        return Composed(
            text=_render(own, language, known),
            key="custom",
            locale=language.code,
            level=profile.relationship_level,
            emotion=mood,
            composed_by="staff",
        )
    template = choice.choose(
        Wanted(
            user_id=profile.pk,
            trigger=follow_up.trigger_type,
            locales=locales,
            level=choice.of_level(profile.relationship_level),
            mood=mood,
            known=frozenset(known.values(language)),
            has_attended=known.has_attended,
            account_id=account_id,
        )
    )
    return Composed(
        text=_render(template.template_text, languages.of(template.locale), known),
        key=template.key,
        template=template.pk,
        variant=template.variant,
        locale=template.locale,
        level=profile.relationship_level,
        emotion=mood,
    )


def preview(template: MessageTemplate, profile: UserProfile, *, now: datetime) -> Preview:
    """Show what any version, published or not, would say to a member. Sends and writes nothing."""
    locale, zone = template.locale, policy.zone_for(profile.timezone, conf.current().timezone)
    known = variables.gather(profile, _imagined(template.trigger, profile, now=now), now=now)
    missing = placeholders.used(template.template_text) - known.values(languages.of(locale)).keys()
    warnings = [_missing(name, template) for name in sorted(missing)]
    best = languages.first(languages.chain(profile.locale, conf.current().language)).code
    if best != languages.of(locale).code:
        warnings.append(f"The member gets texts in {best!r} where there are any; this one is in {locale!r}.")
    return Preview(
        text=_render(template.template_text, languages.of(locale), known),
        locale=locale,
        zone=str(zone),
        warnings=tuple(warnings),
    )


def _harmless(text: str) -> str:
    """What a member of staff wrote: their formatting stays, mentions do not."""
    return text.replace("\x00", "").replace("@", "@\u200b").replace("<#", "<\u200b#")


def _render(text: str, language: Language, known: Known) -> str:
    """Put the values in and the way out behind. What is too long because of its values loses its end."""
    body = placeholders.render(text, known.values(language))
    room = LONGEST_MESSAGE - len(language.stop_line) - len("\n\n")
    if len(body) > room:
        body = body[: room - 1].rstrip() + "…"
    return f"{body}\n\n{language.stop_line}"


def _imagined(trigger: str, profile: UserProfile, *, now: datetime) -> FollowUp:
    """A follow-up of this kind for the member, from what they did; never saved."""
    follow_up = FollowUp(user=profile, trigger_type=trigger)
    event = variables.last_event(profile.pk, before=now) if trigger == Trigger.POST_EVENT else None
    if event is not None:
        follow_up.trigger_data = {"event": event.name, "booking_id": event.booking_id}
        follow_up.event_at = event.event_at
    return follow_up


def _missing(name: str, template: MessageTemplate) -> str:
    if name == "name":
        return "{name} has no value for this member and is left out."
    if name in placeholders.required(template.template_text):
        return f"{{{name}}} has no value for this member: they would get another template."
    return f"{{{name}}} has no value for this member: the part in [[ ]] around it is left out."
