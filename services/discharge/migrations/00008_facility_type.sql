-- +goose Up
-- What a facility is: hospital, skilled-nursing...; empty where nobody has said.
ALTER TABLE facility ADD COLUMN kind text NOT NULL DEFAULT '';
-- +goose Down
ALTER TABLE facility DROP COLUMN kind;
