-- Bring the waiting checks forward that come long after their post's next check, as when somebody moved one by hand: a
-- job only reminds of the post's own time. An hour's grace, for tries of the engine's own. Called by
-- socialmedia.tracking.timetable after cancel_checks; served by idx_scheduled_jobs_queue and the posts' primary key.
-- Not a join: where the planner takes a table for empty, that compared each job with each post.
UPDATE scheduled_jobs AS job
SET (scheduled_time, next_attempt_at, expires_at) = (
    SELECT post.next_check_at, post.next_check_at, NULL::timestamptz
    FROM social_media_posts AS post
    WHERE post.id = (job.payload ->> 'post_id')::bigint
)
WHERE job.status = 'pending' AND job.job_type = %(job_type)s
    AND job.next_attempt_at > %(now)s::timestamptz + interval '1 hour'
    AND job.next_attempt_at > interval '1 hour' + (
        SELECT post.next_check_at
        FROM social_media_posts AS post
        WHERE post.id = CASE
            WHEN job.payload ->> 'post_id' ~ '^[0-9]{1,18}$' THEN (job.payload ->> 'post_id')::bigint
        END
    )
