"""The figures of one day: follow-ups planned, sent and answered, why others were not, and who opted in or out."""

from collections.abc import Mapping
from datetime import timedelta

from django.db.models import Count, Q

from followups import conf, ledger
from followups.models import ConsentReceipt, ConsentState, FollowUpHistory, PolicyDecision
from followups.policy import Gate, Verdict
from jobs.figures import Span


def of_day(span: Span) -> Mapping[str, float | None]:
    """Count one day. By idx_decisions_time, idx_follow_up_time and idx_consent_time.

    `sent` and `answered` are what happened on that day; an answer may belong to a follow-up of the days before. The
    share of answers over some days is the one divided by the other. `dropped` counts decisions, one follow-up may
    have several; each gate has a count of its own.
    """
    decisions = PolicyDecision.objects.filter(decided_at__gte=span.since, decided_at__lt=span.until)
    planned = decisions.filter(asked_by=ledger.PLANNING).exclude(follow_up_id="").exclude(verdict=Verdict.DROP.value)
    dropped = decisions.filter(verdict=Verdict.DROP.value).order_by().values_list("gate").annotate(Count("pk"))
    by_gate: dict[str, int] = dict(dropped)
    receipts = ConsentReceipt.objects.filter(recorded_at__gte=span.since, recorded_at__lt=span.until).aggregate(
        granted=Count("pk", filter=Q(state=ConsentState.GRANTED)),
        withdrawn=Count("pk", filter=Q(state=ConsentState.WITHDRAWN)),
    )
    return {
        "planned": planned.count(),
        "sent": FollowUpHistory.objects.filter(sent_at__gte=span.since, sent_at__lt=span.until).count(),
        "answered": _answered(span),
        "opt_ins": receipts["granted"],
        "opt_outs": receipts["withdrawn"],
        "held": decisions.filter(verdict=Verdict.HOLD.value).count(),
        "dropped": sum(by_gate.values()),
        **{f"dropped_by_{gate.value}": by_gate.get(gate.value, 0) for gate in Gate},
    }


def keep() -> timedelta:
    """How long the rows stay that `of_day` counts."""
    return conf.current().keep_decisions


def _answered(span: Span) -> int:
    """Answers that came on the day. They come within the window for answers, so the time of sending finds them."""
    earliest = span.since - conf.current().response_window
    sent = FollowUpHistory.objects.filter(sent_at__gte=earliest, sent_at__lt=span.until)
    return sent.filter(response_time__gte=span.since, response_time__lt=span.until).count()
