-- +goose Up
CREATE TABLE alert (
	id              uuid PRIMARY KEY,
	org_id          uuid NOT NULL,
	thread          uuid NOT NULL,
	ordinal         int NOT NULL,
	encounter_id    uuid,
	transition_id   uuid,
	task_id         uuid,
	facility        text NOT NULL,
	unit            text NOT NULL,
	kind            text NOT NULL,
	cause           uuid,
	state           text NOT NULL CHECK (state IN ('raised', 'acknowledged', 'resolved')),
	severity        text NOT NULL CHECK (severity IN ('routine', 'urgent', 'critical')),
	reason          text NOT NULL,
	version         int NOT NULL,
	subject         int NOT NULL,
	about           uuid[] NOT NULL,
	count           int NOT NULL,
	sensitive       boolean NOT NULL,
	audience        text[] NOT NULL,
	owner           text NOT NULL,
	owner_role      text NOT NULL,
	step            int NOT NULL,
	escalate_at     timestamptz,
	acknowledged_by text NOT NULL DEFAULT '',
	acknowledged_at timestamptz,
	resolved_at     timestamptz,
	occurred_at     timestamptz NOT NULL,
	received_at     timestamptz NOT NULL,
	raised_at       timestamptz NOT NULL,
	-- The first alert of a thread has the thread's id, a later one an id derived from (thread, ordinal):
	-- the primary key keeps (thread, ordinal) unique and finds nearly all threads.
	CONSTRAINT alert_first CHECK ((ordinal = 0) = (id = thread))
) WITH (fillfactor = 85);
CREATE INDEX alert_later ON alert (thread) WHERE ordinal > 0;
CREATE INDEX alert_list ON alert (org_id, raised_at, id);
CREATE INDEX alert_escalate ON alert (org_id, escalate_at) WHERE state = 'raised' AND escalate_at IS NOT NULL;

-- One row per (alert, recipient, channel, version of the alert that is told).
CREATE TABLE delivery (
	alert_id      uuid NOT NULL,
	recipient     text NOT NULL,
	channel       text NOT NULL CHECK (channel IN ('console', 'email', 'webhook')),
	version       int NOT NULL,
	org_id        uuid NOT NULL,
	state         text NOT NULL CHECK (state IN ('pending', 'delivered', 'failed', 'suppressed')),
	reason        text NOT NULL,
	attempts      int NOT NULL DEFAULT 0,
	created_at    timestamptz NOT NULL,
	next_at       timestamptz NOT NULL,
	claimed_until timestamptz,
	done_at       timestamptz,
	PRIMARY KEY (alert_id, recipient, channel, version)
) WITH (fillfactor = 90);
CREATE INDEX delivery_pending ON delivery (channel, next_at) WHERE state = 'pending';

-- What was decided, for ever. seq is drawn under the log lock, so it is the order of commits.
CREATE TABLE ledger (
	seq       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	org_id    uuid NOT NULL,
	at        timestamptz NOT NULL,
	decision  text NOT NULL,
	alert_id  uuid NOT NULL,
	version   int NOT NULL,
	recipient text NOT NULL,
	channel   text NOT NULL,
	reason    text NOT NULL,
	event_id  uuid,
	actor     text NOT NULL
);
CREATE INDEX ledger_alert ON ledger (alert_id);
CREATE INDEX ledger_event ON ledger (event_id);
CREATE INDEX ledger_recipient ON ledger (org_id, recipient, seq);

CREATE TABLE ledger_link (
	org_id   uuid NOT NULL,
	number   bigint NOT NULL,
	from_seq bigint NOT NULL,
	to_seq   bigint NOT NULL,
	rows     int NOT NULL,
	hash     bytea NOT NULL CHECK (length(hash) = 32),
	at       timestamptz NOT NULL,
	PRIMARY KEY (org_id, number)
);

-- How far the chains have come, over all organizations.
CREATE TABLE ledger_position (
	single boolean PRIMARY KEY DEFAULT true CHECK (single),
	seq  bigint NOT NULL
);
INSERT INTO ledger_position (seq) VALUES (0);

-- +goose StatementBegin
CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'table % is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
-- +goose StatementEnd
CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger
	FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER ledger_link_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_link
	FOR EACH STATEMENT EXECUTE FUNCTION append_only();
GRANT SELECT, INSERT ON ledger, ledger_link TO handoff_notification, handoff_notification_system;

-- What the consoles follow. seq is drawn under the log lock: a reader that has seen n has seen all
-- before it.
CREATE TABLE stream_event (
	seq         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	org_id      uuid NOT NULL,
	at          timestamptz NOT NULL,
	received_at timestamptz NOT NULL,
	name        text NOT NULL,
	audience    text[] NOT NULL,
	data        text NOT NULL,
	traceparent text NOT NULL -- '' where nobody traces
);
CREATE INDEX stream_event_at ON stream_event USING brin (at) WITH (pages_per_range = 32);

-- What was created, counted as it was: the left side of the conservation laws.
CREATE TABLE tally (
	org_id     uuid NOT NULL,
	day        date NOT NULL,
	alerts     bigint NOT NULL DEFAULT 0,
	deliveries bigint NOT NULL DEFAULT 0,
	PRIMARY KEY (org_id, day)
) WITH (fillfactor = 50);

-- The directory: who can be told, by organization. version grows with every change.
CREATE TABLE directory (
	org_id  uuid PRIMARY KEY,
	version bigint NOT NULL
);
CREATE TABLE person (
	org_id     uuid NOT NULL,
	id         text NOT NULL,
	name       text NOT NULL,
	roles      text[] NOT NULL,
	email      text NOT NULL,
	email_from text NOT NULL CHECK (email_from IN ('routine', 'urgent', 'critical')),
	active     boolean NOT NULL,
	PRIMARY KEY (org_id, id)
);
CREATE TABLE roster (
	id       uuid PRIMARY KEY,
	org_id   uuid NOT NULL,
	facility text NOT NULL,
	unit     text NOT NULL,
	members  text[] NOT NULL,
	CONSTRAINT roster_place UNIQUE (org_id, facility, unit)
);
CREATE TABLE routing_rule (
	org_id  uuid NOT NULL,
	kind    text NOT NULL,
	targets text[] NOT NULL,
	PRIMARY KEY (org_id, kind)
);
CREATE TABLE escalation_policy (
	org_id   uuid NOT NULL,
	severity text NOT NULL CHECK (severity IN ('routine', 'urgent', 'critical')),
	waits_s  int[] NOT NULL,
	targets  text[] NOT NULL,
	PRIMARY KEY (org_id, severity)
);
CREATE TABLE endpoint (
	id         uuid PRIMARY KEY,
	org_id     uuid NOT NULL,
	url        text NOT NULL,
	secrets    text[] NOT NULL,
	kinds      text[] NOT NULL,
	facilities text[] NOT NULL,
	active     boolean NOT NULL,
	disabled   text NOT NULL DEFAULT '',
	created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX endpoint_org ON endpoint (org_id);
-- +goose Down
DROP TABLE endpoint, escalation_policy, routing_rule, roster, person, directory, tally, stream_event,
	ledger_position, ledger_link, ledger, delivery, alert;
DROP FUNCTION append_only;
