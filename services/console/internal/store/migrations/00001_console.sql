-- +goose Up
-- The read model: what the facts of the other services add up to. Everything but session and person
-- can be dropped and built again from the event logs. No names of patients, no identifiers.

-- seen is the aggregate version of the fact a row was last written from: an older one never wins.
CREATE TABLE episode (
	org_id       uuid NOT NULL,
	encounter_id uuid PRIMARY KEY,
	seen         bigint NOT NULL,
	state        text NOT NULL,
	facility     text NOT NULL,
	snapshot     json NOT NULL -- events.Transition
);
CREATE INDEX episode_state ON episode (org_id, state);

CREATE TABLE task (
	org_id       uuid NOT NULL,
	encounter_id uuid NOT NULL,
	id           uuid NOT NULL,
	seen         bigint NOT NULL,
	state        text NOT NULL,
	open         boolean NOT NULL,
	due_at       timestamptz NOT NULL, -- infinity: no due time
	facility     text NOT NULL,
	owner        text,
	done_by      text,                 -- who ended it, where a person did
	created_at   timestamptz NOT NULL, -- when the task came to be, for the timeline
	changed_at   timestamptz NOT NULL,
	snapshot     json NOT NULL,        -- events.Task
	PRIMARY KEY (encounter_id, id)
);
CREATE INDEX task_due ON task (org_id, due_at, id) WHERE open;
CREATE INDEX task_facility ON task (org_id, facility, due_at, id) WHERE open;
CREATE INDEX task_owner ON task (org_id, owner, due_at, id) WHERE open AND owner IS NOT NULL;
CREATE INDEX task_done ON task (org_id, done_by, changed_at DESC) WHERE done_by IS NOT NULL;

CREATE TABLE referral (
	org_id       uuid NOT NULL,
	encounter_id uuid NOT NULL,
	id           uuid NOT NULL,
	seen         bigint NOT NULL,
	state        text NOT NULL,
	snapshot     json NOT NULL, -- events.Referral
	PRIMARY KEY (encounter_id, id)
);

CREATE TABLE alert (
	org_id       uuid NOT NULL,
	id           uuid PRIMARY KEY,
	encounter_id uuid,
	seen         bigint NOT NULL,
	state        text NOT NULL,
	snapshot     json NOT NULL -- events.Alert
);
CREATE INDEX alert_encounter ON alert (encounter_id);

-- The timeline. A task's creation is not here: its row says it.
CREATE TABLE entry (
	org_id       uuid NOT NULL,
	encounter_id uuid NOT NULL,
	source       smallint NOT NULL, -- 1 admission, 2 discharge, 3 referral, 4 notification
	version      bigint NOT NULL,   -- of the encounter's facts at that source
	id           uuid NOT NULL,     -- of the event
	type         text NOT NULL,
	occurred_at  timestamptz NOT NULL,
	received_at  timestamptz NOT NULL,
	cause        uuid,
	detail       json,
	PRIMARY KEY (encounter_id, source, version)
);

CREATE TABLE facility (
	org_id   uuid NOT NULL,
	id       uuid PRIMARY KEY,
	code     text NOT NULL,
	name     text NOT NULL,
	zone     text NOT NULL,
	verified boolean NOT NULL,
	seen     bigint NOT NULL
);
CREATE INDEX facility_code ON facility (org_id, code);

-- How many facts of a kind were received in a minute.
CREATE TABLE minute (
	org_id uuid NOT NULL,
	at     timestamptz NOT NULL,
	kind   text NOT NULL,
	n      bigint NOT NULL,
	PRIMARY KEY (org_id, at, kind)
);

-- One row per projected batch: what browsers may have to show anew. Kept for some minutes.
CREATE TABLE touch (
	seq        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	at         timestamptz NOT NULL DEFAULT now(),
	orgs       uuid[] NOT NULL,
	encounters uuid[] NOT NULL,
	received   timestamptz[] NOT NULL
);

-- What staff are called, as their sign-in says.
CREATE TABLE person (
	org_id  uuid NOT NULL,
	subject text NOT NULL,
	name    text NOT NULL,
	seen_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (org_id, subject)
);

-- Sessions: the key is a hash of the cookie, the data is sealed with a key that only the cookie gives.
CREATE TABLE session (
	id         bytea PRIMARY KEY,
	data       bytea NOT NULL,
	expires_at timestamptz NOT NULL
);
CREATE INDEX session_expiry ON session (expires_at);
-- +goose Down
DROP TABLE session, person, touch, minute, facility, entry, alert, referral, task, episode;
