-- +goose Up
-- When whoever of a roster is on call, and in which zone a facility's shifts begin.
ALTER TABLE roster ADD COLUMN shifts jsonb NOT NULL DEFAULT '[]';
CREATE TABLE facility (
	org_id  uuid NOT NULL,
	code    text NOT NULL,
	zone    text NOT NULL,
	version bigint NOT NULL,
	PRIMARY KEY (org_id, code)
);
-- +goose Down
DROP TABLE facility;
ALTER TABLE roster DROP COLUMN shifts;
