-- The newest snapshots of each of some posts, in the order of time: those that measured something. Called by
-- socialmedia.metrics.reading.latest. For each post a few steps backwards through the unique index
-- social_media_post_analytics_instant (post_id, captured_at), however many snapshots there are in all.
-- The providers' answers stay where they are: they are large, and nobody asks for them here.
SELECT
    snapshot.post_id, snapshot.captured_at, snapshot.tracking_round, snapshot.covers, snapshot.metric_states,
    snapshot.views_count, snapshot.likes_count, snapshot.comments_count, snapshot.shares_count, snapshot.saves_count,
    snapshot.id
FROM unnest(%(posts)s::bigint[]) AS wanted (post_id)
CROSS JOIN LATERAL (
    SELECT * FROM social_media_post_analytics AS one
    WHERE one.post_id = wanted.post_id AND one.outcome = 'measured'
    ORDER BY one.captured_at DESC
    LIMIT %(most)s
) AS snapshot
ORDER BY snapshot.post_id, snapshot.captured_at
