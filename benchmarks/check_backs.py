"""Are all posts that are due within one hour checked, each once, however many of them are gone?

10,000 posts of the practice provider, every tenth one deleted, the dead spread among the living; two real `qcluster`s.
Beside them one process that asks the same provider for each post and writes the snapshot, without engine, budget,
leases or log. `python -m benchmarks.check_backs [--posts N] [--clusters N] [--json]`.
"""

import os
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks import harness

DEAD_OF = 10
"""Every so many-th post is dead."""
AUTHORS = 50
SETTINGS = {
    "TIKTOK_PROVIDER": "practice",
    "TIKTOK_REQUESTS_PER_SECOND": "1000",
    "TIKTOK_REQUESTS_PER_DAY": "10000000",
    "LOG_LEVEL": "WARNING",
}


def fill(count: int) -> None:
    """Make tracked posts whose first check was or is due within the hour before now, without jobs yet."""
    from django.db import connection

    published_at = int((datetime.now(UTC) - timedelta(hours=40)).timestamp())
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE social_media_posts, scheduled_jobs, api_usage_tracking, provider_budgets CASCADE")
        cursor.execute("DELETE FROM social_media_accounts")
        cursor.execute(
            "INSERT INTO social_media_accounts (platform, username) "
            "SELECT 'tiktok', 'practice.bench' || n FROM generate_series(1, %s) AS n "
            "UNION ALL SELECT 'tiktok', 'practice.vanishing'",
            [AUTHORS],
        )
        cursor.execute(
            "INSERT INTO social_media_posts (account_id, platform, external_post_id, post_url, media_urls, posted_at, "
            "tracking_state, tracking_started_at, tracking_round, check_offsets, check_schedule, next_check_at, "
            "provider) "
            "SELECT account.id, 'tiktok', post.external_id::text, "
            "  'https://www.tiktok.com/@' || account.username || '/video/' || post.external_id, '[]', "
            "  to_timestamp(%(published)s), 'active', post.due_at - interval '6 hours', 1, '[6, 720]', "
            "  jsonb_build_array(to_json(post.due_at), to_json(post.due_at + interval '714 hours')), post.due_at, "
            "  'practice' "
            "FROM (SELECT n, (%(published)s + n / 60000)::bigint << 32 | mod(n, 60000) AS external_id, "
            "  date_trunc('second', now()) - (mod(n * 7919, 3600) + 1) * interval '1 second' AS due_at "
            "  FROM generate_series(1, %(count)s) AS n) AS post "
            "JOIN social_media_accounts AS account ON account.username = CASE mod(post.n, %(dead_of)s) "
            "  WHEN 0 THEN 'practice.vanishing' ELSE 'practice.bench' || (mod(post.n, %(authors)s) + 1) END",
            {"published": published_at, "count": count, "dead_of": DEAD_OF, "authors": AUTHORS},
        )
        cursor.execute("VACUUM ANALYZE")


def plan() -> float:
    """Seconds until every post has its job: the hourly sweep, as after an import."""
    from socialmedia.tracking import timetable

    began = time.monotonic()
    timetable.make_up(now=harness.now())
    return time.monotonic() - began


def engine(count: int, clusters: int) -> dict[str, Any]:
    """What clusters make of all posts."""
    fill(count)
    with ExitStack() as stack:
        for _ in range(clusters):
            stack.enter_context(harness.cluster())
        planning = plan()
        harness.wait_until(lambda: _waiting() == 0, seconds=1800, every=0.5)
    return {"planning": planning, **_judge(count)}


def _waiting() -> int:
    """Posts that nobody has looked at."""
    from socialmedia.models import Post

    return Post.objects.filter(last_checked_at=None).count()


def _judge(count: int) -> dict[str, Any]:
    """Count what was measured; fail when a living post was left out or one was measured twice."""
    from django.db.models import Count, Max, Min

    from socialmedia.models import ApiUsage, Post, PostSnapshot

    dead = count // DEAD_OF
    measured = PostSnapshot.objects.filter(outcome="measured")
    by_post = measured.values("post").annotate(snapshots=Count("pk"))
    assert by_post.count() == count - dead, f"{by_post.count()} of {count - dead} living posts were measured"
    assert not by_post.filter(snapshots__gt=1).exists(), "a post was measured twice"
    assert not Post.objects.filter(account__username="practice.vanishing", checks_completed__gt=0).exists()
    times = measured.aggregate(first=Min("created_at"), last=Max("created_at"))
    calls = ApiUsage.objects.filter(provider_name="practice")
    return {
        "measured": by_post.count(),
        "seconds": (times["last"] - times["first"]).total_seconds(),
        "calls": calls.count(),
        "calls for dead posts": calls.filter(success=False).count(),
    }


def bare(count: int) -> dict[str, Any]:
    """One loop: ask, write a snapshot, note the time."""
    from django.db import connection

    from socialmedia.providers.base import Gone
    from socialmedia.providers.practice import Practice

    fill(count)
    provider, measured = Practice(), 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, post_url FROM social_media_posts ORDER BY next_check_at")
        rows = cursor.fetchall()
        began = time.monotonic()
        for post_id, url in rows:
            try:
                video = provider.video(url)
            except Gone:
                continue
            cursor.execute(
                "INSERT INTO social_media_post_analytics (post_id, snapshot_date, captured_at, views_count, "
                "likes_count, comments_count, shares_count, saves_count) "
                "VALUES (%s, current_date, clock_timestamp(), %s, %s, %s, %s, %s)",
                [post_id, *(video.metrics[name] for name in ("views", "likes", "comments", "shares", "saves"))],
            )
            cursor.execute("UPDATE social_media_posts SET checks_completed = 1 WHERE id = %s", [post_id])
            measured += 1
        seconds = time.monotonic() - began
    return {"measured": measured, "seconds": seconds, "calls": count, "calls for dead posts": count - measured}


def main() -> None:
    parser = harness.parser(__doc__)
    parser.add_argument("--posts", type=int, help="how many are due (10,000)")
    parser.add_argument("--clusters", type=int, default=2, help="qclusters with two workers each (2)")
    options = parser.parse_args()
    count = options.posts or (500 if options.quick else 10_000)
    os.environ.update(SETTINGS)
    harness.prepare()
    try:
        results = {
            "bare loop, one process": bare(count),
            f"Checkback, {options.clusters} clusters": engine(count, options.clusters),
        }
    finally:
        harness.clean_up()
    if options.json:
        harness.dump(results)
        return
    base = results["bare loop, one process"]
    base_rate = base["measured"] / base["seconds"]
    harness.show(
        ["", "posts", "living and measured", "seconds", "checks/s", "x bare", "calls", "of them for dead posts"],
        [
            (
                name,
                count,
                found["measured"],
                found["seconds"],
                found["measured"] / found["seconds"],
                found["measured"] / found["seconds"] / base_rate,
                found["calls"],
                f"{found['calls for dead posts'] / found['calls']:.1%}",
            )
            for name, found in results.items()
        ],
    )
    planning = next(found["planning"] for found in results.values() if "planning" in found)
    print(f"\nA job for each of {count:,} posts: {planning:.2f} s.")


if __name__ == "__main__":
    main()
