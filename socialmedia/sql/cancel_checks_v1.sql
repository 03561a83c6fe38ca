-- Cancel the waiting checks of posts that are not tracked any more. Called by socialmedia.tracking.timetable; served
-- by idx_scheduled_jobs_queue.
UPDATE scheduled_jobs AS job
SET status = 'cancelled', completed_at = %(now)s
WHERE job.status = 'pending' AND job.job_type = %(job_type)s AND starts_with(job.unique_key, %(prefix)s)
    AND NOT EXISTS (
        SELECT 1 FROM social_media_posts AS post
        WHERE NOT post.tracking_complete AND post.next_check_at IS NOT NULL
            AND %(prefix)s || post.id = job.unique_key
    )
