-- Refuses an outgoing automated message without the live consent of the very member it goes to. Fired by every INSERT
-- into social_media_messages and by every UPDATE that queues such a message (the triggers of version 1);
-- idx_consent_newest serves the look-ups.
--
-- Since members choose topics, a yes may have several receipts: a message may name any of them, as long as the newest
-- receipt is a yes and no refusal or withdrawal lies between the two.
--
-- The member's row is locked first, as by followups.consent.withdraw: either the withdrawal comes first and is seen
-- here (each statement of this function takes a new snapshot), or the message comes first and the withdrawal finds and
-- suppresses it.
CREATE OR REPLACE FUNCTION followups_require_live_consent() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    member_id text;
    is_enabled boolean;
    newest_id bigint;
    newest_state text;
    problem text;
BEGIN
    SELECT member.user_id, member.follow_ups_enabled INTO member_id, is_enabled
    FROM social_media_conversations AS conversation
    JOIN user_profiles AS member ON member.user_id = conversation.participant_id
    WHERE conversation.id = NEW.conversation_id
    FOR SHARE OF member;

    SELECT receipt.id, receipt.state INTO newest_id, newest_state
    FROM consent_receipts AS receipt
    WHERE receipt.user_id = member_id
    ORDER BY receipt.id DESC
    LIMIT 1;

    IF member_id IS NULL THEN
        problem := 'its conversation is not with a known member';
    ELSIF newest_id IS NULL THEN
        problem := 'the member was never asked for consent';
    ELSIF newest_state <> 'granted' THEN
        problem := format('the member''s newest consent receipt says %s', newest_state);
    ELSIF is_enabled IS NOT TRUE THEN
        problem := 'the member''s follow-ups are disabled';
    ELSIF NEW.consent_id IS NOT DISTINCT FROM newest_id THEN
        RETURN NEW;
    ELSIF NOT EXISTS (
        SELECT FROM consent_receipts AS named
        WHERE named.id = NEW.consent_id AND named.user_id = member_id AND named.state = 'granted'
    ) THEN
        problem := 'it names another receipt than a yes of this member';
    ELSIF EXISTS (
        SELECT FROM consent_receipts AS later
        WHERE later.user_id = member_id AND later.id > NEW.consent_id AND later.state <> 'granted'
    ) THEN
        problem := 'the member has opted out since the receipt that it names';
    ELSE
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'An automated message needs a live consent: %.', problem
        USING ERRCODE = 'check_violation', TABLE = 'social_media_messages', CONSTRAINT = 'messages_need_consent';
END
$$;
