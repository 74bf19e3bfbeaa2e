-- +goose Up
-- Stays of which something was said under a patient's name, and that are somebody else's: what is said
-- later of the patient as a whole, as of then, may still be about them.
ALTER TABLE patient ADD COLUMN former uuid[];

-- +goose Down
ALTER TABLE patient DROP COLUMN former;
