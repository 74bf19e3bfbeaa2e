-- +goose Up
-- The feed's own rhythm: the usual seconds between two beats, for each hour of the day (UTC). A beat is
-- written once a second at most, and its row is written then anyway.
ALTER TABLE feed_pulse
	ADD COLUMN beats bigint NOT NULL DEFAULT 0,
	ADD COLUMN gaps  real[] NOT NULL DEFAULT array_fill(NULL::real, ARRAY[24]);
-- +goose Down
ALTER TABLE feed_pulse DROP COLUMN beats, DROP COLUMN gaps;
