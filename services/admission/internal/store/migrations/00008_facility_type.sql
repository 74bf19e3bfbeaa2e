-- +goose Up
-- What a facility is: hospital, skilled-nursing...; empty where nobody has said.
ALTER TABLE facility ADD COLUMN kind text NOT NULL DEFAULT '';
-- Since when a patient waits to be compared with others, so that a linker that hangs is seen.
ALTER TABLE linkage_due ADD COLUMN since timestamptz NOT NULL DEFAULT now();
-- +goose Down
ALTER TABLE linkage_due DROP COLUMN since;
ALTER TABLE facility DROP COLUMN kind;
