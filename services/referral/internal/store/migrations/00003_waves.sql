-- +goose Up
-- How the search is gone about: waves still to be asked, the patient's choice (referral.Plan).
ALTER TABLE referral ADD COLUMN plan json;

-- When each provider was asked and answered, and until when its answer is waited for.
ALTER TABLE offer ADD COLUMN wave int NOT NULL DEFAULT 0, ADD COLUMN asked_at timestamptz, ADD COLUMN answered_at timestamptz,
	ADD COLUMN until_at timestamptz, ADD COLUMN question boolean NOT NULL DEFAULT false;
CREATE INDEX offer_provider ON offer (provider_id, asked_at, referral_id);
CREATE INDEX offer_asked ON offer (org_id, asked_at);

-- Who speaks for which provider: they see what is asked of it, and nothing else.
CREATE TABLE speaker (
	provider_id uuid NOT NULL REFERENCES provider,
	subject     text NOT NULL,       -- a person (token subject)
	org_id      uuid NOT NULL,
	PRIMARY KEY (provider_id, subject)
);
CREATE INDEX speaker_subject ON speaker (org_id, subject);
-- +goose Down
DROP TABLE speaker;
DROP INDEX offer_asked, offer_provider;
ALTER TABLE offer DROP COLUMN wave, DROP COLUMN asked_at, DROP COLUMN answered_at, DROP COLUMN until_at, DROP COLUMN question;
ALTER TABLE referral DROP COLUMN plan;
