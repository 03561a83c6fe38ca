-- Give a job to every tracked post that has none alive, due when its next check is. Called by
-- socialmedia.tracking.timetable; served by idx_posts_next_check and scheduled_jobs_unique_live_key.
INSERT INTO scheduled_jobs (job_id, job_type, scheduled_time, next_attempt_at, payload, unique_key)
SELECT
    gen_random_uuid()::text,
    %(job_type)s,
    post.next_check_at,
    post.next_check_at,
    jsonb_build_object('post_id', post.id),
    %(prefix)s || post.id
FROM social_media_posts AS post
WHERE NOT post.tracking_complete AND post.next_check_at IS NOT NULL
    AND NOT EXISTS (
        SELECT 1 FROM scheduled_jobs AS job
        WHERE job.unique_key = %(prefix)s || post.id
            AND job.status IN ('pending', 'running') AND job.unique_key IS NOT NULL
        OFFSET 0  -- not a join: where the planner takes a table for empty, that compared each post with each job
    )
ORDER BY post.next_check_at
ON CONFLICT DO NOTHING
