"""Members: who they are, what they allowed, and why they did or did not get a message."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesDropdownFilter
from unfold.enums import ActionVariant

from followups import audience, conf, consent, facts, moods, nearby, planning, preferences, privacy, rhythm
from followups.admin import answers
from followups.admin.forms import EvidenceForm, ForgetForm, PauseForm, PlanForm
from followups.models import (
    ConsentReceipt,
    ConsentState,
    ErasureReceipt,
    FollowUp,
    FollowUpHistory,
    FollowUpStatus,
    PolicyDecision,
    Topic,
    Trigger,
    UserProfile,
)
from jobs import console
from socialmedia.admin.words import shortened
from socialmedia.models import Conversation

CONSENT_COLORS = {ConsentState.GRANTED: "success", ConsentState.REFUSED: "", ConsentState.WITHDRAWN: "warning"}
STATUS_COLORS = {
    FollowUpStatus.PENDING: "info",
    FollowUpStatus.EXECUTED: "success",
    FollowUpStatus.CANCELLED: "",
    FollowUpStatus.FAILED: "danger",
    FollowUpStatus.SKIPPED: "warning",
}


def consent_pill(state: str) -> SafeString:
    """Render what a member said."""
    said = ConsentState(state)
    return console.pill(str(said.label), CONSENT_COLORS[said])


def topics_of(receipt: ConsentReceipt) -> str:
    """Say what a yes covers."""
    return ", ".join(str(Topic(topic).label) for topic in receipt.topics) or console.NOTHING


def _is_paused(member: UserProfile) -> bool:
    return member.paused_until is not None and member.paused_until > timezone.now()


def follow_up_pill(status: str) -> SafeString:
    """Render where a follow-up is."""
    state = FollowUpStatus(status)
    return console.pill(str(state.label), STATUS_COLORS[state])


def decisions_panel(rows: QuerySet[PolicyDecision]) -> console.Panel:
    """The latest answers of the policy."""
    return console.Panel(
        "Decisions",
        ["When", "Kind", "Asked", "Answer", "Why"],
        [
            (
                console.when(row.decided_at),
                answers.kind_words(row.trigger_type),
                answers.asked_words(row.asked_by),
                answers.verdict_pill(row.verdict, row.gate),
                row.reason,
            )
            for row in rows.order_by("-id")[:20]
        ],
        empty="The policy has not been asked yet.",
    )


def answered(row: FollowUpHistory) -> str:
    """Say whether and how fast a follow-up was answered."""
    if row.time_to_answer is None:
        return "No answer yet"
    if row.time_to_answer < timedelta(minutes=1):
        return "Within a minute"
    return "After " + timesince(row.sent_at, row.sent_at + row.time_to_answer, depth=1).replace("\xa0", " ")


@admin.display(description="Member")
def whom(row: Any) -> str:
    """Name the member that a list's row is about."""
    return str(row.user)


class QuietFilter(admin.SimpleListFilter):
    """By the time since their last message."""

    title = "quiet for"
    parameter_name = "quiet"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer the settings' two limits."""
        settings = conf.current()
        hours, days = settings.default_delay // timedelta(hours=1), settings.inactive_after.days
        return [("check_in", f"More than {hours} hours"), ("away", f"More than {days} days")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep those who wrote before the limit."""
        settings = conf.current()
        limits = {"check_in": settings.default_delay, "away": settings.inactive_after}
        limit = limits.get(self.value() or "")
        return queryset if limit is None else queryset.filter(last_interaction__lt=timezone.now() - limit)


class AudienceFilter(admin.SimpleListFilter):
    """Behind the numbers of the forecast's funnels: those who pass a step."""

    title = "who would get one now"
    parameter_name = "audience"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer every step of every campaign that looks for its members itself."""
        return [
            (f"{trigger.value}.{name}", f"{trigger.label}: {words}")
            for trigger in audience.TRIGGERS
            for name, words in audience.STEPS.items()
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep those who pass the step and all before it."""
        trigger, _, name = (self.value() or "").partition(".")
        if trigger not in audience.TRIGGERS or name not in audience.STEPS:
            return queryset
        return queryset.filter(pk__in=audience.after(trigger, name, now=timezone.now()).values("pk"))


@admin.register(UserProfile)
class MemberAdmin(console.ConsoleAdmin):
    """Members."""

    list_display = ("who", "allowed", "answer", "last_seen", "last_sent", "level")
    list_filter = (
        ("follow_ups_enabled", BooleanRadioFilter),
        QuietFilter,
        AudienceFilter,
        ("relationship_level", ChoicesDropdownFilter),
        ("last_interaction", console.TimeFilter),
    )
    search_fields = ("name__startswith", "user_id__exact")
    search_help_text = "Beginning of the name, or the exact id"
    sortable_by = ("who", "last_seen")
    ordering = ("name", "user_id")
    actions_detail = ("plan_follow_up", "pause", "resume", "opt_out", "export", "forget")
    state_actions: ClassVar[dict[str, Callable[[Any], bool]]] = {
        "pause": lambda member: not _is_paused(member),
        "resume": _is_paused,
        "opt_out": lambda member: member.follow_ups_enabled,
    }
    fieldsets = (
        ("Would a check-in go out now?", {"fields": ("answer_now",)}),
        (
            "Person",
            {"fields": ("name", "user_id", "account_link", "conversation_link", "zone", "locale", "level", "likes")},
        ),
        ("Consent", {"fields": ("allowed", "chosen_topics", "last_sent_in_full")}),
        ("Preferences", {"fields": ("own_gap", "pause_state", "own_quiet_hours", "birthday", "away")}),
        ("Activity", {"fields": ("last_seen_in_full", "first_seen", "interaction_count", "usual", "mood", "reach")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[UserProfile]:
        """Bring along what the answers need: only on the list, where they are shown."""
        rows: QuerySet[UserProfile] = super().get_queryset(request)
        match = request.resolver_match
        if match is not None and match.url_name == "followups_userprofile_changelist":
            return answers.annotated(rows, now=timezone.now())
        return rows

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Ask the policy about the members on the page, all at once."""
        page = super().get_changelist_instance(request)
        page.result_list = answers.answered(page.result_list, now=timezone.now())
        return page

    @admin.display(description="Member", ordering="name")
    def who(self, member: UserProfile) -> str:
        return str(member)

    @admin.display(description="Consent")
    def allowed(self, member: UserProfile) -> SafeString:
        return console.pill("Opted in", "success") if member.follow_ups_enabled else console.pill("Not opted in")

    @admin.display(description="Check-in now?")
    def answer(self, member: UserProfile) -> SafeString:
        return answers.short(member, now=timezone.now())

    @admin.display(description="Last message", ordering="last_interaction")
    def last_seen(self, member: UserProfile) -> object:
        return console.when(member.last_interaction)

    @admin.display(description="Last follow-up")
    def last_sent(self, member: UserProfile) -> object:
        return console.when(member.last_follow_up_sent)

    @admin.display(description="Relationship")
    def level(self, member: UserProfile) -> str:
        return str(member.get_relationship_level_display())

    @admin.display(description="Answer")
    @console.once
    def answer_now(self, member: UserProfile) -> object:
        return answers.in_words(answers.live(member.user_id, now=timezone.now()))

    @admin.display(description="Account")
    def account_link(self, member: UserProfile) -> object:
        return console.link(member.account)

    @admin.display(description="Conversation")
    @console.once
    def conversation_link(self, member: UserProfile) -> object:
        rows = Conversation.objects.filter(participant_id=member.user_id, platform=member.account.platform)
        return console.link(rows.first(), "Open")

    @admin.display(description="Time zone")
    def zone(self, member: UserProfile) -> str:
        return member.timezone or f"The community's ({conf.current().timezone})"

    @admin.display(description="Interests")
    def likes(self, member: UserProfile) -> str:
        return ", ".join(member.interests) or console.NOTHING

    @admin.display(description="At least this far apart")
    def own_gap(self, member: UserProfile) -> str:
        return f"{member.follow_up_frequency_hours} hours"

    @admin.display(description="Topics")
    def chosen_topics(self, member: UserProfile) -> str:
        if not member.follow_ups_enabled:
            return console.NOTHING
        return ", ".join(str(Topic(topic).label) for topic in member.topics)

    @admin.display(description="Paused until")
    def pause_state(self, member: UserProfile) -> object:
        return console.exactly(member.paused_until) if _is_paused(member) else "Not paused"

    @admin.display(description="Own quiet hours")
    def own_quiet_hours(self, member: UserProfile) -> str:
        if member.quiet_start is None:
            return "Only the community's"
        return f"{member.quiet_start}:00 to {member.quiet_end}:00"

    @admin.display(description="Birthday")
    def birthday(self, member: UserProfile) -> str:
        if member.birthday_month is None or member.birthday_day is None:
            return console.NOTHING
        return f"{date(2000, member.birthday_month, 1):%B} {member.birthday_day}"

    @admin.display(description="Away")
    @console.once
    def away(self, member: UserProfile) -> object:
        coming = member.absences.filter(ends_at__gt=timezone.now()).order_by("starts_at")[:5]
        spans = (f"{row.starts_at:%Y-%m-%d} to {row.ends_at:%Y-%m-%d} {row.note}".rstrip() for row in coming)
        return "; ".join(spans) or console.NOTHING

    @admin.display(description="Last follow-up")
    def last_sent_in_full(self, member: UserProfile) -> object:
        return console.exactly(member.last_follow_up_sent)

    @admin.display(description="Last message")
    def last_seen_in_full(self, member: UserProfile) -> object:
        return console.exactly(member.last_interaction)

    @admin.display(description="First message")
    def first_seen(self, member: UserProfile) -> object:
        return console.exactly(member.first_interaction)

    @admin.display(description="Rhythm")
    @console.once
    def usual(self, member: UserProfile) -> object:
        if member.last_interaction is None:
            return console.NOTHING
        now = timezone.now()
        unheard = facts.gather(member.user_id, Trigger.INACTIVITY, now=now).unheard
        words = rhythm.describe(member, silent=now - member.last_interaction - unheard)
        return words[:1].upper() + words[1:]

    @admin.display(description="Mood")
    @console.once
    def mood(self, member: UserProfile) -> str:
        scores = moods.last_scores(member.user_id)
        if not scores:
            return "Not known: no message was read yet"
        shown = ", ".join(f"{score:.2f}" for score in scores)
        whole = f"on the whole {moods.of_scores(scores)} and {moods.trend(scores)}"
        return f"{member.current_emotion.capitalize()}; {whole} (scores of 0 to 1, newest first: {shown})"

    @admin.display(description="Reachable")
    def reach(self, member: UserProfile) -> SafeString:
        if member.left_at:
            return console.pill(f"Left on {member.left_at:%Y-%m-%d}", "danger")
        if member.unreachable_since:
            return console.pill(f"Messages refused since {member.unreachable_since:%Y-%m-%d}", "danger")
        return console.pill("Yes", "success")

    def panels(self, request: HttpRequest, obj: UserProfile) -> list[console.Panel]:
        """Show the proof of consent, the plans, what was sent, and why or why not."""
        return [
            self._consent_panel(obj),
            *self._flags_panels(obj),
            self._plans_panel(obj),
            *self._occasions_panels(obj),
            self._sent_panel(obj),
            decisions_panel(PolicyDecision.objects.filter(user_id=obj.user_id)),
        ]

    @staticmethod
    def _consent_panel(member: UserProfile) -> console.Panel:
        rows = member.consent_receipts.order_by("-id")[:20]
        return console.Panel(
            "Consent receipts",
            ["When", "Said", "Topics", "By way of", "Evidence", "Wording", "Recorded by"],
            [
                (
                    console.exactly(row.recorded_at),
                    consent_pill(row.state),
                    topics_of(row),
                    row.source.replace("_", " "),
                    row.evidence,
                    row.wording_version,
                    row.actor,
                )
                for row in rows
            ],
            empty="The member was never asked, so nothing is sent.",
        )

    @staticmethod
    def _plans_panel(member: UserProfile) -> console.Panel:
        rows = member.follow_ups.order_by("-scheduled_at")[:20]
        return console.Panel(
            "Follow-ups",
            ["Due", "Kind", "Status", "Why"],
            [
                (
                    console.link(row, f"{row.scheduled_at:%Y-%m-%d %H:%M} UTC"),
                    row.get_trigger_type_display(),
                    follow_up_pill(row.status),
                    row.reason or row.error_message or console.NOTHING,
                )
                for row in rows
            ],
            empty="None planned.",
            footer=console.listing(FollowUp, "All follow-ups of this member", user__user_id__exact=member.user_id),
        )

    @staticmethod
    def _flags_panels(member: UserProfile) -> list[console.Panel]:
        """What a person must look at, if there is anything."""
        rows = member.flags.filter(settled_at=None).order_by("-last_raised_at")[:20]
        cells = [
            (console.link(row, str(row.get_kind_display())), console.when(row.last_raised_at), row.detail)
            for row in rows
        ]
        return [console.Panel("Open flags", ["What", "Last raised", "Detail"], cells)] if cells else []

    @staticmethod
    def _occasions_panels(member: UserProfile) -> list[console.Panel]:
        """What we check back on: events and goals, if there are any."""
        bookings = member.bookings.order_by("-event_at")[:20]
        goals = member.goals.order_by("-id")[:20]
        cells = [
            (
                console.exactly(row.event_at),
                console.link(row, f"Event: {shortened(row.name) or 'without a name'}"),
                str(row.get_status_display()),
            )
            for row in bookings
        ]
        cells += [
            (console.exactly(row.check_in_at), f"Goal: {row.text}", "Closed" if row.closed_at else "Open")
            for row in goals
        ]
        return [console.Panel("Events and goals", ["When", "What", "State"], cells)] if cells else []

    @staticmethod
    def _sent_panel(member: UserProfile) -> console.Panel:
        rows = member.follow_up_history.order_by("-sent_at")[:20]
        return console.Panel(
            "Sent",
            ["When", "Words", "Answer"],
            [(console.when(row.sent_at), shortened(row.message_sent, 200), answered(row)) for row in rows],
            empty="Nothing was sent to this member.",
        )

    @console.page_action("Plan", url_path="plan", icon="event_upcoming")
    def plan_follow_up(self, request: HttpRequest, object_id: str) -> HttpResponse:
        member = self.row_or_404(request, object_id)
        form = PlanForm(request.POST or None)
        if form.is_valid():
            try:
                plan = planning.plan(user_id=member.user_id, now=timezone.now(), **form.cleaned_data)
            except planning.CannotPlan as error:
                form.add_error(None, str(error))
            else:
                return self._planned(request, member, plan)
        sentence = "Whether it goes out is decided when it is due: consent, quiet hours and limits hold for it, too."
        return self.ask(
            request, member, console.Question("Plan a follow-up", sentence, "Plan the follow-up", form=form)
        )

    def _planned(self, request: HttpRequest, member: UserProfile, plan: planning.Plan) -> HttpResponse:
        if plan.follow_up is None:
            self.tell(request, f"The policy refused: {plan.decision.reason}", good=False)
        elif not plan.created:
            self.tell(request, "This occasion is planned already; nothing was added.", good=False)
        else:
            self.note(request, [member], f"Planned the follow-up {plan.follow_up.pk}.")
            warning = nearby.in_words(nearby.of(plan.follow_up), follow_up=plan.follow_up)
            self.tell(request, f"Planned for {plan.follow_up.scheduled_at:%Y-%m-%d %H:%M} UTC. {warning}".strip())
        return self.back_to(member)

    @console.page_action("Opt out", url_path="opt-out", icon="block", variant=ActionVariant.DANGER)
    def opt_out(self, request: HttpRequest, object_id: str) -> HttpResponse:
        member = self.row_or_404(request, object_id)
        form = EvidenceForm(request.POST or None)
        if form.is_valid():
            withdrawal = consent.withdraw(
                user_id=member.user_id,
                source="admin",
                evidence=form.cleaned_data["evidence"],
                actor=request.user.get_username(),
                now=timezone.now(),
            )
            self.note(request, [member], "Opted out.")
            stopped = withdrawal.cancelled_follow_ups
            self.tell(request, f"Opted out. {stopped} pending follow-up{'' if stopped == 1 else 's'} cancelled.")
            return self.back_to(member)
        sentence = "Everything pending for this member is cancelled. Only the member can opt in again."
        question = console.Question("Opt this member out?", sentence, "Opt out", dangerous=True, form=form)
        return self.ask(request, member, question)

    @console.page_action("Pause", url_path="pause", icon="pause_circle")
    def pause(self, request: HttpRequest, object_id: str) -> HttpResponse:
        member = self.row_or_404(request, object_id)
        form = PauseForm(request.POST or None)
        if form.is_valid():
            until = form.cleaned_data["until"]
            try:
                preferences.change(user_id=member.user_id, paused_until=until, now=timezone.now())
            except preferences.BadPreference as error:
                form.add_error("until", error.problem)
            else:
                self.note(request, [member], f"Paused until {until:%Y-%m-%d %H:%M} UTC.")
                self.tell(request, f"Paused until {until:%Y-%m-%d %H:%M} UTC.")
                return self.back_to(member)
        sentence = "Until then nothing is sent to this member. Nothing is cancelled; they stay opted in."
        return self.ask(request, member, console.Question("Pause this member?", sentence, "Pause", form=form))

    @console.page_action("Resume", url_path="resume", icon="play_circle")
    def resume(self, request: HttpRequest, object_id: str) -> HttpResponse:
        member = self.row_or_404(request, object_id)
        if request.method == "POST":
            preferences.change(user_id=member.user_id, paused_until=None, now=timezone.now())
            self.note(request, [member], "Ended the pause.")
            self.tell(request, "The pause is over.")
            return self.back_to(member)
        sentence = "What was held goes out as soon as the other limits allow it."
        return self.ask(request, member, console.Question("End the pause?", sentence, "Resume"))

    @console.page_action("Export", url_path="export", icon="download")
    def export(self, request: HttpRequest, object_id: str) -> HttpResponse:
        member = self.row_or_404(request, object_id)
        if request.method != "POST":
            sentence = "Everything that is held about this member, private messages too. The log will say that you did."
            return self.ask(request, member, console.Question("Export this member's data?", sentence, "Export"))
        self.note(request, [member], "Exported everything that is held.")
        content = privacy.export(member.user_id, now=timezone.now())
        answer = JsonResponse(content, json_dumps_params={"indent": 2, "ensure_ascii": False})
        answer["Content-Disposition"] = content_disposition_header(True, f"member-{member.user_id}.json") or ""
        return answer

    def has_forget_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Who may erase a member for good: staff with the delete permission. `has_delete_permission` is about forms."""
        return bool(request.user.has_perm("followups.delete_userprofile"))

    @console.page_action(
        "Forget", url_path="forget", icon="person_off", variant=ActionVariant.DANGER, permission="forget"
    )
    def forget(self, request: HttpRequest, object_id: str) -> HttpResponse:
        member = self.row_or_404(request, object_id)
        form = ForgetForm(request.POST or None, expected=member.user_id)
        if form.is_valid():
            try:
                receipt = privacy.forget(
                    user_id=member.user_id,
                    source="admin",
                    evidence=form.cleaned_data["evidence"],
                    actor=request.user.get_username(),
                    now=timezone.now(),
                )
            except UserProfile.DoesNotExist:
                raise Http404 from None  # somebody else was faster
            except privacy.CannotForget as error:
                form.add_error(None, str(error))
            else:
                self.tell(request, "The member is forgotten. This receipt is all that is left.")
                return HttpResponseRedirect(reverse("admin:followups_erasurereceipt_change", args=[receipt.pk]))
        sentence = (
            "Profile, conversations, follow-ups, consent receipts and everything else about this member are erased "
            "at once and cannot be brought back. Export them first if the member wants a copy."
        )
        question = console.Question(
            "Forget this member for good?", sentence, "Erase everything", dangerous=True, form=form
        )
        return self.ask(request, member, question)


@admin.register(ConsentReceipt)
class ReceiptAdmin(console.ConsoleAdmin):
    """Receipts: who said what, when, and how we know."""

    list_display = ("recorded", whom, "said", "way", "actor")
    list_filter = (("state", ChoicesDropdownFilter),)
    search_fields = ("user__user_id__exact",)
    search_help_text = "Exact id of the member"
    list_select_related = ("user",)
    sortable_by = ()
    ordering = ("-id",)
    fields = ("member", "said", "topics", "recorded_in_full", "way", "evidence", "wording_version", "actor")

    @admin.display(description="When")
    def recorded(self, row: ConsentReceipt) -> object:
        return console.when(row.recorded_at)

    @admin.display(description="When")
    def recorded_in_full(self, row: ConsentReceipt) -> object:
        return console.exactly(row.recorded_at)

    @admin.display(description="Member")
    def member(self, row: ConsentReceipt) -> object:
        return console.link(row.user)

    @admin.display(description="Said")
    def said(self, row: ConsentReceipt) -> SafeString:
        return consent_pill(row.state)

    @admin.display(description="Topics")
    def topics(self, row: ConsentReceipt) -> str:
        return topics_of(row)

    @admin.display(description="By way of")
    def way(self, row: ConsentReceipt) -> str:
        return row.source.replace("_", " ")


@admin.register(ErasureReceipt)
class ErasureAdmin(console.ConsoleAdmin):
    """Erasures: that somebody was forgotten, when and how, but not who."""

    list_display = ("erased", "way", "actor", "rows")
    search_fields = ("digest__exact",)
    search_help_text = "Exact digest"
    sortable_by = ()
    ordering = ("-id",)
    fields = ("erased_in_full", "way", "evidence", "actor", "erased_rows", "digest")

    @admin.display(description="When")
    def erased(self, row: ErasureReceipt) -> object:
        return console.when(row.erased_at)

    @admin.display(description="When")
    def erased_in_full(self, row: ErasureReceipt) -> object:
        return console.exactly(row.erased_at)

    @admin.display(description="By way of")
    def way(self, row: ErasureReceipt) -> str:
        return row.source.replace("_", " ")

    @admin.display(description="Rows")
    def rows(self, row: ErasureReceipt) -> int:
        return sum(row.counts.values())

    @admin.display(description="What went")
    def erased_rows(self, row: ErasureReceipt) -> object:
        return console.pretty(row.counts)
