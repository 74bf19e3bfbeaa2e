-- +goose Up
-- When a message's row was written: with when its frame was complete it says how long the sender waited.
-- Of what is here already it is not known.
ALTER TABLE message ADD COLUMN kept_at timestamptz;
ALTER TABLE message ALTER COLUMN kept_at SET DEFAULT clock_timestamp();
-- +goose Down
ALTER TABLE message DROP COLUMN kept_at;
