-- +goose Up
-- What is written as JSON by our own hand need not be read once more by the database as it is stored.
ALTER TABLE task ALTER COLUMN snapshot TYPE text;
ALTER TABLE referral ALTER COLUMN snapshot TYPE text;
ALTER TABLE alert ALTER COLUMN snapshot TYPE text;
ALTER TABLE entry ALTER COLUMN detail TYPE text;
-- +goose Down
ALTER TABLE task ALTER COLUMN snapshot TYPE json USING snapshot::json;
ALTER TABLE referral ALTER COLUMN snapshot TYPE json USING snapshot::json;
ALTER TABLE alert ALTER COLUMN snapshot TYPE json USING snapshot::json;
ALTER TABLE entry ALTER COLUMN detail TYPE json USING detail::json;
