-- +goose Up
-- What was pressed on a device whose connection comes and goes, by its Idempotency-Key: when it is sent
-- again, what was computed from it the first time is asked for again. Codes and times, never a note.
CREATE TABLE press (
	org_id   uuid NOT NULL,
	subject  text NOT NULL,
	key      uuid NOT NULL,
	request  text NOT NULL,
	version  integer NOT NULL,
	computed text NOT NULL, -- JSON: the times that followed from when it was pressed, or what is taken back
	at       timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, subject, key)
);
CREATE INDEX press_age ON press (at);
-- +goose Down
DROP TABLE press;
