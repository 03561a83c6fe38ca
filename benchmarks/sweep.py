"""Does planning check-ins for quiet members cost what is due, or what is there?

Plans for the same number of due members in a small and in a large community, then for many at once, first where
nobody's rhythm is known and then where every second one's is; at last re-engagements. All in one run.
`python -m benchmarks.sweep [--members N] [--json]`.
"""

import resource
import time

from benchmarks import harness

SMALL, FEW, MANY = 10_000, 100, 50_000


def fill(members: int) -> None:
    """Make a community: everybody wrote an hour ago; nine in ten opted in."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE consent_receipts DISABLE TRIGGER consent_receipts_no_truncate")
        cursor.execute(
            "TRUNCATE social_media_accounts, user_profiles, consent_receipts, scheduled_followups, scheduled_jobs, "
            "followup_decisions CASCADE"
        )
        cursor.execute(
            "INSERT INTO social_media_accounts (platform, username, external_id, account_type) "
            "SELECT 'discord', 'm' || n, n::text, 'member' FROM generate_series(1, %s) AS n",
            [members],
        )
        cursor.execute(
            "INSERT INTO user_profiles (user_id, account_id, name, follow_ups_enabled, last_interaction) "
            "SELECT external_id, id, username, mod(id, 10) <> 0, now() - interval '1 hour' FROM social_media_accounts"
        )
        cursor.execute(
            "INSERT INTO consent_receipts (user_id, state, source, evidence, wording_version, actor) "
            "SELECT user_id, 'granted', 'benchmark', 'made up', '1', 'benchmark' FROM user_profiles "
            "WHERE follow_ups_enabled"
        )
        cursor.execute("VACUUM ANALYZE")


def learn() -> None:
    """Let every second member's rhythm be known: they come every two to three days."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO member_rhythms (user_id, gaps, usual_low, usual_high, rare, weekdays, computed_at) "
            "SELECT user_id, 30, '1 day', '3 days', '2 days', array_fill(1 / 7::float8, ARRAY[7]), now() "
            "FROM user_profiles WHERE mod(account_id, 2) = 0"
        )
        cursor.execute(
            "UPDATE user_profiles SET quiet_after = '3 days', quiet_due_at = last_interaction + interval '3 days' "
            "WHERE mod(account_id, 2) = 0"
        )
        cursor.execute("VACUUM ANALYZE")


def silence(count: int, days: int) -> None:
    """Let `count` members who opted in be quiet for `days`."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE user_profiles SET last_interaction = now() - %(days)s * interval '1 day', "
            "quiet_due_at = now() - %(days)s * interval '1 day' + quiet_after WHERE user_id IN "
            "(SELECT user_id FROM user_profiles WHERE follow_ups_enabled AND quiet_planned_for IS NULL "
            "ORDER BY user_id LIMIT %(count)s)",
            {"days": days, "count": count},
        )


def sweep(expected: int, *, away: bool = False) -> float:
    """Seconds until everybody who is due has a plan and a job."""
    from django.utils import timezone

    from followups import silence
    from jobs.models import ScheduledJob

    plan = silence.plan_re_engagements if away else silence.plan_quiet_members
    before = ScheduledJob.objects.count()
    began = time.monotonic()
    planned = 0
    while count := plan(now=timezone.now()):
        planned += count
    seconds = time.monotonic() - began
    assert planned == expected == ScheduledJob.objects.count() - before, f"{planned} planned, {expected} due"
    return seconds


def measure(members: int) -> dict[str, float]:
    """Seconds by question, smallest community first."""
    results: dict[str, float] = {}

    def ask(due: int, of: int, note: str = "", *, away: bool = False) -> None:
        results[f"{due:,} {'away' if away else 'due'} of {of:,}{note}"] = sweep(due, away=away)

    fill(SMALL)
    silence(FEW, 4)
    ask(FEW, SMALL)
    fill(members)
    silence(FEW, 4)
    ask(FEW, members)
    ask(0, members)
    silence(MANY, 5)
    ask(MANY, members)
    fill(members)
    learn()
    note = ", half by their rhythm"
    silence(FEW, 4)
    ask(FEW, members, note)
    ask(0, members, note)
    silence(MANY, 5)
    ask(MANY, members, note)
    silence(FEW, 40)
    ask(FEW, members, away=True)
    ask(0, members, away=True)
    return results


def main() -> None:
    parser = harness.parser(__doc__)
    parser.add_argument("--members", type=int, help="of the large community (1,000,000)")
    options = parser.parse_args()
    members = options.members or (100_000 if options.quick else 1_000_000)
    harness.prepare()
    try:
        results = measure(members)
    finally:
        harness.clean_up()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if options.json:
        harness.dump({**results, "peak memory of this process, MB": peak})
        return
    for name, seconds in results.items():
        print(f"{name:50}{seconds * 1000:10.1f} ms")
    small, large, _, many, personal_few, _, personal, *_ = results.values()
    print(f"large / small community: {large / small:.2f}")
    print(f"half by their rhythm / nobody: {FEW} due {personal_few / large:.2f}, {MANY:,} due {personal / many:.2f}")
    print(f"peak memory of this process: {peak:.0f} MB")


if __name__ == "__main__":
    main()
