-- Makes sure of a row for each of these hashtags, and locks those and the post's present ones until the transaction
-- ends. Called by socialmedia/hashtags.py as two statements with nothing between them. New rows come in the order of
-- their names and locks in the order of their ids, as in count_hashtags_v1: two posts at once can't deadlock. Index:
-- the hashtags' unique one, and the links' unique one.
INSERT INTO social_media_hashtags (hashtag, platform)
SELECT wanted.name, %(platform)s
FROM unnest(%(names)s::text[]) AS wanted (name)
WHERE NOT EXISTS (SELECT FROM social_media_hashtags AS known WHERE known.hashtag = wanted.name)
ORDER BY wanted.name COLLATE "C"
ON CONFLICT (hashtag) DO NOTHING;

SELECT hashtag.id, hashtag.hashtag
FROM social_media_hashtags AS hashtag
WHERE hashtag.id IN (
    SELECT known.id FROM social_media_hashtags AS known WHERE known.hashtag = ANY (%(names)s::text[])
    UNION
    SELECT link.hashtag_id FROM social_media_post_hashtags AS link WHERE link.post_id = %(post_id)s
)
ORDER BY hashtag.id
FOR NO KEY UPDATE;
