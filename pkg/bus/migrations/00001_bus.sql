-- +goose Up
-- One row per stream this service hears: who consumes it now, and how far it came.
CREATE TABLE subscription (
	stream      text PRIMARY KEY,
	owner       text NOT NULL DEFAULT '',
	epoch       bigint NOT NULL DEFAULT 0,
	expires_at  timestamptz NOT NULL DEFAULT '-infinity',
	incarnation timestamptz,                 -- when the stream that position counts in was made
	position    bigint NOT NULL DEFAULT 0,   -- stream sequence of the last handled message
	watermark   timestamptz NOT NULL DEFAULT '-infinity', -- newest recorded time handled
	handled     bigint NOT NULL DEFAULT 0,   -- events handled, ever
	repeated    bigint NOT NULL DEFAULT 0    -- deliveries of events that were handled before
) WITH (fillfactor = 50);

-- The inbox: one bit per event of the producer's log, 2,048 to a row.
CREATE TABLE inbox (
	stream text NOT NULL,
	chunk  bigint NOT NULL,
	bits   bytea NOT NULL,
	PRIMARY KEY (stream, chunk)
) WITH (fillfactor = 50);
ALTER TABLE inbox ALTER COLUMN bits SET STORAGE PLAIN;

CREATE TABLE parked_key (
	stream    text NOT NULL,
	key       uuid NOT NULL,
	org_id    uuid NOT NULL,
	reason    text NOT NULL,
	parked_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (stream, key)
);

CREATE TABLE parked (
	stream    text NOT NULL,
	sequence  bigint NOT NULL,
	key       uuid NOT NULL,
	org_id    uuid NOT NULL,
	type      text NOT NULL,
	doc       text NOT NULL,
	parked_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (stream, sequence)
);
CREATE INDEX parked_by_key ON parked (stream, key, sequence);
-- +goose Down
DROP TABLE parked, parked_key, inbox, subscription;
