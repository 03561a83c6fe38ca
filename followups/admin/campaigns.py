"""Campaigns, and the page of what follow-ups achieve."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from followups import campaigns, conf, harm
from followups.analytics import experiments, guard, hours, overview, rates, words
from followups.analytics.intervals import Share
from followups.analytics.overview import Result
from followups.analytics.rates import By, Rate
from followups.models import Campaign, Trigger
from jobs import bars, console
from jobs.bars import Bars, Chart
from jobs.figures import Span

LOOK_BACK = timedelta(days=30)
HEADERS = ("Sent", "Answered", "Time to answer", "Reacted", "Came back", "Harm")
TITLES = {
    By.TRIGGER: "Kind",
    By.TEMPLATE: "Text",
    By.VARIANT: "Variant of a text",
    By.LEVEL: "Relationship",
    By.EMOTION: "Mood then",
    By.LOCALE: "Language",
    By.COMPOSED_BY: "Written by",
    By.HOUR: "Hour of their day",
    By.WEEKDAY: "Day of their week",
    By.MEMBER: "Member",
}


class PauseForm(forms.Form):
    """Why a campaign is paused."""

    reason = forms.CharField(
        max_length=campaigns.LONGEST_REASON,
        widget=UnfoldAdminTextInputWidget,
        help_text="Whoever finds it paused reads this.",
    )


class HoldoutForm(forms.Form):
    """How many members are held out."""

    percent = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=campaigns.MOST_HELD_OUT,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=f"Of 100 members, 0 to {campaigns.MOST_HELD_OUT}. Empty: as FOLLOW_UP_HOLDOUT_PERCENT says.",
    )


class ChoiceForm(forms.Form):
    """What the page of results shows."""

    days = forms.TypedChoiceField(
        label="Sent in the last",
        choices=[(7, "7 days"), (30, "30 days"), (90, "90 days"), (365, "year")],
        initial=30,
        coerce=int,
        widget=UnfoldAdminSelectWidget,
    )
    by = forms.ChoiceField(
        label="by",
        choices=[(by.value, title) for by, title in TITLES.items()],
        initial=By.TRIGGER.value,
        widget=UnfoldAdminSelectWidget,
    )

    def chosen(self) -> tuple[timedelta, By]:
        """How far back, and by what. What cannot be chosen is passed over."""
        if not self.is_valid():
            return LOOK_BACK, By.TRIGGER
        return timedelta(days=self.cleaned_data["days"]), By(self.cleaned_data["by"])


@admin.register(Campaign)
class CampaignAdmin(console.ConsoleAdmin):
    """Campaigns: what each achieved in the last 30 days, and whether it is paused."""

    list_display = ("name", "state", "sent", "answered", "lift", "harm", "held_out")
    sortable_by = ()
    list_before_template = "admin/console/to_results.html"  # type: ignore[assignment]
    actions_detail = ("pause", "resume", "set_holdout")
    state_actions: ClassVar[dict[str, Callable[[Any], bool]]] = {
        "pause": lambda campaign: campaign.paused_at is None,
        "resume": lambda campaign: campaign.paused_at is not None,
        "set_holdout": lambda campaign: campaign.pk in campaigns.MEASURED,
    }
    fields = ("name", "state", "why", "paused_in_full", "held_out", "judged", "changed")

    def get_urls(self) -> list[URLPattern]:
        """Put the page of results before the rows' own."""
        page = self.admin_site.admin_view(self.results)
        return [path("results/", page, name="followups_campaign_results"), *super().get_urls()]

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Bring along what the campaigns achieved, and those for which nothing is set yet."""
        campaigns.ensure()
        changes: Any = super().get_changelist_instance(request)
        now = timezone.now()
        found = {result.campaign.pk: result for result in overview.of_campaigns(Span(now - LOOK_BACK, now), now=now)}
        for row in changes.result_list:
            row.result = found[row.pk]
        return changes

    @admin.display(description="Campaign")
    def name(self, row: Campaign) -> str:
        return str(row)

    @admin.display(description="State")
    def state(self, row: Campaign) -> SafeString:
        return console.pill("Paused", "warning") if row.paused_at else console.pill("Running", "success")

    @admin.display(description="Sent in 30 days")
    def sent(self, row: Any) -> str:
        return f"{row.result.rate.sent:,}"

    @admin.display(description="Answered")
    def answered(self, row: Any) -> str:
        return str(row.result.rate.in_words)

    @admin.display(description="With and without it")
    def lift(self, row: Any) -> str:
        result: Result = row.result
        return console.NOTHING if result.lift is None else result.lift.in_words

    @admin.display(description="Harm")
    def harm(self, row: Any) -> object:
        return _harm(row.result.rate.harmed)

    @admin.display(description="Held out")
    def held_out(self, row: Campaign) -> str:
        if row.pk not in campaigns.MEASURED:
            return console.NOTHING
        if row.holdout_percent is None:
            return f"{conf.current().holdout_percent} % (settings)"
        return f"{row.holdout_percent} %"

    @admin.display(description="Why")
    def why(self, row: Campaign) -> str:
        return row.pause_reason or console.NOTHING

    @admin.display(description="Paused")
    def paused_in_full(self, row: Campaign) -> object:
        if row.paused_at is None:
            return console.NOTHING
        return format_html("{} by {}", console.exactly(row.paused_at), row.paused_by)

    @admin.display(description="Harm counts from")
    def judged(self, row: Campaign) -> object:
        return console.exactly(row.judged_from)

    @admin.display(description="Last changed")
    def changed(self, row: Campaign) -> object:
        return console.exactly(row.updated_at)

    def panels(self, request: HttpRequest, obj: Campaign) -> list[console.Panel]:
        """Show what it achieved, and with which texts."""
        now = timezone.now()
        over = Span(now - LOOK_BACK, now)
        (found,) = (result for result in overview.of_campaigns(over, now=now) if result.campaign.pk == obj.pk)
        lift = [("With and without it", found.lift.in_words)] if found.lift else []
        told = [("Answers", found.rate.in_words), *lift, ("Harm within 24 hours", _harm(found.rate.harmed))]
        texts = rates.grouped(over, By.VARIANT, trigger=obj.pk, now=now)
        return [
            console.Panel("The last 30 days", ["", "In words"], told, footer=_to_results()),
            _table("Its texts", By.VARIANT, texts),
        ]

    @console.page_action("Pause", url_path="pause", icon="pause_circle", variant=ActionVariant.DANGER)
    def pause(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row_or_404(request, object_id)
        form = PauseForm(request.POST or None)
        if not form.is_valid():
            sentence = "None of these follow-ups is sent until somebody resumes them."
            return self.ask(request, row, console.Question("Pause this campaign?", sentence, "Pause it", True, form))
        reason, by = form.cleaned_data["reason"], request.user.get_username()
        if campaigns.pause(row.pk, by=by, reason=reason, now=timezone.now()):
            self.note(request, [row], f"Paused: {reason}")
            self.tell(request, "The campaign is paused.")
        else:
            self.tell(request, "Nothing was changed: it is paused already.", good=False)
        return self.back_to(row)

    @console.page_action("Resume", url_path="resume", icon="play_circle")
    def resume(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row_or_404(request, object_id)
        if request.method != "POST":
            sentence = "It is sent again. Harm that it did before no longer counts against it."
            return self.ask(request, row, console.Question("Resume this campaign?", sentence, "Resume it"))
        if campaigns.resume(row.pk, by=request.user.get_username(), now=timezone.now()):
            self.note(request, [row], "Resumed.")
            self.tell(request, "The campaign is resumed.")
        else:
            self.tell(request, "Nothing was changed: it is not paused.", good=False)
        return self.back_to(row)

    @console.page_action("Hold members out", url_path="holdout", icon="science")
    def set_holdout(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.row_or_404(request, object_id)
        form = HoldoutForm(request.POST if request.method == "POST" else None, initial={"percent": row.holdout_percent})
        if not form.is_valid():
            sentence = (
                "Some members, always the same, get none of these messages. Whether they come back without one shows "
                "what the messages do: 5 to 10 of 100 are usual."
            )
            return self.ask(request, row, console.Question("Hold members out", sentence, "Set it", form=form))
        percent, by = form.cleaned_data["percent"], request.user.get_username()
        try:
            changed = campaigns.set_holdout(row.pk, percent, by=by, now=timezone.now())
        except campaigns.CannotHoldOut as error:
            self.tell(request, str(error), good=False)
            return self.back_to(row)
        if changed:
            self.note(
                request, [row], "Held out: as the settings say." if percent is None else f"Held out: {percent} %."
            )
        self.tell(request, "The holdout is set." if changed else "Nothing was changed: it was so already.")
        return self.back_to(row)

    def results(self, request: HttpRequest) -> HttpResponse:
        """Show what the follow-ups of a time achieved, by what they have in common."""
        if not request.user.has_perm("followups.view_followuphistory"):
            raise PermissionDenied
        form = ChoiceForm(
            {**{name: field.initial for name, field in ChoiceForm.base_fields.items()}, **request.GET.dict()}
        )
        back, by = form.chosen()
        now = timezone.now()
        context = {
            **self.admin_site.each_context(request),
            "title": "Results",
            "form": form,
            **_results(Span(now - back, now), by, now=now),
        }
        return TemplateResponse(request, "admin/console/results.html", context)


def _results(over: Span, by: By, *, now: datetime) -> dict[str, Any]:
    by_hour, by_weekday = (rates.grouped(over, each, now=now) for each in (By.HOUR, By.WEEKDAY))
    grouped = {By.HOUR: by_hour, By.WEEKDAY: by_weekday}.get(by) or rates.grouped(over, by, now=now)
    return {
        "total": rates.overall(over, now=now),
        "panels": [
            _table("Answers and harm", by, grouped, footer=_who_counts()),
            _lifts(over, now=now),
            _contests(over, now=now),
        ],
        "charts": [_hours(by_hour), _weekdays(by_weekday)],
    }


def _table(title: str, by: By, found: Sequence[Rate], footer: str = "") -> console.Panel:
    rows = [
        (
            rate.label,
            f"{rate.sent:,}",
            rate.in_words,
            _time(rate),
            _counted(rate.reacted),
            _counted(rate.returned),
            _harm(rate.harmed),
        )
        for rate in found
    ]
    if len(rows) == rates.MOST_GROUPS:
        footer = f"The {rates.MOST_GROUPS} with the most messages. {footer}"
    return console.Panel(title, (TITLES[by], *HEADERS), rows, empty="Nothing was sent.", footer=footer)


def _who_counts() -> str:
    days = max(conf.current().response_window, harm.WITHIN)
    return (
        f"Judged are follow-ups sent more than {words.length(days)} ago: until then answers may still come. "
        "Harm: opted out, blocked us, left, or answered unhappily within 24 hours."
    )


def _lifts(over: Span, *, now: datetime) -> console.Panel:
    rows = [(Trigger(lift.trigger).label, lift.in_words) for lift in experiments.lifts(over, now=now)]
    return console.Panel("With a message, and without one", ["Campaign", "Who came back"], rows)


def _contests(over: Span, *, now: datetime) -> console.Panel:
    rows = [
        (
            contest.template_key,
            contest.place or console.NOTHING,
            _sentence(contest.in_words),
            console.pill(contest.winner, "success") if contest.winner else console.NOTHING,
        )
        for contest in experiments.contests(over, now=now)
    ]
    empty = "No text has been sent in several variants."
    return console.Panel(
        "Variants of a text", ["Text", "For", "Which is answered more often?", "Winner"], rows, empty=empty
    )


def _hours(found: Sequence[Rate]) -> Chart:
    best = hours.of_community(found)
    summary = best.in_words if best else f"For a best hour it takes {hours.ENOUGH_SENT} old enough to judge."
    labels = [f"{hour:02}" for hour in range(24)]
    return _chart("By the hour of the member's day", summary, labels, found)


def _weekdays(found: Sequence[Rate]) -> Chart:
    return _chart("By the day of the member's week", "Of what is old enough to judge.", rates.WEEKDAYS, found)


def _chart(title: str, summary: str, labels: Sequence[str], found: Sequence[Rate]) -> Chart:
    by_place = {int(rate.group[0]): rate.answered for rate in found if rate.group[0]}
    shares = [by_place.get(place, Share(0, 0)) for place in range(len(labels))]
    drawn = [
        Bars("Sent", "var(--color-primary-500)", [share.of for share in shares]),
        Bars("Answered", "var(--color-orange-500)", [share.hits for share in shares]),
    ]
    return bars.draw(title, summary, labels, drawn)


def _time(rate: Rate) -> str:
    if rate.quartiles is None:
        return console.NOTHING
    low, median, high = map(words.length, (rate.quartiles.low, rate.quartiles.median, rate.quartiles.high))
    return median if low == high else f"{median} (half of them: {low} to {high})"


def _counted(share: Share) -> str:
    return f"{share.hits:,} ({words.percent(share.value)})" if share.of else console.NOTHING


def _harm(share: Share) -> SafeString | str:
    return console.pill(_counted(share), "danger") if guard.does_harm(share) else _counted(share)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _to_results() -> SafeString:
    address = reverse("admin:followups_campaign_results")
    return format_html('<a href="{}" class="text-link">All results, by text, hour and more</a>', address)
