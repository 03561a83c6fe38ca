-- Counts anew how the hashtags of these ids stand, into their own figures and their row of the day. Called by
-- socialmedia/hashtags.py, which has locked them. A hashtag that no post uses gets no row of the day. Index:
-- idx_post_hashtags_newest, and per post one step into (post, captured_at) of the snapshots.
WITH figures AS (
    SELECT
        hashtag.id AS hashtag_id,
        count(link.id) AS posts,
        sum(latest.views_count)::bigint AS views,
        avg(latest.engagement_rate)::numeric(12, 2) AS engagement
    FROM social_media_hashtags AS hashtag
    LEFT JOIN social_media_post_hashtags AS link ON link.hashtag_id = hashtag.id
    LEFT JOIN LATERAL (
        SELECT snapshot.views_count, snapshot.engagement_rate
        FROM social_media_post_analytics AS snapshot
        WHERE snapshot.post_id = link.post_id AND snapshot.views_count IS NOT NULL
        ORDER BY snapshot.captured_at DESC
        LIMIT 1
    ) AS latest ON TRUE
    WHERE hashtag.id = ANY (%(ids)s::bigint[])
    GROUP BY hashtag.id
), days AS (
    INSERT INTO social_media_hashtag_days (hashtag_id, day, posts_count, views_count, avg_engagement_rate)
    SELECT hashtag_id, %(day)s, posts, views, engagement FROM figures WHERE posts > 0
    ON CONFLICT (hashtag_id, day) DO UPDATE SET
        posts_count = EXCLUDED.posts_count,
        views_count = EXCLUDED.views_count,
        avg_engagement_rate = EXCLUDED.avg_engagement_rate
    RETURNING hashtag_id
), totals AS (
    UPDATE social_media_hashtags AS hashtag
    SET total_uses = figures.posts,
        total_views = coalesce(figures.views, 0),
        avg_engagement_rate = figures.engagement,
        updated_at = %(now)s
    FROM figures
    WHERE hashtag.id = figures.hashtag_id AND (figures.posts > 0 OR hashtag.total_uses <> 0)  -- else nothing is new
)
SELECT count(*) FROM days;
