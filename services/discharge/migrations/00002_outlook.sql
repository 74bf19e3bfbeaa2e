-- +goose Up
-- How a transition may go on, as far as it can be told: scores beside LACE, flags of the patient's use of
-- care, and returns to hospital. Read and written whole, with the row.
ALTER TABLE transition ADD COLUMN outlook json;
-- +goose Down
ALTER TABLE transition DROP COLUMN outlook;
