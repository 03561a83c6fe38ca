-- Add a post as a provider sees it, or bring a known one up to date. How it is tracked is left alone; what the answer
-- does not say (time, duration, pictures) stays as it was. Called by socialmedia.tracking.storing; served by
-- social_media_posts_external_id.
INSERT INTO social_media_posts AS known
    (account_id, platform, external_post_id, post_url, caption, media_type, media_count, media_urls, media_url,
     thumbnail_url, duration, posted_at, is_ad, is_pinned, raw_data, updated_at)
VALUES
    (%(account_id)s, %(platform)s, %(external_post_id)s, %(post_url)s, %(caption)s, %(media_type)s,
     greatest(jsonb_array_length(%(media_urls)s::jsonb), 1), %(media_urls)s::jsonb,
     coalesce(%(media_urls)s::jsonb ->> 0, ''), %(thumbnail_url)s, %(duration)s, %(posted_at)s, %(is_ad)s,
     %(is_pinned)s, %(raw_data)s::jsonb, %(now)s)
ON CONFLICT (platform, external_post_id) DO UPDATE SET
    account_id = EXCLUDED.account_id,
    post_url = EXCLUDED.post_url,
    caption = EXCLUDED.caption,
    media_type = EXCLUDED.media_type,
    media_count = CASE WHEN EXCLUDED.media_url <> '' THEN EXCLUDED.media_count ELSE known.media_count END,
    media_urls = CASE WHEN EXCLUDED.media_url <> '' THEN EXCLUDED.media_urls ELSE known.media_urls END,
    media_url = coalesce(nullif(EXCLUDED.media_url, ''), known.media_url),
    thumbnail_url = coalesce(nullif(EXCLUDED.thumbnail_url, ''), known.thumbnail_url),
    duration = coalesce(EXCLUDED.duration, known.duration),
    posted_at = coalesce(EXCLUDED.posted_at, known.posted_at),
    is_ad = EXCLUDED.is_ad,
    is_pinned = EXCLUDED.is_pinned,
    raw_data = EXCLUDED.raw_data,
    updated_at = EXCLUDED.updated_at,
    deleted_at = NULL
RETURNING known.*
