-- +goose Up
-- A message is written once. What became of it is told by two narrow tables, so that handling it
-- rewrites nothing: in message_open it is kept; in message_outcome it is ignored, quarantined or
-- rejected; in neither it is applied.
CREATE TABLE message (
	id          uuid PRIMARY KEY,
	org_id      uuid NOT NULL,
	feed_id     uuid NOT NULL,
	received_at timestamptz NOT NULL,
	sent_at     timestamptz,
	size        int NOT NULL,
	copies      int NOT NULL DEFAULT 1,
	flags       smallint NOT NULL,
	format      smallint NOT NULL,
	reply       text NOT NULL,
	facility    text NOT NULL,
	trigger     text NOT NULL,
	charset     text NOT NULL,
	control_id  text NOT NULL,
	hash        bytea NOT NULL
);
CREATE UNIQUE INDEX message_once ON message (feed_id, control_id, hash);

CREATE TABLE message_raw (
	id     uuid PRIMARY KEY,
	org_id uuid NOT NULL,
	body   bytea NOT NULL
);
GRANT SELECT ON message_raw TO handoff_admission;

CREATE TABLE message_open (
	id     uuid PRIMARY KEY,
	org_id uuid NOT NULL,
	owner  uuid NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);

CREATE TABLE message_outcome (
	id      uuid PRIMARY KEY,
	org_id  uuid NOT NULL,
	feed_id uuid NOT NULL,
	state   text NOT NULL CHECK (state IN ('ignored', 'quarantined', 'rejected')),
	reason  text NOT NULL,
	at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX message_outcome_state ON message_outcome (org_id, state, id);

-- One row per running process: whose open messages are its own to handle.
CREATE TABLE lease (
	owner      uuid PRIMARY KEY,
	expires_at timestamptz NOT NULL
);

-- Counters of the conservation laws; one row per process, so that replicas do not wait for each other.
CREATE TABLE tally (
	org_id uuid NOT NULL,
	name   text NOT NULL,
	owner  uuid NOT NULL,
	n      bigint NOT NULL,
	PRIMARY KEY (org_id, name, owner)
) WITH (fillfactor = 50);

-- Operations were told of this reason on this feed; deleted when somebody has looked.
CREATE TABLE quarantine_notice (
	feed_id uuid NOT NULL,
	reason  text NOT NULL,
	org_id  uuid NOT NULL,
	at      timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (feed_id, reason)
);

-- When a feed was last heard of; written once a second at most.
CREATE TABLE feed_pulse (
	feed_id uuid PRIMARY KEY,
	org_id  uuid NOT NULL,
	at      timestamptz NOT NULL
) WITH (fillfactor = 50);

-- Who saw what about whom. Rows are only ever added.
CREATE TABLE access_log (
	id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	org_id     uuid NOT NULL,
	at         timestamptz NOT NULL DEFAULT now(),
	who        text NOT NULL,
	roles      text[] NOT NULL,
	action     text NOT NULL,
	purpose    text NOT NULL,
	patients   uuid[] NOT NULL,
	subject_id uuid
);
GRANT SELECT, INSERT ON access_log TO handoff_admission, handoff_admission_system;
-- +goose StatementBegin
CREATE FUNCTION access_log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'the access log is append-only';
END $$;
-- +goose StatementEnd
CREATE TRIGGER access_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON access_log FOR EACH STATEMENT EXECUTE FUNCTION access_log_is_append_only();

-- +goose Down
DROP TABLE access_log, feed_pulse, quarantine_notice, tally, lease, message_outcome, message_open, message_raw, message;
DROP FUNCTION access_log_is_append_only;
