-- +goose Up
CREATE TABLE once (
	org_id  uuid NOT NULL,
	subject text NOT NULL,
	key     text NOT NULL,
	request text NOT NULL,
	answer  jsonb NOT NULL,
	made_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, subject, key)
);
CREATE INDEX once_made ON once (made_at);
-- +goose Down
DROP TABLE once;
