-- Stores a page of comments of one post: new ones come in, known ones are brought up to date, and one that is known
-- below another post stays as it is. Called by socialmedia/comments/storing.py, which has locked the post. Index: the
-- unique one on (platform, external_comment_id). Answers with each stored comment and whether it is new.
INSERT INTO social_media_comments AS known
    (post_id, platform, external_comment_id, comment_text, author_username, author_display_name, author_id,
     parent_external_id, is_reply, likes_count, api_reply_count, is_creator_reply, sentiment, sentiment_score,
     commented_at, updated_at, raw_data, parser_version)
SELECT
    %(post_id)s, %(platform)s, seen.external_comment_id, seen.comment_text, seen.author_username,
    seen.author_display_name, seen.author_id, seen.parent_external_id, seen.parent_external_id <> '',
    seen.likes_count, seen.api_reply_count, seen.is_creator_reply, seen.sentiment, seen.sentiment_score,
    seen.commented_at, %(now)s, seen.raw_data, %(parser_version)s
FROM jsonb_to_recordset(%(comments)s::jsonb) AS seen (
    external_comment_id text, comment_text text, author_username text, author_display_name text, author_id text,
    parent_external_id text, likes_count bigint, api_reply_count integer, is_creator_reply boolean, sentiment text,
    sentiment_score numeric, commented_at timestamptz, raw_data jsonb
)
ORDER BY seen.external_comment_id COLLATE "C"
ON CONFLICT (platform, external_comment_id) DO UPDATE SET
    comment_text = EXCLUDED.comment_text,
    author_username = EXCLUDED.author_username,
    author_display_name = EXCLUDED.author_display_name,
    author_id = EXCLUDED.author_id,
    parent_external_id = coalesce(nullif(EXCLUDED.parent_external_id, ''), known.parent_external_id),
    is_reply = known.is_reply OR EXCLUDED.is_reply,
    likes_count = EXCLUDED.likes_count,
    -- An answer in its thread does not say how many answers it has.
    api_reply_count = CASE WHEN EXCLUDED.is_reply THEN known.api_reply_count ELSE EXCLUDED.api_reply_count END,
    is_creator_reply = EXCLUDED.is_creator_reply,
    sentiment = EXCLUDED.sentiment,
    sentiment_score = EXCLUDED.sentiment_score,
    commented_at = coalesce(EXCLUDED.commented_at, known.commented_at),
    updated_at = EXCLUDED.updated_at,
    edited_at = CASE
        WHEN known.comment_text IS DISTINCT FROM EXCLUDED.comment_text THEN EXCLUDED.updated_at ELSE known.edited_at
    END,
    raw_data = EXCLUDED.raw_data,
    parser_version = EXCLUDED.parser_version
WHERE known.post_id = EXCLUDED.post_id
RETURNING known.id, known.external_comment_id, (known.xmax = 0) AS is_new;
