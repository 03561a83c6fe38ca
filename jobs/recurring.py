"""Recurring work: Django-Q schedules that enqueue ordinary jobs, each planned time at most once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import structlog
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django_q.models import Schedule

from jobs import runs, timing
from jobs.models import Origin, RecurringRun, ScheduledJob
from jobs.runs import Overlap, Report, Work
from jobs.timing import Timing

log = structlog.get_logger(__name__)

FUNCTION = "jobs.recurring.enqueue_recurring"
PLANNED = "planned"
"""The argument in which Django-Q hands over the time that it had planned."""
LONGEST_NAME = 100
ON_TIME = timedelta(minutes=5)
"""Not missed yet: Django-Q looks every half minute, and gives a lost package out again after three."""
MOST_AT_ONCE = 1_000


class CatchUp(StrEnum):
    """What becomes of planned times at which no cluster was at work."""

    SKIP = "skip"
    ONCE = "once"
    ALL = "all"


class State(StrEnum):
    """Whether recurring work comes again."""

    ON = "on"
    DISABLED = "disabled"
    UNDECLARED = "undeclared"
    MISSING = "missing"


@dataclass(frozen=True)
class Recurring(Work):
    """Work that comes again."""

    every: timedelta | None
    cron: str | None
    catch_up: CatchUp
    describe: str


@dataclass(frozen=True)
class Entry:
    """One line of the list: what is declared, and its schedule."""

    name: str
    work: Recurring | None
    schedule: Schedule | None
    state: State

    @property
    def next_run(self) -> datetime | None:
        """When it comes next."""
        return self.schedule.next_run if self.schedule is not None and self.state == State.ON else None

    @property
    def words(self) -> str:
        """Its rhythm."""
        return words(self.schedule) if self.schedule is not None else "never: it has no schedule, migrate makes it"

    @property
    def describe(self) -> str:
        """What it does."""
        return self.work.describe if self.work is not None else "No app declares it any more."

    @property
    def last(self) -> Report | None:
        """Its last result."""
        return runs.last_result(self.name)

    def following(self, *, now: datetime, count: int = 10) -> list[datetime]:
        """The next planned times; none unless it is on."""
        if self.schedule is None or self.next_run is None:
            return []
        # Overdue or not, the schedule's own next time comes first.
        later = Timing.of(self.schedule, otherwise=now).following(max(self.next_run, now), count)
        return [self.next_run, *later][:count]


_declared: dict[str, Recurring] = {}


class UnknownRecurring(Exception):
    """A schedule names recurring work that no app declares (any more), or somebody mistyped it."""


class StillLive(Exception):
    """A run of this work is pending or running: `existing` is its job."""

    def __init__(self, existing: ScheduledJob) -> None:
        super().__init__(f"Nothing was enqueued: another run is still {existing.status}, job {existing.job_id}.")
        self.existing = existing


def register(
    name: str,
    *,
    job_type: str,
    payload: object,
    every: timedelta | None = None,
    cron: str | None = None,
    catch_up: CatchUp = CatchUp.ONCE,
    describe: str = "",
) -> None:
    """Declare recurring work, at import of an app's `handlers.py`. Give `every` (whole minutes) or `cron` (UTC).

    `describe` says in one sentence what it does. A payload dataclass with a field `planned_at` gets the planned
    time there, as ISO 8601 text. `manage.py migrate` makes the Django-Q schedule, and leaves a present one as
    operators have it. Raises ValueError for a name or timing that cannot be, and for a name that is taken.
    """
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise ValueError(f"{name!r}: a name has 1 to {LONGEST_NAME} printable characters.")
    if (every is None) == (cron is None):
        raise ValueError(f"{name}: give either `every` or `cron`.")
    if every is not None:
        timing.check_every(every)
    if cron is not None:
        timing.check_cron(cron)
    work = Recurring(name, job_type, payload, every, cron, CatchUp(catch_up), describe)
    if _declared.setdefault(name, work) != work:
        raise ValueError(f"{name}: recurring work of that name is declared already, and otherwise: take another name.")


def find(name: str) -> Recurring:
    """Return declared work. Raises UnknownRecurring."""
    try:
        return _declared[name]
    except KeyError:
        known = ", ".join(sorted(_declared)) or "none"
        raise UnknownRecurring(f"No recurring work is called {name!r} (known: {known}).") from None


def entries() -> list[Entry]:
    """All that is declared or has a schedule of ours, by name."""
    schedules = {schedule.name: schedule for schedule in _schedules().order_by("-pk") if schedule.name}
    return [entry(name, schedules.get(name)) for name in sorted(_declared.keys() | schedules.keys())]


def find_entry(name: str) -> Entry:
    """The line of one name. Raises UnknownRecurring for a name that is neither declared nor scheduled."""
    schedule = schedule_of(name)
    if schedule is None:
        find(name)
    return entry(name, schedule)


def entry(name: str, schedule: Schedule | None) -> Entry:
    """Put together what is declared under this name and its schedule."""
    work = _declared.get(name)
    if work is None:
        state = State.UNDECLARED
    elif schedule is None:
        state = State.MISSING
    else:
        state = State.DISABLED if schedule.repeats == 0 else State.ON
    return Entry(name, work, schedule, state)


def words(schedule: Schedule) -> str:
    """Say a schedule's rhythm."""
    return Timing.of(schedule, otherwise=timing.SOME_TIME).words()


def schedule_of(name: str) -> Schedule | None:
    """The schedule of this work."""
    return _schedules().filter(name=name).order_by("pk").first()


def find_schedule(name: str) -> Schedule:
    """The schedule of this work. Raises UnknownRecurring when there is none."""
    schedule = schedule_of(name)
    if schedule is None:
        find(name)
        raise UnknownRecurring(f"{name} has no schedule; `manage.py migrate` makes it.")
    return schedule


def enqueue_recurring(name: str, planned: str | None = None) -> str:
    """Enqueue the run of a planned time. Called by the schedule; returns in words what happened.

    Times that were missed meanwhile are made up for as the work's `catch_up` says.
    """
    now = timezone.now()
    work = find(name)
    # Whatever is decided below leaves a line for the first time, so that a second delivery is known by it, and for
    # the last, from which the next one goes on.
    first = datetime.fromisoformat(planned) if planned else now
    with transaction.atomic():
        runs.lock(name)
        times = _due(name, first, now=now)
        known = {run.planned_at: run.origin for run in runs.known(name, times)}
        if known.get(first) == Origin.SCHEDULE:
            return "Nothing was enqueued: that time was given out before."
        fresh = [moment for moment in times if moment not in known]
        chosen = choose(times, fresh, work.catch_up, now=now)
        overlap = Overlap.QUEUE if work.catch_up == CatchUp.ALL else Overlap.SKIP
        taken = runs.take(work, chosen, origin=Origin.SCHEDULE, overlap=overlap, now=now)
        left = [moment for moment in fresh if moment not in chosen]
        if left:
            marks = sorted({first, times[-1]} & set(left)) or left[:1]
            _record_missed(work, left, marks, is_complete=len(times) <= MOST_AT_ONCE + 1, now=now)
    return " ".join(_told(run) for run in taken) or "Nothing was enqueued."


def choose(
    times: Sequence[datetime], fresh: Sequence[datetime], catch_up: CatchUp, *, now: datetime
) -> Sequence[datetime]:
    """Return which planned times up to now get a run. `fresh` are those that have none, of ascending `times`."""
    if catch_up == CatchUp.ALL:
        return fresh[-MOST_AT_ONCE:]
    latest = times[-1]
    if latest not in fresh:
        return []  # a later run has made up for the earlier ones
    is_missed = catch_up == CatchUp.SKIP and now - latest > ON_TIME
    return [] if is_missed else [latest]


def run_now(name: str, *, now: datetime) -> RecurringRun:
    """Enqueue a run beside the plan, also of disabled work.

    Raises:
        StillLive: a run is pending or running.
        UnknownRecurring: no app declares this name.
    """
    work = find(name)
    with transaction.atomic():
        runs.lock(name)
        busy = runs.live_job(name)
        if busy is not None:
            raise StillLive(busy)
        (run,) = runs.take(work, [now], origin=Origin.MANUAL, overlap=Overlap.SKIP, now=now)
    log.info("recurring.run_by_hand", name=name, job_id=run.job_id)
    return run


def disable(name: str) -> bool:
    """Stop planning runs; what is enqueued still runs. False when it is disabled already.

    Raises UnknownRecurring for work without a schedule.
    """
    find_schedule(name)
    # Django-Q's own word for "no more": it passes these rows over, and `migrate` keeps them.
    changed = _schedules().filter(name=name).exclude(repeats=0).update(repeats=0)
    if changed:
        log.info("recurring.disabled", name=name)
    return bool(changed)


def enable(name: str, *, now: datetime) -> bool:
    """Plan runs again, from the next planned time on: those of the pause do not count as missed.

    False when it is enabled already. Raises UnknownRecurring for work that no app declares, or without a schedule.
    """
    find(name)
    find_schedule(name)
    changed = 0
    with transaction.atomic():
        for schedule in _schedules().filter(name=name, repeats=0):
            next_run = _next(schedule, now=now)
            changed += _schedules().filter(pk=schedule.pk, repeats=0).update(repeats=-1, next_run=next_run)
        if changed:
            _begin_anew(name, because="Enabled: the times of the pause do not count as missed.", now=now)
    return bool(changed)


def remove(name: str) -> bool:
    """Delete the schedule of work that no app declares any more. False for declared work: disable that."""
    return name not in _declared and bool(_schedules().filter(name=name).delete()[0])


def retime(name: str, *, every: timedelta | None = None, cron: str | None = None, now: datetime) -> None:
    """Let the work come at other times, from now on. `migrate` keeps it so.

    Raises:
        BadTiming: the times cannot be.
        UnknownRecurring: no app declares this name, or it has no schedule.
    """
    find(name)
    if (every is None) == (cron is None):
        raise timing.BadTiming("Give either a number of minutes or a cron text.")
    if every is not None:
        timing.check_every(every)
    if cron is not None:
        timing.check_cron(cron)
    schedule = find_schedule(name)
    _set_times(schedule, every, cron)
    schedule.next_run = _whole_second(now)
    schedule.next_run = _next(schedule, now=now)
    times = {field: getattr(schedule, field) for field in ("schedule_type", "minutes", "cron", "next_run")}
    with transaction.atomic():
        _schedules().filter(pk=schedule.pk).update(**times)
        _begin_anew(name, because="It runs at other times from now on: earlier ones do not count as missed.", now=now)
    log.info("recurring.retimed", name=name, runs=words(schedule))


def align_schedules() -> int:
    """Make the schedules that are declared but not there, and retire those that no app declares any more.

    Called after each migrate. Present ones keep their times and stay disabled. Returns how many were made.
    """
    now = timezone.now()
    with transaction.atomic():
        with connection.cursor() as cursor:
            # Schedule names are not unique: two migrates at once would make two of each. EXCLUSIVE also shuts out
            # a running cluster's SELECT FOR UPDATE: let in, it would hold rows wanted here and want this lock.
            cursor.execute("LOCK TABLE django_q_schedule IN EXCLUSIVE MODE")
        present = set(_schedules().values_list("name", flat=True))
        missing = [work for name, work in _declared.items() if name not in present]
        Schedule.objects.bulk_create([_schedule(work, now=now) for work in missing])
        for work in missing:
            _begin_anew(work.name, because="Its schedule was gone: those times do not count as missed.", now=now)
        _retire()
        _revive(now=now)
        _schedules().filter(intended_date_kwarg=None).update(intended_date_kwarg=PLANNED)
    return len(missing)


def _retire() -> None:
    """Without a next time a schedule is left alone; else the renamed work's would fail for ever."""
    for schedule in _schedules().filter(next_run__isnull=False).exclude(name__in=list(_declared)):
        Schedule.objects.filter(pk=schedule.pk).update(next_run=None)
        log.warning("recurring.retired", name=schedule.name, reason="no app declares it any more")


def _revive(*, now: datetime) -> None:
    for schedule in _schedules().filter(next_run=None, name__in=list(_declared)):
        Schedule.objects.filter(pk=schedule.pk).update(next_run=_next(schedule, now=now))
        _begin_anew(str(schedule.name), because="No app declared it: those times do not count as missed.", now=now)
        log.info("recurring.revived", name=schedule.name)


def _schedules() -> QuerySet[Schedule]:
    return Schedule.objects.filter(func=FUNCTION)


def _schedule(work: Recurring, *, now: datetime) -> Schedule:
    made = Schedule(
        name=work.name,
        func=FUNCTION,
        args=repr((work.name,)),
        repeats=-1,
        next_run=_whole_second(now),
        intended_date_kwarg=PLANNED,
    )
    _set_times(made, work.every, work.cron)
    if work.cron is not None:
        made.next_run = _next(made, now=now)
    return made


def _set_times(schedule: Schedule, every: timedelta | None, cron: str | None) -> None:
    schedule.schedule_type = Schedule.CRON if every is None else Schedule.MINUTES
    schedule.minutes = None if every is None else every // timedelta(minutes=1)
    schedule.cron = cron


def _next(schedule: Schedule, *, now: datetime) -> datetime:
    following = Timing.of(schedule, otherwise=_whole_second(now)).following(now, 1)
    return following[0] if following else now


def _whole_second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def _due(name: str, first: datetime, *, now: datetime) -> list[datetime]:
    """The planned times to decide about, ascending; of very many the latest, the earliest, and `first` itself.

    `first` is the package's. Those between the one decided about before it and this one had a package, too, which
    Django-Q has given up: it drops one that failed three times.
    """
    schedule = schedule_of(name)
    if schedule is None:
        return [first]
    timing_ = Timing.of(schedule, otherwise=first)
    before = runs.planned_before(name, first)
    start = first if before is None else before
    found = timing_.between(start, max(first, now), limit=MOST_AT_ONCE + 2)
    earliest = [] if before is None else timing_.following(before, 1)
    return sorted({first, *(moment for moment in found if moment > start), *(one for one in earliest if one < first)})


def _begin_anew(name: str, *, because: str, now: datetime) -> None:
    """Let what was planned up to now not count as missed: a line says so, and the next package goes on from it."""
    if runs.planned_before(name, now) is not None:
        runs.skip(name, now, because=because, now=now)


def _record_missed(
    work: Recurring, left: Sequence[datetime], marks: Sequence[datetime], *, is_complete: bool, now: datetime
) -> None:
    """The lines at `marks` stand for all that were left out. Of very many nobody counts those in between."""
    count = "1 planned time" if len(left) == 1 else f"{len(left):,} planned times" if is_complete else "planned times"
    span = f", {left[0]:%Y-%m-%d %H:%M} to {left[-1]:%Y-%m-%d %H:%M} UTC" if len(left) > 1 else ""
    because = f"Missed, since no cluster took it up in time: {count}{span} (catch-up: {work.catch_up})."
    for moment in marks:
        runs.skip(work.name, moment, because=because, now=now)
    log.warning("recurring.missed", name=work.name, first=left[0].isoformat(), last=left[-1].isoformat())


def _told(run: RecurringRun) -> str:
    if run.skipped_because is not None:
        return f"Skipped: {run.skipped_because}"
    return f"Enqueued job {run.job_id}." if run.job_id else f"Put into the queue of job {run.backfill_id}."
