-- +goose Up
-- Who is expected to leave, soonest first; those without a time last. Only stays that are being planned.
CREATE INDEX episode_planning ON episode (org_id, (coalesce(snapshot ->> 'expected_discharge_at', '9')), encounter_id) WHERE state = 'planning';
-- +goose Down
DROP INDEX episode_planning;
