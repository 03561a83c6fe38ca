-- Raise a flag, or count up the open one of the same member, kind and subject; answers the flag. Called by
-- followups.flags.raise_flag; staff_flags_one_open decides who comes first.
INSERT INTO staff_flags AS known (user_id, kind, subject, message_id, detail, raised_at, last_raised_at)
VALUES (%(user_id)s, %(kind)s, %(subject)s, %(message_id)s, %(detail)s, %(now)s, %(now)s)
ON CONFLICT (coalesce(user_id, ''), kind, subject) WHERE settled_at IS NULL DO UPDATE SET
    times = known.times + 1,
    detail = EXCLUDED.detail,
    message_id = EXCLUDED.message_id,
    last_raised_at = EXCLUDED.last_raised_at
RETURNING known.*
