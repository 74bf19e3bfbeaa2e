-- +goose Up
-- Patients whose comparison with others is due: new, or with other values than were compared. Rows
-- of one patient may be several; whoever takes them deletes them.
CREATE TABLE linkage_due (
	id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	org_id     uuid NOT NULL,
	patient_id uuid NOT NULL,
	regroup    boolean NOT NULL -- whatever its score: links of its group came or went otherwise
) WITH (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);

-- What is compared of a patient, as it was when it was last compared. The two tables after it follow
-- from it; a build that makes other keys or terms of a profile brings a migration that empties all
-- three and makes every patient due.
CREATE TABLE linkage_profile (
	patient_id uuid PRIMARY KEY,
	org_id     uuid NOT NULL,
	profile    text NOT NULL
) WITH (fillfactor = 90);

-- By what patients find each other: keyed digests, that say nothing without the key.
CREATE TABLE linkage_key (
	org_id     uuid NOT NULL,
	key        bigint NOT NULL,
	patient_id uuid NOT NULL,
	PRIMARY KEY (org_id, key, patient_id)
);

-- How many of an organization's patients have a value, by its digest; 0 is all of them.
CREATE TABLE linkage_term (
	org_id uuid NOT NULL,
	term   bigint NOT NULL,
	n      int NOT NULL,
	PRIMARY KEY (org_id, term)
) WITH (fillfactor = 70);

-- Pairs of patients that may be one person, or were said to be or not to be. What counts is a
-- person's decision, else a hospital's statement, else the score. left_out: linked, but for a pair
-- that must stay apart and would come together.
CREATE TABLE patient_link (
	id          uuid PRIMARY KEY,
	org_id      uuid NOT NULL,
	low_id      uuid NOT NULL,
	high_id     uuid NOT NULL,
	verdict     text NOT NULL CHECK (verdict IN ('linked', 'review', 'none')),
	stated      text CHECK (stated IN ('linked', 'unlinked')),
	stated_at   timestamptz,
	decision    text CHECK (decision IN ('linked', 'rejected', 'review')),
	left_out    boolean NOT NULL DEFAULT false,
	state       text NOT NULL GENERATED ALWAYS AS (coalesce(decision, CASE WHEN stated = 'unlinked' THEN 'none' ELSE stated END, CASE WHEN left_out AND verdict = 'linked' THEN 'review' ELSE verdict END)) STORED,
	score       double precision NOT NULL,
	explanation text NOT NULL,
	history     text NOT NULL,
	changed_at  timestamptz NOT NULL DEFAULT now(),
	version     int NOT NULL DEFAULT 1,
	CHECK (low_id < high_id)
);
CREATE INDEX patient_link_low ON patient_link (low_id);
CREATE INDEX patient_link_high ON patient_link (high_id);
CREATE INDEX patient_link_review ON patient_link (org_id, score, id) WHERE state = 'review';

-- Somebody said that this patient and another are not one person: who else it is, the linker says alone.
ALTER TABLE patient ADD COLUMN apart boolean NOT NULL DEFAULT false;

-- What digests are made with. seal tells it from another; no request reads this table.
CREATE TABLE identity_secret (
	one    boolean PRIMARY KEY DEFAULT true CHECK (one),
	secret bytea NOT NULL,
	seal   bytea NOT NULL
);

INSERT INTO linkage_due (org_id, patient_id, regroup) SELECT org_id, id, false FROM patient ORDER BY id;

-- +goose Down
DROP TABLE identity_secret, patient_link, linkage_term, linkage_key, linkage_profile, linkage_due;
ALTER TABLE patient DROP COLUMN apart;
