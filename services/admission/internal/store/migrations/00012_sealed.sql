-- +goose Up
-- Keys that seal an organization's messages. Each is wrapped under a key that is in no table (pkg/seal);
-- once wrapped is gone nobody reads what it sealed, so a key that was destroyed leaves no dead row for long.
CREATE TABLE data_key (
	id           int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	org_id       uuid NOT NULL,
	under        text NOT NULL,
	wrapped      bytea,
	made_at      timestamptz NOT NULL DEFAULT now(),
	destroyed_at timestamptz,
	CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL))
) WITH (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 0);
CREATE INDEX data_key_newest ON data_key (org_id, id) WHERE wrapped IS NOT NULL;
CREATE INDEX data_key_under ON data_key (under) WHERE wrapped IS NOT NULL;
GRANT SELECT, UPDATE (wrapped, destroyed_at) ON data_key TO handoff_admission;

-- Every process forgets what it knows of keys when one changes, before it takes messages of a feed that
-- was switched on after that.
CREATE TRIGGER data_key_changed AFTER UPDATE ON data_key FOR EACH STATEMENT EXECUTE FUNCTION setup_changed();

-- Which key sealed the bytes; none: they are in the clear, kept by an older version, until the loop that
-- seals them has come to them. Sealed bytes cannot be compressed.
ALTER TABLE message_raw ADD COLUMN key_id int;
ALTER TABLE message_raw ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE INDEX message_raw_clear ON message_raw (id) WHERE key_id IS NULL;

-- +goose Down
-- +goose StatementBegin
DO $$
BEGIN
	IF EXISTS (SELECT FROM message_raw WHERE key_id IS NOT NULL) THEN
		RAISE EXCEPTION 'messages are sealed: nothing could open them without data_key';
	END IF;
END $$;
-- +goose StatementEnd
DROP INDEX message_raw_clear;
ALTER TABLE message_raw ALTER COLUMN body SET STORAGE EXTENDED;
ALTER TABLE message_raw DROP COLUMN key_id;
DROP TABLE data_key;
