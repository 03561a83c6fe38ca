-- Refuses a second pending or executed post_event follow-up of one member for the same event. Fired by every INSERT of
-- such a row into scheduled_followups and by every UPDATE that makes one pending or moves its event;
-- idx_followups_user_event serves the look-up.
--
-- How far apart two events must be, the new row says itself (trigger_data.same_event_hours, which followups.planning
-- takes from FOLLOW_UP_SAME_EVENT_HOURS); a row that does not say it means 24 hours. The limit itself is the same
-- event. So whoever writes a row with 0 is held to different instants, no more.
--
-- The member's row is locked first, as by followups.planning: of two at once the second sees the first (each statement
-- of this function takes a new snapshot). What reached the member is a fact and is not refused: an UPDATE to executed
-- passes.
CREATE FUNCTION followups_refuse_second_for_event() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    tolerance CONSTANT interval :=
        coalesce((NEW.trigger_data ->> 'same_event_hours')::double precision, 24) * interval '1 hour';
    other_id text;
BEGIN
    PERFORM FROM user_profiles WHERE user_id = NEW.user_id FOR NO KEY UPDATE;

    SELECT other.id INTO other_id
    FROM scheduled_followups AS other
    WHERE other.user_id = NEW.user_id
      AND other.event_at BETWEEN NEW.event_at - tolerance AND NEW.event_at + tolerance
      AND other.trigger_type = 'post_event'
      AND other.status IN ('pending', 'executed')
      AND other.id <> NEW.id
    LIMIT 1;

    IF other_id IS NULL THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'The member has a follow-up for this event already: %.', other_id
        USING ERRCODE = 'exclusion_violation', TABLE = 'scheduled_followups', CONSTRAINT = 'one_follow_up_per_event';
END
$$;

CREATE TRIGGER one_follow_up_per_event_insert BEFORE INSERT ON scheduled_followups
    FOR EACH ROW WHEN (
        NEW.trigger_type = 'post_event' AND NEW.event_at IS NOT NULL AND NEW.status IN ('pending', 'executed')
    )
    EXECUTE FUNCTION followups_refuse_second_for_event();

CREATE TRIGGER one_follow_up_per_event_update
    BEFORE UPDATE OF status, event_at, trigger_type, user_id ON scheduled_followups
    FOR EACH ROW WHEN (
        NEW.trigger_type = 'post_event' AND NEW.event_at IS NOT NULL AND NEW.status = 'pending'
        AND (OLD.status, OLD.event_at, OLD.trigger_type, OLD.user_id)
            IS DISTINCT FROM (NEW.status, NEW.event_at, NEW.trigger_type, NEW.user_id)
    )
    EXECUTE FUNCTION followups_refuse_second_for_event();
