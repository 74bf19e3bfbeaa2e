-- +goose Up
-- What a person did to an alert last, with how it stood before: so that it can be taken back.
ALTER TABLE alert ADD COLUMN last jsonb;

-- What people do not want to hear of for some time: a thread, or (no alert) a kind of alert. Others are
-- told as before.
CREATE TABLE mute (
	org_id    uuid NOT NULL,
	id        uuid NOT NULL,
	person    text NOT NULL,
	alert_id  uuid,
	kind      text NOT NULL,
	reason    text NOT NULL,
	until     timestamptz NOT NULL,
	step      int NOT NULL, -- of the alert when it was muted: what is passed up after that is heard
	made_at   timestamptz NOT NULL DEFAULT now(),
	lifted_at timestamptz,
	PRIMARY KEY (org_id, id)
);
CREATE INDEX mute_person ON mute (org_id, person, until) WHERE lifted_at IS NULL;
-- +goose Down
DROP TABLE mute;
ALTER TABLE alert DROP COLUMN last;
