-- Locks some members whose rhythm is to be computed, and answers their ids; called by followups.rhythm.compute, served
-- by idx_rhythms_to_compute, so the cost follows the members who have written since.
SELECT member.user_id
FROM member_rhythms AS rhythm
JOIN user_profiles AS member ON member.user_id = rhythm.user_id
WHERE rhythm.computed_at IS NULL
ORDER BY rhythm.user_id
LIMIT %(limit)s
FOR NO KEY UPDATE OF member SKIP LOCKED
