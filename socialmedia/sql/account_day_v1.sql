-- Writes an account's row of one day from its profile and the latest snapshots of its posts; again on the same day over
-- it. Called by socialmedia/account_days.py. Index: the posts' foreign key, per post one step into
-- (post, captured_at) of the snapshots, and the days' unique one for the day before.
WITH posts AS (
    SELECT latest.*
    FROM social_media_posts AS post
    CROSS JOIN LATERAL (
        SELECT snapshot.likes_count, snapshot.comments_count, snapshot.views_count, snapshot.shares_count,
               snapshot.saves_count
        FROM social_media_post_analytics AS snapshot
        WHERE snapshot.post_id = post.id AND snapshot.outcome = 'measured'
        ORDER BY snapshot.captured_at DESC
        LIMIT 1
    ) AS latest
    WHERE post.account_id = %(account_id)s
), totals AS (
    SELECT
        -- A post that hides its likes or comments is left out of the rate, as everywhere.
        count(likes_count + comments_count) AS posts,
        sum(likes_count + comments_count) AS reactions,
        sum(comments_count)::bigint AS comments,
        sum(views_count)::bigint AS views,
        sum(shares_count)::bigint AS shares,
        sum(saves_count)::bigint AS saves,
        avg(likes_count) AS avg_likes,
        avg(comments_count) AS avg_comments,
        avg(views_count) AS avg_views
    FROM posts
), before AS (
    SELECT day.followers_count
    FROM social_media_analytics_snapshots AS day
    WHERE day.account_id = %(account_id)s AND day.snapshot_date < %(day)s AND day.followers_count IS NOT NULL
    ORDER BY day.snapshot_date DESC
    LIMIT 1
)
INSERT INTO social_media_analytics_snapshots
    (account_id, snapshot_date, followers_count, following_count, posts_count, total_likes, total_comments, total_views,
     total_shares, total_saves, engagement_rate, avg_likes_per_post, avg_comments_per_post, avg_views_per_post,
     followers_growth, raw_data, parser_version)
SELECT
    %(account_id)s, %(day)s, %(followers)s::bigint, %(following)s::bigint, %(posts)s::bigint, %(likes)s::bigint,
    totals.comments, totals.views, totals.shares, totals.saves,
    -- The seed's rate: per post and follower, 0 without followers. Nobody knows it where nothing is counted.
    CASE
        WHEN %(followers)s::bigint = 0 THEN 0
        WHEN totals.posts > 0 AND %(followers)s::bigint IS NOT NULL
        THEN least(totals.reactions * 100.0 / (totals.posts * %(followers)s::bigint), 9999999999)
    END,
    -- What no column holds is no figure of anybody.
    CASE WHEN totals.avg_likes < 999999999999 THEN totals.avg_likes END,
    CASE WHEN totals.avg_comments < 999999999999 THEN totals.avg_comments END,
    CASE WHEN totals.avg_views < 999999999999 THEN totals.avg_views END,
    %(followers)s::bigint - (SELECT followers_count FROM before),
    %(raw)s::jsonb, %(parser_version)s
FROM totals
ON CONFLICT (account_id, snapshot_date) DO UPDATE SET
    followers_count = EXCLUDED.followers_count,
    following_count = EXCLUDED.following_count,
    posts_count = EXCLUDED.posts_count,
    total_likes = EXCLUDED.total_likes,
    total_comments = EXCLUDED.total_comments,
    total_views = EXCLUDED.total_views,
    total_shares = EXCLUDED.total_shares,
    total_saves = EXCLUDED.total_saves,
    engagement_rate = EXCLUDED.engagement_rate,
    avg_likes_per_post = EXCLUDED.avg_likes_per_post,
    avg_comments_per_post = EXCLUDED.avg_comments_per_post,
    avg_views_per_post = EXCLUDED.avg_views_per_post,
    followers_growth = EXCLUDED.followers_growth,
    raw_data = EXCLUDED.raw_data,
    parser_version = EXCLUDED.parser_version
RETURNING *;
