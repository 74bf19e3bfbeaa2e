-- +goose Up
-- The clocks of a transition, read and written whole, with the row; and when the last of them ends, so that
-- those that still run are found without reading all there ever were.
ALTER TABLE transition ADD COLUMN clocks json, ADD COLUMN clocks_until timestamptz;
CREATE INDEX transition_clocks ON transition (org_id, clocks_until, encounter_id) WHERE clocks_until IS NOT NULL;
-- +goose Down
DROP INDEX transition_clocks;
ALTER TABLE transition DROP COLUMN clocks, DROP COLUMN clocks_until;
