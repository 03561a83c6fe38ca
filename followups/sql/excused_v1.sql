-- How long, in the silence of a member since `since`, nobody listened or they had said to be away; what lies in both
-- counts once. The same as in the statements of the sweeps, as an expression for followups.audience, which fills in the
-- five columns of `silence`; served by idx_absences_user.
(
    SELECT coalesce(sum(upper(part) - lower(part)), '0')
    FROM (SELECT %(expressions)s) AS silence (user_id, since, until, gaps_begin, gaps_end)
    CROSS JOIN LATERAL unnest((
        SELECT range_agg(tstzrange(greatest(began_at, silence.since), least(ended_at, silence.until)))
        FROM (
            SELECT began_at, ended_at
            FROM unnest(silence.gaps_begin::timestamptz[], silence.gaps_end::timestamptz[]) AS deaf (began_at, ended_at)
            UNION ALL
            SELECT absence.starts_at, absence.ends_at
            FROM member_absences AS absence
            WHERE absence.user_id = silence.user_id
        ) AS excuse
        WHERE ended_at > silence.since AND began_at < silence.until
    )) AS part
)
