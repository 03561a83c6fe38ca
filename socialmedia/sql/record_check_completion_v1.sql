-- A tracked post was checked: the next planned check is behind it, and with it all others that were over by then, so
-- that one late check stands for all it missed. Afterwards the post waits for the first one to come, or is complete;
-- what failed before is forgotten. A post that is not tracked now is left alone. Called by
-- socialmedia.tracking.progress; served by the primary key.
CREATE FUNCTION record_check_completion(post_id bigint, checked_at timestamptz DEFAULT now()) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    post social_media_posts%ROWTYPE;
    behind integer;
    next_at timestamptz;
BEGIN
    SELECT * INTO post FROM social_media_posts WHERE id = record_check_completion.post_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'There is no post with the id %.', record_check_completion.post_id
            USING ERRCODE = 'no_data_found', HINT = 'The id is that of social_media_posts, not the network''s.';
    END IF;
    IF post.tracking_state <> 'active' THEN
        RETURN;
    END IF;
    SELECT greatest(post.checks_completed + 1, count(*)) INTO behind
    FROM jsonb_array_elements_text(post.check_schedule) AS entry (planned)
    WHERE entry.planned::timestamptz <= coalesce(checked_at, now());
    next_at := (post.check_schedule ->> behind)::timestamptz;
    UPDATE social_media_posts
    SET checks_completed = behind,
        next_check_at = next_at,
        tracking_state = CASE WHEN next_at IS NULL THEN 'complete' ELSE 'active' END,
        tracking_complete = next_at IS NULL,
        failed_checks = 0,
        gone_checks = 0,
        gone_since = NULL,
        check_error_code = '',
        check_error = ''
    WHERE id = post.id;
END
$$;
