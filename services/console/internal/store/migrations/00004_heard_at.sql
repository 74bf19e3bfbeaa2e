-- +goose Up
-- When a fact was put on the pages: the last step of a message's way that is written down.
ALTER TABLE entry ADD COLUMN heard_at timestamptz;
ALTER TABLE entry ALTER COLUMN heard_at SET DEFAULT clock_timestamp();
-- +goose Down
ALTER TABLE entry DROP COLUMN heard_at;
