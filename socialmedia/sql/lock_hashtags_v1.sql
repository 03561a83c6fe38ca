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

SELECT id, hashtag
FROM social_media_hashtags
WHERE hashtag = ANY (%(names)s::text[])
   OR id IN (SELECT hashtag_id FROM social_media_post_hashtags WHERE post_id = %(post_id)s)
ORDER BY id
FOR NO KEY UPDATE;
