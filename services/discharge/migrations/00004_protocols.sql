-- +goose Up
-- Sets of protocols of an organization, each whole. A set is never changed: the next is another.
CREATE TABLE protocol_set (
	id      uuid PRIMARY KEY,               -- of the organization and the digest
	org_id  uuid NOT NULL,
	number  integer NOT NULL,               -- 1, 2, 3... of the organization
	digest  text NOT NULL,
	title   text NOT NULL,
	files   json NOT NULL,                  -- name -> text
	prints  json NOT NULL,                  -- code@version -> fingerprint of what it does
	made_by text NOT NULL,
	made_at timestamptz NOT NULL,
	UNIQUE (org_id, number)
);

-- Who decided when which set is in force: rows are added and never changed.
CREATE TABLE protocol_act (
	org_id     uuid NOT NULL,
	version    bigint NOT NULL,             -- 1, 2, 3... of the organization
	kind       text NOT NULL,               -- activate, roll-back, shadow, end-shadow
	facility   text NOT NULL,               -- its code; empty: each that has no act of its own
	set_id     uuid,                        -- none: the shipped set
	inherit    boolean NOT NULL,            -- the facility follows the organization again
	from_at    timestamptz NOT NULL,        -- for stays discharged from then on
	replan     boolean NOT NULL,            -- open transitions of those stays were planned again
	preview_id uuid,                        -- what was known of the effect
	reason     text NOT NULL,
	by         text NOT NULL,
	at         timestamptz NOT NULL,
	PRIMARY KEY (org_id, version)
);
GRANT SELECT, INSERT ON protocol_act TO handoff_discharge, handoff_discharge_system;

-- How many acts there are: what every replica asks for, and what one who decides locks.
CREATE TABLE protocol_book (
	org_id  uuid PRIMARY KEY,
	version bigint NOT NULL
);
-- +goose Down
DROP TABLE protocol_book, protocol_act, protocol_set;
