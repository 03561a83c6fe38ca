-- Keep the figures of one :day, each with the count that it is measured over, or NULL for a count.
-- Called by jobs.figures; served by daily_figures_one_a_day.
WITH found AS (
    SELECT name, value, measured_over
    FROM unnest(%(names)s::text[], %(values)s::float8[], %(measured_over)s::text[]) AS f (name, value, measured_over)
)
INSERT INTO daily_figures AS kept (day, name, value)
SELECT %(day)s, name, value
FROM found
-- A measurement of fewer than before would be one of what a clean-up has left.
WHERE NOT EXISTS (
    SELECT FROM daily_figures AS before
    LEFT JOIN found AS count ON count.name = before.name
    WHERE before.day = %(day)s AND before.name = found.measured_over AND before.value > coalesce(count.value, 0)
)
-- In one order, so that two runs at once cannot wait for each other.
ORDER BY name
ON CONFLICT (day, name) DO UPDATE SET value = CASE
    WHEN excluded.name = ANY(SELECT name FROM found WHERE measured_over IS NOT NULL) THEN excluded.value
    ELSE greatest(kept.value, excluded.value)
END
