-- Cancel the waiting checks of posts that are not tracked any more. Called by socialmedia.tracking.timetable; served
-- by idx_scheduled_jobs_queue and the posts' primary key. A number that no id can be belongs to no post.
UPDATE scheduled_jobs AS job
SET status = 'cancelled', completed_at = %(now)s
WHERE job.status = 'pending' AND job.job_type = %(job_type)s
    AND NOT EXISTS (
        SELECT 1 FROM social_media_posts AS post
        WHERE post.tracking_state = 'active'
            AND post.id = CASE
                WHEN job.payload ->> 'post_id' ~ '^[0-9]{1,18}$' THEN (job.payload ->> 'post_id')::bigint
            END
        OFFSET 0  -- not a join: where the planner takes a table for empty, that compared each job with each post
    )
