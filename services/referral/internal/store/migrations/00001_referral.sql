-- +goose Up

-- One row per organization: counts changes of its directory, so that whoever keeps it in memory knows
-- when to read it again. Its row lock puts writers of one directory in a row.
CREATE TABLE directory (
	org_id  uuid PRIMARY KEY,
	version bigint NOT NULL
);

CREATE TABLE provider (
	id              uuid PRIMARY KEY,
	org_id          uuid NOT NULL,
	version         int NOT NULL DEFAULT 1,
	name            text NOT NULL,
	needs           text[] NOT NULL,                 -- what it is licensed for
	ccn             text NOT NULL DEFAULT '',        -- CMS certification number
	npi             text NOT NULL DEFAULT '',
	facility_id     uuid,                            -- the facility whose own A01/A04 confirms an arrival
	facility        text NOT NULL DEFAULT '',        -- its code (MSH-4)
	address         text NOT NULL DEFAULT '',
	city            text NOT NULL DEFAULT '',
	state           text NOT NULL DEFAULT '',
	zip             text NOT NULL DEFAULT '',
	phone           text NOT NULL DEFAULT '',
	areas           text[] NOT NULL DEFAULT '{}',    -- ZIP3, or * for anywhere; none: its own ZIP3
	payers          text[] NOT NULL DEFAULT '{}',    -- none: not stated
	languages       text[] NOT NULL DEFAULT '{}',    -- ISO 639-1; none: not stated
	interpreter     boolean NOT NULL DEFAULT false,
	sexes           text[] NOT NULL DEFAULT '{}',    -- none: everybody
	min_age         int,
	max_age         int,
	capabilities    text[] NOT NULL DEFAULT '{}',    -- isolation, bariatric, dialysis
	beds            int,
	open_beds       int,                             -- free places as last reported
	capacity_at     timestamptz,                     -- when that was
	rating          real,                            -- 1..5 stars
	agreement_from  date,
	agreement_until date,                            -- the last day
	active          boolean NOT NULL DEFAULT true,
	created_at      timestamptz NOT NULL DEFAULT now(),
	updated_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX provider_name ON provider (org_id, name, id);
CREATE UNIQUE INDEX provider_ccn ON provider (org_id, ccn) WHERE ccn <> '';

CREATE TABLE facility (
	id     uuid PRIMARY KEY,
	org_id uuid NOT NULL,
	code   text NOT NULL,
	name   text NOT NULL
);
CREATE INDEX facility_code ON facility (org_id, code);

CREATE TABLE referral (
	id                uuid PRIMARY KEY,
	org_id            uuid NOT NULL,
	encounter_id      uuid NOT NULL,
	transition_id     uuid NOT NULL,
	patient_id        uuid NOT NULL,
	facility          text NOT NULL,
	unit              text NOT NULL,
	need              text NOT NULL,
	state             text NOT NULL CHECK (state IN ('drafted', 'sent', 'acknowledged', 'offered', 'declined', 'accepted',
	                                                 'booked', 'arrived', 'no-show', 'withdrawn', 'expired')),
	reason            text NOT NULL,
	version           int NOT NULL,
	current           boolean NOT NULL,  -- it stands for its need; false once recalled
	followed          int NOT NULL,      -- version of the transition it was last decided from
	discharged_at     timestamptz,
	provider_id       uuid,
	start_at          timestamptz,
	sensitive         boolean NOT NULL,
	late              boolean NOT NULL,
	criteria          json NOT NULL,     -- what the match knew of the patient: codes only
	candidates        int NOT NULL,
	ranking           json NOT NULL,
	ranking_sum       bigint NOT NULL,   -- equal for equal rankings
	directory_version bigint NOT NULL,   -- the directory it was ranked from
	arrival_id        uuid,              -- the stay at the receiving facility that closed it
	created_at        timestamptz NOT NULL DEFAULT now(),
	updated_at        timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX referral_current ON referral (transition_id, need) WHERE current;
CREATE INDEX referral_encounter ON referral (encounter_id);
CREATE INDEX referral_list ON referral (org_id, created_at, id);
CREATE INDEX referral_state ON referral (org_id, state, created_at, id);
CREATE INDEX referral_patient ON referral (patient_id)
	WHERE state NOT IN ('withdrawn', 'expired');
CREATE INDEX referral_arrival ON referral (arrival_id) WHERE arrival_id IS NOT NULL;

-- What was asked of one provider and what it answered. One provider holds an accepted offer: the
-- state machine says so under the referral's row lock, and the index says so whatever else happens.
CREATE TABLE offer (
	referral_id uuid NOT NULL REFERENCES referral,
	provider_id uuid NOT NULL,
	org_id      uuid NOT NULL,
	state       text NOT NULL CHECK (state IN ('sent', 'acknowledged', 'offered', 'declined', 'accepted', 'withdrawn')),
	reason      text NOT NULL,
	place       int NOT NULL,        -- in the order asked
	updated_at  timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (referral_id, provider_id)
);
CREATE UNIQUE INDEX offer_accepted ON offer (referral_id) WHERE state = 'accepted';

-- Everything that ever happened to a referral: one row per version, never changed.
CREATE TABLE history (
	referral_id uuid NOT NULL REFERENCES referral,
	version     int NOT NULL,
	org_id      uuid NOT NULL,
	at          timestamptz NOT NULL,
	by          text NOT NULL,       -- a person (token subject), or '' for the system
	action      text NOT NULL,
	state       text NOT NULL,       -- after it
	provider_id uuid,                -- whom it was about, where it was about one
	asked       uuid[],              -- who was asked for the first time, in the order given
	reason      text NOT NULL,
	note        text NOT NULL,       -- a person's words; they stay here
	PRIMARY KEY (referral_id, version)
);
CREATE INDEX history_org ON history (org_id, action);

-- Which patients are one person. A patient without a row is a person of its own.
CREATE TABLE person (
	patient_id uuid PRIMARY KEY,
	org_id     uuid NOT NULL,
	person_id  uuid NOT NULL
);
CREATE INDEX person_person ON person (person_id);

-- Stays at facilities that providers are tied to: each may close a referral.
CREATE TABLE arrival (
	encounter_id uuid PRIMARY KEY,
	org_id       uuid NOT NULL,
	patient_id   uuid NOT NULL,
	facility_id  uuid NOT NULL,
	facility     text NOT NULL,
	admitted_at  timestamptz NOT NULL,
	live         boolean NOT NULL,       -- false: the admission was cancelled
	fold         bigint NOT NULL         -- version of the stay's snapshot
);
CREATE INDEX arrival_patient ON arrival (patient_id);

-- +goose Down
DROP TABLE arrival, person, history, offer, referral, facility, provider, directory;
