-- Refuses to change or remove consent receipts, as version 1 does, with one exception: while somebody is forgotten
-- (followups.privacy.forget), the receipts of this very member may be deleted. Which member that is, the transaction
-- says in its setting `checkback.forgetting`; it is empty after every transaction. Fired by every UPDATE and for every
-- row of a DELETE; TRUNCATE stays refused by version 1's own trigger. Uses no index.
DROP TRIGGER consent_receipts_no_change ON consent_receipts;

CREATE TRIGGER consent_receipts_no_change BEFORE UPDATE ON consent_receipts
    FOR EACH STATEMENT EXECUTE FUNCTION followups_refuse_receipt_change();

CREATE TRIGGER consent_receipts_no_delete BEFORE DELETE ON consent_receipts
    FOR EACH ROW WHEN (nullif(current_setting('checkback.forgetting', true), '') IS DISTINCT FROM OLD.user_id)
    EXECUTE FUNCTION followups_refuse_receipt_change();
