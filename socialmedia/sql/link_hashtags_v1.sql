-- Makes a post's links the given hashtags in their order, and counts in the hashtags what came and what went. Called by
-- socialmedia/hashtags.py, which has locked all of them. Index: the links' unique one, which leads with the post.
WITH wanted AS (
    SELECT id, place - 1 AS position
    FROM unnest(%(ids)s::bigint[]) WITH ORDINALITY AS given (id, place)
), gone AS (
    DELETE FROM social_media_post_hashtags AS link
    WHERE link.post_id = %(post_id)s AND NOT link.hashtag_id = ANY (%(ids)s::bigint[])
    RETURNING link.hashtag_id
), moved AS (
    UPDATE social_media_post_hashtags AS link
    SET position = wanted.position
    FROM wanted
    WHERE link.post_id = %(post_id)s AND link.hashtag_id = wanted.id AND link.position <> wanted.position
), come AS (
    INSERT INTO social_media_post_hashtags (post_id, hashtag_id, position)
    SELECT %(post_id)s, wanted.id, wanted.position FROM wanted
    ON CONFLICT (post_id, hashtag_id) DO NOTHING
    RETURNING hashtag_id
), changes AS (
    SELECT hashtag_id, 1 AS change FROM come
    UNION ALL
    SELECT hashtag_id, -1 FROM gone
)
UPDATE social_media_hashtags AS hashtag
SET total_uses = hashtag.total_uses + changes.change
FROM changes
WHERE hashtag.id = changes.hashtag_id;
