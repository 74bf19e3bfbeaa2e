-- +goose Up
CREATE TABLE timer (
	name   text NOT NULL,
	key    uuid NOT NULL,
	org_id uuid NOT NULL,
	due_at timestamptz NOT NULL,
	PRIMARY KEY (name, key)
);
CREATE INDEX timer_due ON timer (due_at);
-- +goose Down
DROP TABLE timer;
