-- Rows are written in the order of the events that lead to them, whose ids begin with their time: a summary of
-- blocks finds them as well as an entry for each, of which an alert made three.
-- +goose Up
DROP INDEX ledger_event;
CREATE INDEX ledger_event ON ledger USING brin (event_id) WITH (pages_per_range = 8);
-- +goose Down
DROP INDEX ledger_event;
CREATE INDEX ledger_event ON ledger (event_id);
