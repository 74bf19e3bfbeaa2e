-- +goose Up
-- Names that stand for others: of patients after merges, of stays that were joined or got another
-- number. A cluster is all names that any statement ever tied together; into_id is who it stands for
-- now. Both are empty for nearly everybody.
CREATE TABLE alias (
	from_id     uuid NOT NULL,
	message_id  uuid NOT NULL,
	org_id      uuid NOT NULL,
	to_id       uuid,
	recorded_at timestamptz NOT NULL,
	sent_at     timestamptz NOT NULL,
	control_id  text NOT NULL,
	hash        uuid NOT NULL,
	place       smallint NOT NULL,
	reason      text NOT NULL,
	PRIMARY KEY (from_id, message_id)
);

ALTER TABLE patient ADD COLUMN cluster_id uuid, ADD COLUMN into_id uuid, ADD COLUMN deletions text;
CREATE INDEX patient_cluster ON patient (cluster_id) WHERE cluster_id IS NOT NULL;
-- What is known of a survivor from all its names.
ALTER TABLE patient_detail ADD COLUMN effective text;

-- check_at is when the stay has gone on for too long, or without a word, unless more is heard of it.
ALTER TABLE encounter ADD COLUMN cluster_id uuid, ADD COLUMN into_id uuid, ADD COLUMN check_at timestamptz;
CREATE INDEX encounter_cluster ON encounter (cluster_id) WHERE cluster_id IS NOT NULL;

-- +goose Down
ALTER TABLE encounter DROP COLUMN cluster_id, DROP COLUMN into_id, DROP COLUMN check_at;
ALTER TABLE patient_detail DROP COLUMN effective;
ALTER TABLE patient DROP COLUMN cluster_id, DROP COLUMN into_id, DROP COLUMN deletions;
DROP TABLE alias;
