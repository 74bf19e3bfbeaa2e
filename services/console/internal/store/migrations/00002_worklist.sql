-- +goose Up
-- What the worklist is filtered by beside a task's own columns. An episode is written a few times in its
-- life, so its row carries what is asked of it, and a task's row stays small.
ALTER TABLE episode
	ADD COLUMN unit        text NOT NULL DEFAULT '',
	ADD COLUMN disposition text NOT NULL DEFAULT '',
	ADD COLUMN band        text NOT NULL DEFAULT '',
	ADD COLUMN protocols   text NOT NULL DEFAULT '', -- "id@version"s, a JSON array
	ADD COLUMN sensitive   boolean NOT NULL DEFAULT false;
UPDATE episode SET unit = coalesce(snapshot ->> 'unit', ''), disposition = coalesce(snapshot ->> 'disposition', ''),
	band = coalesce(snapshot #>> '{risk,band}', ''), protocols = coalesce(snapshot ->> 'protocols', ''),
	sensitive = coalesce(snapshot ->> 'sensitive', '') = 'true';

-- Filters that people keep: codes and a name of their own, never a patient's.
CREATE TABLE saved_filter (
	org_id  uuid NOT NULL,
	subject text NOT NULL,
	id      uuid NOT NULL,
	name    text NOT NULL,
	query   text NOT NULL,
	PRIMARY KEY (org_id, subject, id)
);

-- What people did, so that they can take it back. Deeds of one click share a turn.
CREATE TABLE deed (
	org_id       uuid NOT NULL,
	subject      text NOT NULL,
	turn         uuid NOT NULL,
	encounter_id uuid NOT NULL,
	task_id      uuid NOT NULL,
	at           timestamptz NOT NULL DEFAULT now(),
	said         text NOT NULL,  -- "Claimed: Call the patient"
	back         text NOT NULL,  -- the action that takes it back
	owner        text NOT NULL DEFAULT '', -- to whom it goes back, where back is assign
	version      integer NOT NULL, -- of the task after the deed
	undone       boolean NOT NULL DEFAULT false,
	PRIMARY KEY (org_id, subject, turn, task_id)
);
CREATE INDEX deed_latest ON deed (org_id, subject, at DESC);
CREATE INDEX deed_age ON deed (at);
-- +goose Down
DROP TABLE deed, saved_filter;
ALTER TABLE episode DROP COLUMN unit, DROP COLUMN disposition, DROP COLUMN band, DROP COLUMN protocols, DROP COLUMN sensitive;
