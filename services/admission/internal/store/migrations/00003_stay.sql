-- +goose Up
-- What changes with every message about a patient is narrow; names and the like change rarely.
CREATE TABLE patient (
	id          uuid PRIMARY KEY,
	org_id      uuid NOT NULL,
	facility_id uuid NOT NULL,
	person_id   uuid NOT NULL,
	stamps      bytea NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX patient_person ON patient (person_id);

CREATE TABLE patient_detail (
	id     uuid PRIMARY KEY,
	org_id uuid NOT NULL,
	groups text NOT NULL,
	family text NOT NULL,
	given  text NOT NULL,
	birth  text NOT NULL
) WITH (fillfactor = 85);
CREATE INDEX patient_detail_name ON patient_detail (org_id, family text_pattern_ops, given text_pattern_ops);

CREATE TABLE patient_identifier (
	key         uuid NOT NULL,
	patient_id  uuid NOT NULL,
	org_id      uuid NOT NULL,
	facility_id uuid NOT NULL,
	own         boolean NOT NULL,
	stated      boolean NOT NULL,
	kind        text NOT NULL,
	authority   text NOT NULL,
	value       text NOT NULL,
	PRIMARY KEY (key, patient_id)
);
CREATE UNIQUE INDEX patient_identifier_own ON patient_identifier (facility_id, key) WHERE own;
CREATE INDEX patient_identifier_patient ON patient_identifier (patient_id);
CREATE INDEX patient_identifier_value ON patient_identifier (org_id, value);

CREATE TABLE encounter (
	id            uuid PRIMARY KEY,
	org_id        uuid NOT NULL,
	facility_id   uuid NOT NULL,
	patient_id    uuid NOT NULL,
	fold_version  bigint NOT NULL,
	facts         int NOT NULL,
	admitted_at   timestamptz,
	discharged_at timestamptz,
	planned_at    timestamptz,
	ed            boolean NOT NULL,
	reopened      boolean NOT NULL,
	sensitive     boolean NOT NULL,
	state         text NOT NULL,
	class         text NOT NULL,
	disposition   text NOT NULL,
	unit          text NOT NULL,
	room          text NOT NULL,
	bed           text NOT NULL,
	visit         text NOT NULL,
	visit_key     text NOT NULL,
	snapshot      text NOT NULL
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX encounter_visit ON encounter (facility_id, visit_key);
CREATE INDEX encounter_patient ON encounter (patient_id);
CREATE INDEX encounter_open ON encounter (facility_id) WHERE state IN ('planned', 'arrived', 'in-progress', 'onleave');

CREATE TABLE encounter_fact (
	encounter_id uuid NOT NULL,
	message_id   uuid NOT NULL,
	org_id       uuid NOT NULL,
	patient_id   uuid NOT NULL,
	hash         uuid NOT NULL,
	occurred_at  timestamptz NOT NULL,
	happened_at  timestamptz NOT NULL,
	recorded_at  timestamptz NOT NULL,
	sent_at      timestamptz NOT NULL,
	received_at  timestamptz NOT NULL,
	kind         smallint NOT NULL,
	control_id   text NOT NULL,
	unit         text NOT NULL,
	room         text NOT NULL,
	bed          text NOT NULL,
	vals         text NOT NULL,
	diagnoses    text NOT NULL,
	PRIMARY KEY (encounter_id, message_id)
);

-- +goose Down
DROP TABLE encounter_fact, encounter, patient_identifier, patient_detail, patient;
