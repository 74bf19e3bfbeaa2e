-- Most messages change a stay and its patient, some seconds or hours after the one before: with room for
-- another version on the page no index has to learn of it.
-- +goose Up
ALTER TABLE encounter SET (fillfactor = 40);
ALTER TABLE patient SET (fillfactor = 50);
-- +goose Down
ALTER TABLE encounter SET (fillfactor = 70);
ALTER TABLE patient SET (fillfactor = 70);
