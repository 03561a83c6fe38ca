-- Wakes the relay (bots.relay listens on `checkback_outbox`) when messages become deliverable: a statement that writes
-- queued messages which are due within a second sends one empty notification at commit. Created by migration 0002.
CREATE FUNCTION checkback_notify_outbox() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM written
        WHERE status = 'queued' AND next_attempt_at <= clock_timestamp() + interval '1 second'
    ) THEN
        PERFORM pg_notify('checkback_outbox', '');
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER social_media_messages_notify_insert AFTER INSERT ON social_media_messages
    REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION checkback_notify_outbox();

CREATE TRIGGER social_media_messages_notify_update AFTER UPDATE ON social_media_messages
    REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION checkback_notify_outbox();
