-- Inserts the shipped templates that are missing, published. A version 1 that staff edited, retired or switched off is
-- there, so it stays as it is. followups.composing.shipped runs it after every migration; decided by the unique
-- indexes message_templates_version and message_templates_one_published.
INSERT INTO message_templates (
    name, category, template_text, variables, is_active, key, trigger, level, emotion, locale, version, status,
    published_at, is_shipped
)
SELECT
    name, 'follow_up', template_text, variables, TRUE, key, trigger, level, emotion, locale, 1, 'published',
    now(), TRUE
FROM jsonb_to_recordset(%(templates)s) AS shipped (
    name text, template_text text, variables jsonb, key text, trigger text, level smallint, emotion text, locale text
)
ON CONFLICT DO NOTHING;
