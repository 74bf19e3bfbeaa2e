-- Every fact of a stay changes its visit: with room for another version on the page no index has to learn of it.
-- A transition's id is found within its organization (transition_list).
-- +goose Up
ALTER TABLE visit SET (fillfactor = 50);
ALTER TABLE transition DROP CONSTRAINT transition_id_key;
-- +goose Down
ALTER TABLE transition ADD CONSTRAINT transition_id_key UNIQUE (id);
ALTER TABLE visit SET (fillfactor = 70);
