-- A stay's key is drawn from many times within seconds: with room beside it each time is an update in place.
-- +goose Up
ALTER TABLE event_key SET (fillfactor = 50);
-- +goose Down
ALTER TABLE event_key SET (fillfactor = 80);
