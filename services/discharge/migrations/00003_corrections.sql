-- +goose Up
-- Until when nothing about the discharge leaves the house: the settle window of its protocols. And a
-- row may have no state: a stay that has work (nobody ended it) and no transition of care.
ALTER TABLE transition ADD COLUMN settles_at timestamptz, ADD COLUMN hanging_since timestamptz;

-- What a correction of the stay did to a task is in its log, too: by is empty, outcome says why.
ALTER TABLE task_log ADD COLUMN previous json, ADD COLUMN cause uuid;
-- +goose Down
ALTER TABLE task_log DROP COLUMN previous, DROP COLUMN cause;
ALTER TABLE transition DROP COLUMN settles_at, DROP COLUMN hanging_since;
