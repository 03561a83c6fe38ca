-- Ties answers to what they answer, also those that came first. Called by socialmedia/comments/storing.py after a page
-- is stored, with the ids of its comments here and on the network; the post is locked. Index: idx_comments_orphans, and
-- the unique one on (platform, external_comment_id). Answers with the comments that got answers.
WITH loose AS (
    SELECT reply.id, reply.platform, reply.post_id, reply.parent_external_id
    FROM social_media_comments AS reply
    WHERE reply.id = ANY (%(ids)s::bigint[]) AND reply.parent_comment_id IS NULL AND reply.parent_external_id <> ''
    UNION
    SELECT reply.id, reply.platform, reply.post_id, reply.parent_external_id
    FROM social_media_comments AS reply
    WHERE reply.platform = %(platform)s
      AND reply.parent_external_id = ANY (%(external_ids)s::text[])
      AND reply.parent_comment_id IS NULL
      AND reply.parent_external_id <> ''
)
UPDATE social_media_comments AS reply
SET parent_comment_id = parent.id
FROM loose
JOIN social_media_comments AS parent
    ON parent.platform = loose.platform
   AND parent.external_comment_id = loose.parent_external_id
   AND parent.post_id = loose.post_id
   AND parent.id <> loose.id
WHERE reply.id = loose.id
RETURNING reply.parent_comment_id;
