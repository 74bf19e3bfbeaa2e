-- +goose Up
-- Until when nothing about the alert leaves the house: its discharge may yet be taken back.
ALTER TABLE alert ADD COLUMN hold_until timestamptz;

-- What was asked of providers has a thread for each of them, which the encounter does not name.
CREATE INDEX alert_asked ON alert (encounter_id) WHERE kind = 'referral-asked';

-- Who is owed a correction.
CREATE INDEX ledger_corrected ON ledger (org_id, alert_id) WHERE decision = 'corrected' AND recipient <> '';
-- +goose Down
DROP INDEX ledger_corrected, alert_asked;
ALTER TABLE alert DROP COLUMN hold_until;
