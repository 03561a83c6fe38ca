-- Lets a raw DELETE of an account keep its log, as Django's does; and gives raw INSERTs the columns that the seed's table
-- fills by itself (in UTC). Called by migration 0007. The foreign key keeps the name that Django gave it.
DO $$
DECLARE
    name text;
BEGIN
    SELECT conname INTO STRICT name
    FROM pg_constraint
    WHERE conrelid = 'automation_actions'::regclass
      AND confrelid = 'social_media_accounts'::regclass
      AND contype = 'f';
    EXECUTE format('ALTER TABLE automation_actions DROP CONSTRAINT %I', name);
    EXECUTE format(
        'ALTER TABLE automation_actions ADD CONSTRAINT %I FOREIGN KEY (account_id) '
        'REFERENCES social_media_accounts (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED',
        name
    );
END
$$;

ALTER TABLE automation_actions
    ALTER COLUMN action_date SET DEFAULT (statement_timestamp() AT TIME ZONE 'UTC')::date,
    ALTER COLUMN action_hour SET DEFAULT extract(hour FROM statement_timestamp() AT TIME ZONE 'UTC')
