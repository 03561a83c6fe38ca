"""`manage.py followups plan|list|show|cancel|simulate|why|export|forget`: follow-ups and members, from a shell."""

import json
import os
from argparse import ArgumentTypeError
from collections.abc import Iterable
from dataclasses import asdict
from datetime import timedelta
from getpass import getuser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from rich.text import Text

from followups import nearby, planning, privacy, simulation, whatif, why
from followups.models import FollowUp, FollowUpStatus, PolicyDecision, Trigger, UserProfile
from followups.policy import Decision
from followups.simulation import Forecast, Step
from jobs import terminal

MOST_LISTED = 10_000
SHOWN = (
    "id",
    "user_id",
    "trigger_type",
    "status",
    "reason",
    "scheduled_at",
    "created_at",
    "executed_at",
    "cancelled_at",
    "error_message",
    "template_id",
    "composition",
    "message_content",
    "trigger_data",
    "job_id",
)
DECISION = ("decided_at", "asked_by", "trigger_type", "verdict", "gate", "reason", "held_until", "inputs")
STATUS_COLORS = {
    FollowUpStatus.PENDING: "cyan",
    FollowUpStatus.EXECUTED: "green",
    FollowUpStatus.CANCELLED: "dim",
    FollowUpStatus.FAILED: "red",
    FollowUpStatus.SKIPPED: "yellow",
}
VERDICT_COLORS = {"send": "green", "hold": "yellow", "drop": "dim"}


class Command(terminal.ActionCommand):
    help = (
        "Plan, look at and cancel follow-ups; forecast them; say why a member gets none; export or forget a member. "
        "Results go to standard output, problems to standard error. Exit codes: 0, done; 1, it could not be done; "
        "2, wrong usage."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        actions = self.begin(parser, "plan", "list", "show", "cancel", "simulate", "why", "export", "forget")
        _add_plan(actions)
        _add_list(actions)
        one = terminal.action(actions, "show", "Show one follow-up and why it was sent, held or dropped.")
        one.add_argument("follow_up_id", metavar="ID", type=terminal.text, help="The follow-up's id.")
        several = terminal.action(actions, "cancel", "Cancel pending follow-ups with their jobs and queued messages.")
        several.add_argument("follow_up_ids", nargs="+", metavar="ID", type=terminal.text, help="Their ids.")
        several.add_argument("--reason", type=terminal.text, help="Why, for those who will wonder.")
        _add_simulate(actions)
        explain = terminal.action(actions, "why", "Say why a member would, or would not, get each kind of follow-up.")
        explain.add_argument("member", metavar="MEMBER", type=terminal.text, help="The member's id.")
        export = terminal.action(actions, "export", "Write everything that is held about a member, as JSON.")
        export.add_argument("member", metavar="MEMBER", type=terminal.text, help="The member's id.")
        export.add_argument("--output", metavar="FILE", type=Path, help="A new file, for your eyes only, instead.")
        forget = terminal.action(
            actions, "forget", "Erase a member everywhere, for good. A receipt without name stays."
        )
        forget.add_argument("member", metavar="MEMBER", type=terminal.text, help="The member's id.")
        forget.add_argument(
            "--evidence", required=True, type=terminal.text, help="How they asked for it, without naming them."
        )
        forget.add_argument("--yes", action="store_true", help="Do not ask.")

    def act(self, action: str, options: dict[str, Any]) -> None:
        """Do one action."""
        getattr(self, f"_{action}")(**options)

    # --- follow-ups ---

    def _plan(self, *, member: str, trigger: str, at: Any, in_hours: float | None, **options: Any) -> None:
        if at is not None and in_hours is not None:
            raise CommandError("Give --at or --in-hours, not both.", returncode=terminal.USAGE)
        due_at = at if in_hours is None else self.now + timedelta(hours=in_hours)
        try:
            plan = planning.plan(
                user_id=member,
                trigger=trigger,
                due_at=due_at,
                occasion=options["occasion"] or "",
                trigger_data={"text": options["text"]} if options["text"] else {},
                now=self.now,
            )
        except planning.CannotPlan as error:
            raise CommandError(str(error)) from None
        if self.is_json:
            self.write_objects(
                [{"created": plan.created, "follow_up": _fields(plan.follow_up), **_said(plan.decision)}]
            )
        elif plan.follow_up is not None and plan.created:
            when = terminal.exact(plan.follow_up.scheduled_at)
            self.stdout.write(f"Planned: {plan.follow_up.pk}, due {when}.")
            if warning := nearby.in_words(nearby.of(plan.follow_up), follow_up=plan.follow_up):
                self.remark(warning)
        if plan.follow_up is None:
            raise CommandError(f"Nothing was planned: {plan.decision.reason}")
        if not plan.created:
            self.remark(f"Planned already for this occasion: {plan.follow_up.pk} is {plan.follow_up.status}.")

    def _list(self, *, limit: int, **options: Any) -> None:
        wanted = {"status": options["status"], "trigger_type": options["trigger"], "user_id": options["member"]}
        chosen = {name: value for name, value in wanted.items() if value}
        rows = FollowUp.objects.filter(**chosen).order_by("-scheduled_at", "id").select_related("user")[:limit]
        if self.is_json:
            self.write_objects(_fields(row) or {} for row in rows)
            return
        table = terminal.table("Status", "Due", "Trigger", "Member", "Id")
        for row in rows:
            table.add_row(
                _status(row.status),
                Text(terminal.relative(row.scheduled_at, self.now)),
                row.trigger_type,
                Text(terminal.printable(f"{row.user} ({row.user_id})")),
                Text(terminal.printable(row.pk)),
            )
        if not rows:
            self.remark("There are no such follow-ups.")
            return
        self.draw(table)
        if len(rows) == limit:
            self.remark(f"There may be more: raise --limit (at most {MOST_LISTED:,}).")

    def _show(self, *, follow_up_id: str, **options: Any) -> None:
        row = FollowUp.objects.filter(pk=follow_up_id).first()
        if row is None:
            raise CommandError(f"No follow-up has the id {terminal.printable(follow_up_id)}.")
        decisions = list(PolicyDecision.objects.filter(follow_up_id=row.pk).order_by("id"))
        if self.is_json:
            self.write_objects([{**(_fields(row) or {}), "decisions": [_of(each, DECISION) for each in decisions]}])
            return
        table = terminal.pairs()
        for name, value in (_fields(row) or {}).items():
            table.add_row(name.replace("_", " "), self._cell(value))
        self.draw(table)
        self.stdout.write("")
        self._draw_decisions(decisions)

    def _cancel(self, *, follow_up_ids: list[str], reason: str | None, **options: Any) -> None:
        said = (reason or f"cancelled by {getuser()} (shell)")[:255]
        problems = []
        for key in dict.fromkeys(follow_up_ids):
            problem = None if planning.cancel_followup(key, reason=said, now=self.now) else _refusal(key)
            if problem:
                problems.append(problem)
            if self.is_json:
                self.write_objects([{"id": key, "done": problem is None, "problem": problem}])
            elif problem is None:
                self.stdout.write(f"Cancelled: {key}")
        if problems:
            raise CommandError("\n".join(problems))

    # --- why and what if ---

    def _why(self, *, member: str, **options: Any) -> None:
        found = why.explain(self._known(member), now=self.now)
        if self.is_json:
            self.write_objects(
                [
                    {
                        "user_id": member,
                        "consent": found.receipt.state if found.receipt else None,
                        "topics": found.profile.topics,
                        "answers": {
                            trigger: _said(decision)["decision"] for trigger, decision in found.answers.items()
                        },
                        "planned": [_fields(row) for row in found.planned],
                        "decisions": [_of(row, DECISION) for row in found.decisions],
                    }
                ]
            )
            return
        self.stdout.write(f"{terminal.printable(str(found.profile))} ({member}), if it were due now:")
        table = terminal.table("Trigger", "Answer", "Gate", "Until", "Why")
        for trigger, decision in found.answers.items():
            table.add_row(
                trigger,
                _verdict(decision.verdict),
                decision.gate or terminal.NOTHING,
                terminal.exact(decision.until) if decision.until else terminal.NOTHING,
                Text(terminal.printable(decision.reason)),
            )
        self.draw(table)
        self.stdout.write("\nPlanned")
        for row in found.planned:
            self.stdout.write(f"  {terminal.exact(row.scheduled_at)}  {row.trigger_type}  {row.pk}")
        if not found.planned:
            self.stdout.write("  Nothing.")
        self.stdout.write("\nDecided lately")
        self._draw_decisions(found.decisions)

    def _simulate(
        self, *, days: int, member: str | None, changes: list[tuple[str, str]], limit: int, **options: Any
    ) -> None:
        policies = [{}, dict(changes)] if changes else [{}]
        try:
            forecasts = simulation.simulate(
                now=self.now,
                days=days,
                changes=policies,
                member=member or "",
                most_steps=limit,
                progress=lambda done: self.remark(f"{done:,} members ...") if self.stderr.isatty() else None,
            )
        except (simulation.CannotSimulate, whatif.BadSetting) as error:
            raise CommandError(str(error)) from None
        if self.is_json:
            self.write_objects(
                {"changes": policy, **_forecast(forecast)} for policy, forecast in zip(policies, forecasts, strict=True)
            )
            return
        ahead = "The next day" if days == 1 else f"The next {days} days"
        self.stdout.write(f"{ahead}, if nobody writes. Nothing was sent.\n")
        self._draw_totals(forecasts)
        if changes:
            named = ", ".join(f"{name}={value}" for name, value in changes)
            self.stdout.write(f"\n'then' is with {named}.")
        self.stdout.write("")
        self._draw_days(forecasts)
        self._draw_steps(forecasts[-1].steps)

    # --- a member's data ---

    def _export(self, *, member: str, output: Path | None, **options: Any) -> None:
        held = privacy.export(self._known(member), now=self.now)
        text = json.dumps(held, indent=None if self.is_json else 2, ensure_ascii=False, default=str)
        if output is None:
            self.stdout.write(text)
            return
        try:
            with open(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise CommandError(f"{output} cannot be written: {error.strerror}.") from None
        self.remark(f"Written to {output}, readable for you only.")

    def _forget(self, *, member: str, evidence: str, yes: bool, **options: Any) -> None:
        user_id = self._known(member)
        question = f"Erase {user_id} everywhere, for good? Write the id again: "
        if not yes and terminal.asked(self.stderr, question) != user_id:
            raise CommandError("Nothing was changed.")
        receipt = privacy.forget(
            user_id=user_id, source="command", evidence=evidence, actor=f"{getuser()} (shell)", now=self.now
        )
        if self.is_json:
            self.write_objects([{"receipt": receipt.pk, "erased_at": receipt.erased_at, "counts": receipt.counts}])
            return
        erased = ", ".join(f"{name.replace('_', ' ')} {rows:,}" for name, rows in receipt.counts.items() if rows)
        self.stdout.write(f"Forgotten. Receipt {receipt.pk}. Rows: {erased or 'none'}.")
        self.remark("Backups made before still hold the member until they are removed (BACKUP_KEEP_DAYS).")

    # --- drawing ---

    def _known(self, member: str) -> str:
        if not UserProfile.objects.filter(pk=member).exists():
            raise CommandError(f"Nobody with the id {terminal.printable(member)!r} is known.")
        return member

    def _cell(self, value: object) -> Any:
        if value in (None, "", {}):
            return terminal.NOTHING
        if isinstance(value, dict):
            return Text(terminal.printable(json.dumps(value, ensure_ascii=False, default=str)))
        if hasattr(value, "tzinfo"):
            return terminal.exact(value)  # type: ignore[arg-type]  # a datetime
        return Text(terminal.printable(str(value)))

    def _draw_decisions(self, decisions: Iterable[PolicyDecision]) -> None:
        table = terminal.table("When", "Asked at", "Trigger", "Answer", "Why")
        for row in decisions:
            table.add_row(
                Text(terminal.relative(row.decided_at, self.now)),
                row.asked_by,
                row.trigger_type,
                _verdict(row.verdict),
                Text(terminal.printable(row.reason)),
            )
        if not table.rows:
            self.stdout.write("  The policy has not been asked yet.")
            return
        self.draw(table)

    def _draw_totals(self, forecasts: list[Forecast]) -> None:
        table = terminal.table("", *(["now", "then", "difference"][: 2 * len(forecasts) - 1]))
        rows: list[tuple[str, list[int]]] = [
            ("members who opted in", [forecast.members for forecast in forecasts]),
            ("messages", [forecast.total for forecast in forecasts]),
        ]
        for title, name in (("held by", "held"), ("dropped by", "dropped")):
            gates = sorted({gate for forecast in forecasts for gate in getattr(forecast, name)})
            rows += [(f"{title} {gate}", [getattr(forecast, name)[gate] for forecast in forecasts]) for gate in gates]
        rows.append(("still held at the end", [forecast.waiting for forecast in forecasts]))
        for label, numbers in rows:
            difference = [f"{numbers[-1] - numbers[0]:+,}"] if len(numbers) > 1 else []
            table.add_row(label, *(f"{number:,}" for number in numbers), *difference)
        self.draw(table)

    def _draw_days(self, forecasts: list[Forecast]) -> None:
        by_day = [forecast.by_day() for forecast in forecasts]
        days = sorted({day for counts in by_day for day in counts})
        if not days:
            return
        table = terminal.table("Day", *(["now", "then"][: len(forecasts)]), "")
        most = max(count for counts in by_day for count in counts.values())
        for day in days:
            numbers = [counts[day] for counts in by_day]
            bar = "▇" * max(1, round(numbers[-1] * 40 / most)) if numbers[-1] else ""
            table.add_row(f"{day:%a %d %b}", *(f"{number:,}" for number in numbers), bar)
        self.draw(table)

    def _draw_steps(self, steps: list[Step]) -> None:
        if not steps:
            return
        self.stdout.write("\nTo whom, and what holds it (the first ones; --limit for more)")
        table = terminal.table("When", "Member", "Trigger", "Answer", "Why")
        for step in sorted(steps, key=lambda step: step.at):
            table.add_row(
                terminal.exact(step.at),
                Text(terminal.printable(step.user_id)),
                step.trigger,
                _verdict(step.decision.verdict),
                Text(terminal.printable(step.decision.reason)),
            )
        self.draw(table)


def _add_plan(actions: Any) -> None:
    parser = terminal.action(actions, "plan", "Plan a follow-up. The policy is asked now and again when it is due.")
    parser.add_argument("member", metavar="MEMBER", type=terminal.text, help="The member's id.")
    parser.add_argument("--trigger", choices=Trigger.values, default=Trigger.CUSTOM.value, help="Default: custom.")
    parser.add_argument("--at", type=terminal.moment, metavar="TIME", help="When, like 2027-03-01T09:00:00+01:00.")
    parser.add_argument("--in-hours", type=_hours, metavar="N", help="Or so many hours from now.")
    parser.add_argument("--occasion", type=terminal.text, help="One follow-up per occasion, such as a day.")
    parser.add_argument("--text", type=terminal.text, help="The words, for the trigger custom.")


def _add_list(actions: Any) -> None:
    parser = terminal.action(actions, "list", "List follow-ups, the latest due first. --json: one object per line.")
    parser.add_argument("--status", choices=FollowUpStatus.values, help="Only these.")
    parser.add_argument("--trigger", choices=Trigger.values, help="Only these.")
    parser.add_argument("--member", type=terminal.text, metavar="ID", help="Only this member's.")
    parser.add_argument("--limit", type=_limit, default=50, help="At most so many (default 50).")


def _add_simulate(actions: Any) -> None:
    parser = terminal.action(
        actions,
        "simulate",
        "Forecast the coming days with the policy's own code: what would be sent, to whom, held by what. Sends nothing "
        "and writes nothing. It takes it that nobody writes meanwhile.",
    )
    parser.add_argument("--days", type=_days, default=30, help="How far (1 to 366, default 30).")
    parser.add_argument("--member", type=terminal.text, metavar="ID", help="Only this member.")
    parser.add_argument(
        "--with",
        dest="changes",
        action="append",
        type=_change,
        default=[],
        metavar="NAME=VALUE",
        help=f"Compare with another setting; several are allowed. One of {', '.join(whatif.NAMES)}.",
    )
    parser.add_argument("--limit", type=_limit, default=20, help="Show at most so many single answers (default 20).")


def _limit(value: str) -> int:
    if not value.isascii() or not value.isdigit() or not 1 <= int(value[:9]) <= MOST_LISTED:
        raise ArgumentTypeError(f"write a whole number from 1 to {MOST_LISTED:,}, not {value!r}.")
    return int(value)


def _days(value: str) -> int:
    if not value.isascii() or not value.isdigit() or not 1 <= int(value[:9]) <= simulation.LONGEST.days:
        raise ArgumentTypeError(f"write a whole number from 1 to {simulation.LONGEST.days}, not {value!r}.")
    return int(value)


def _hours(value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not 0 <= number <= planning.FURTHEST / timedelta(hours=1):
        raise ArgumentTypeError(f"write hours from 0 to {planning.FURTHEST // timedelta(hours=1):,}, not {value!r}.")
    return number


def _change(value: str) -> tuple[str, str]:
    name, separator, setting = value.partition("=")
    if not separator:
        raise ArgumentTypeError(f"write NAME=VALUE, not {value!r}.")
    return name.strip(), setting.strip()


def _fields(row: FollowUp | None) -> dict[str, Any] | None:
    return None if row is None else _of(row, SHOWN)


def _of(row: object, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def _said(decision: Decision) -> dict[str, Any]:
    return {"decision": asdict(decision)}


def _forecast(forecast: Forecast) -> dict[str, Any]:
    return {
        "since": forecast.since,
        "until": forecast.until,
        "members": forecast.members,
        "messages": forecast.total,
        "by_trigger": forecast.by_trigger(),
        "by_day": {day.isoformat(): number for day, number in sorted(forecast.by_day().items())},
        "held": forecast.held,
        "dropped": forecast.dropped,
        "waiting": forecast.waiting,
        "steps": [
            {"at": step.at, "user_id": step.user_id, "trigger": step.trigger, **asdict(step.decision)}
            for step in forecast.steps
        ],
    }


def _status(value: str) -> Text:
    return Text(value, style=STATUS_COLORS[FollowUpStatus(value)])


def _verdict(value: str) -> Text:
    return Text(value, style=VERDICT_COLORS.get(value, ""))


def _refusal(key: str) -> str:
    row = FollowUp.objects.filter(pk=key).first()
    if row is None:
        return f"No follow-up has the id {terminal.printable(key)}."
    state = "its message is already on the wire" if row.status == FollowUpStatus.PENDING else f"it is {row.status}"
    return f"Follow-up {key} cannot be cancelled any more: {state}."
