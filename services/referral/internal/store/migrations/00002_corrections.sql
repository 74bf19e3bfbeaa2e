-- +goose Up
-- Until when nothing about the discharge leaves the house, as its transition says.
ALTER TABLE referral ADD COLUMN settles_at timestamptz;

-- The facility (its code) the provider was tied to when it was asked: where it is told, also of a
-- correction long after.
ALTER TABLE offer ADD COLUMN facility text NOT NULL DEFAULT '';

-- What a correction of the stay changed: old values, ids and times only.
ALTER TABLE history ADD COLUMN previous json;
-- +goose Down
ALTER TABLE history DROP COLUMN previous;
ALTER TABLE offer DROP COLUMN facility;
ALTER TABLE referral DROP COLUMN settles_at;
