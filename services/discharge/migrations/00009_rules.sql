-- +goose Up
-- Sets of rules of an organization (packs of clocks, tables of risk), each whole and never changed.
CREATE TABLE rule_set (
	id           uuid PRIMARY KEY,          -- of the organization and the digest
	org_id       uuid NOT NULL,
	number       integer NOT NULL,          -- 1, 2, 3... of the organization
	digest       text NOT NULL,
	title        text NOT NULL,
	files        json NOT NULL,             -- name -> text
	prints       json NOT NULL,             -- version of a rule or table -> fingerprint of what it says
	made_by      text NOT NULL,
	made_at      timestamptz NOT NULL,
	previewed_at timestamptz,               -- when somebody last looked at what it would change
	UNIQUE (org_id, number)
);

-- Who decided when which set is in force: rows are added and never changed.
CREATE TABLE rule_act (
	org_id  uuid NOT NULL,
	version bigint NOT NULL,                -- 1, 2, 3... of the organization
	kind    text NOT NULL,                  -- activate, roll-back
	set_id  uuid,                           -- none: the shipped rules
	from_at timestamptz NOT NULL,
	reason  text NOT NULL,
	by      text NOT NULL,
	at      timestamptz NOT NULL,
	PRIMARY KEY (org_id, version)
);
GRANT SELECT, INSERT ON rule_act TO handoff_discharge, handoff_discharge_system;

-- How many acts there are: what every replica asks for, and what one who decides locks.
CREATE TABLE rule_book (
	org_id  uuid PRIMARY KEY,
	version bigint NOT NULL
);
-- +goose Down
DROP TABLE rule_book, rule_act, rule_set;
