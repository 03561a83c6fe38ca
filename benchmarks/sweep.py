"""Does planning check-ins for quiet members cost what is due, or what is there?

Plans for the same number of due members in a small and in a large community, then for many at once, all in one run.
`python -m benchmarks.sweep [--members N] [--json]`.
"""

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


def silence(count: int, days: int) -> None:
    """Let `count` members who opted in be quiet for `days`."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE user_profiles SET last_interaction = now() - %s * interval '1 day' WHERE user_id IN "
            "(SELECT user_id FROM user_profiles WHERE follow_ups_enabled AND quiet_planned_for IS NULL "
            "ORDER BY user_id LIMIT %s)",
            [days, count],
        )


def sweep(expected: int) -> float:
    """Seconds until everybody who is due has a plan and a job."""
    from django.utils import timezone

    from followups import planning
    from jobs.models import ScheduledJob

    before = ScheduledJob.objects.count()
    began = time.monotonic()
    planned = 0
    while count := planning.plan_quiet_members(now=timezone.now()):
        planned += count
    seconds = time.monotonic() - began
    assert planned == expected == ScheduledJob.objects.count() - before, f"{planned} planned, {expected} due"
    return seconds


def main() -> None:
    parser = harness.parser(__doc__)
    parser.add_argument("--members", type=int, help="of the large community (1,000,000)")
    options = parser.parse_args()
    members = options.members or (100_000 if options.quick else 1_000_000)
    harness.prepare()
    try:
        fill(SMALL)
        silence(FEW, 3)
        small = sweep(FEW)
        fill(members)
        silence(FEW, 3)
        large = sweep(FEW)
        idle = sweep(0)
        silence(MANY, 4)
        many = sweep(MANY)
    finally:
        harness.clean_up()
    results = {
        f"{FEW} due of {SMALL:,}": small,
        f"{FEW} due of {members:,}": large,
        f"none due of {members:,}": idle,
        f"{MANY:,} due of {members:,}": many,
    }
    if options.json:
        harness.dump(results)
        return
    for name, seconds in results.items():
        print(f"{name:28}{seconds * 1000:10.1f} ms")
    print(f"large / small community: {large / small:.2f}")


if __name__ == "__main__":
    main()
