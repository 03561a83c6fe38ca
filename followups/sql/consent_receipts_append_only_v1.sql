-- Refuses to change or remove consent receipts: they are the proof of what a member said. Fired by every UPDATE, DELETE
-- and TRUNCATE on consent_receipts; uses no index.
CREATE FUNCTION followups_refuse_receipt_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'Consent receipts are only ever added: % of consent_receipts is refused. Record a new receipt instead.',
        TG_OP USING ERRCODE = 'check_violation';
END
$$;

CREATE TRIGGER consent_receipts_no_change BEFORE UPDATE OR DELETE ON consent_receipts
    FOR EACH STATEMENT EXECUTE FUNCTION followups_refuse_receipt_change();

CREATE TRIGGER consent_receipts_no_truncate BEFORE TRUNCATE ON consent_receipts
    FOR EACH STATEMENT EXECUTE FUNCTION followups_refuse_receipt_change();
