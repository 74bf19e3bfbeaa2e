-- +goose Up
-- Sealed bytes do not become shorter: up to 8 kB they stay in their row instead of moving to a table beside it.
ALTER TABLE message_raw SET (toast_tuple_target = 8160);
-- +goose Down
ALTER TABLE message_raw RESET (toast_tuple_target);
