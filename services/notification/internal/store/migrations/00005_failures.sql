-- +goose Up
-- How often a receiver did not take a delivery. attempts counts claims: a try that a crash cut off is one
-- of those, and no failure of the receiver's.
ALTER TABLE delivery ADD COLUMN failures int NOT NULL DEFAULT 0;
UPDATE delivery SET failures = attempts WHERE state = 'pending';
-- +goose Down
ALTER TABLE delivery DROP COLUMN failures;
