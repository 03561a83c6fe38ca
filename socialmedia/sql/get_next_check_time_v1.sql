-- The next planned check of a post: the entry of its plan that follows those behind it. NULL when none is left, and
-- for a post that is not there. After a failed check next_check_at is later than this. Called by
-- socialmedia.tracking.progress; served by the primary key.
CREATE FUNCTION get_next_check_time(post_id bigint) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
    SELECT (post.check_schedule ->> post.checks_completed)::timestamptz
    FROM social_media_posts AS post
    WHERE post.id = get_next_check_time.post_id
$$;
