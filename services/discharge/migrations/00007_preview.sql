-- +goose Up
-- Emergency visits that ended and opened no transition: a change of protocols may open one for
-- such a visit, so a preview looks at them beside the transitions. Kept 90 days.
CREATE TABLE unopened (
	encounter_id  uuid PRIMARY KEY,
	org_id        uuid NOT NULL,
	discharged_at timestamptz NOT NULL,
	stay          json NOT NULL             -- the snapshot, as in transition
);
CREATE INDEX unopened_discharged ON unopened (org_id, discharged_at, encounter_id);
CREATE INDEX transition_discharged ON transition (org_id, discharged_at, encounter_id) WHERE discharged_at IS NOT NULL;

-- What a preview said, and who looked: a set is activated by somebody who knows what it does.
CREATE TABLE protocol_preview (
	id       uuid PRIMARY KEY,
	org_id   uuid NOT NULL,
	digest   text NOT NULL,                 -- of the candidate
	against  text NOT NULL,                 -- digest of the organization's set in force
	facility text NOT NULL,
	since    timestamptz NOT NULL,
	until    timestamptz NOT NULL,
	result   json NOT NULL,
	by       text NOT NULL,
	at       timestamptz NOT NULL
);
CREATE INDEX protocol_preview_list ON protocol_preview (org_id, at DESC);

-- What the set that is tried beside the one in force (an act of kind shadow) would have planned,
-- for each stay that ended meanwhile and gets tasks by one of them.
CREATE TABLE protocol_shadow (
	org_id        uuid NOT NULL,
	act           bigint NOT NULL,          -- version of the act
	encounter_id  uuid NOT NULL,
	patient_id    uuid NOT NULL,
	facility      text NOT NULL,
	discharged_at timestamptz NOT NULL,
	tasks         json,                     -- those that differ; none: all are alike
	at            timestamptz NOT NULL,
	PRIMARY KEY (org_id, act, encounter_id)
);

-- Transitions to plan again after an act whose time had passed: how far that is.
CREATE TABLE protocol_replan (
	id       uuid PRIMARY KEY,              -- of the organization and the act
	org_id   uuid NOT NULL,
	act      bigint NOT NULL,
	facility text NOT NULL,
	at_time  timestamptz NOT NULL,          -- the place: discharges after this, then by id
	at_id    uuid,
	looked   integer NOT NULL,
	changed  integer NOT NULL,
	done_at  timestamptz
);
-- +goose Down
DROP TABLE protocol_replan, protocol_shadow;
DROP TABLE protocol_preview;
DROP INDEX transition_discharged;
DROP TABLE unopened;
