-- Posts that are due for a check, soonest first: all networks. Read by socialmedia.tracking.checking; served by
-- idx_posts_next_check, whose condition is repeated here word for word.
CREATE VIEW posts_pending_checkback AS
SELECT
    post.id,
    post.platform,
    post.post_url,
    post.external_post_id,
    post.caption,
    post.posted_at,
    post.next_check_at,
    post.checks_completed,
    post.tracking_started_at,
    account.username AS account_username,
    (extract(epoch FROM now() - post.next_check_at) / 60) AS minutes_overdue
FROM social_media_posts AS post
JOIN social_media_accounts AS account ON account.id = post.account_id
WHERE NOT post.tracking_complete AND post.next_check_at IS NOT NULL AND post.next_check_at <= now()
ORDER BY post.next_check_at, post.id;
