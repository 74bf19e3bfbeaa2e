-- +goose Up
CREATE TABLE organization (
	id         uuid PRIMARY KEY,
	org_id     uuid NOT NULL CHECK (org_id = id),
	code       text NOT NULL UNIQUE,
	name       text NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE facility (
	id         uuid PRIMARY KEY,
	org_id     uuid NOT NULL,
	code       text NOT NULL,
	name       text NOT NULL,
	zone       text NOT NULL,
	verified   boolean NOT NULL,
	aliases    text[] NOT NULL DEFAULT '{}',
	closures   text[] NOT NULL DEFAULT '{}',
	version    int NOT NULL DEFAULT 1,
	created_at timestamptz NOT NULL DEFAULT now(),
	UNIQUE (org_id, code)
);

CREATE TABLE unit (
	facility_id uuid NOT NULL REFERENCES facility,
	code        text NOT NULL,
	org_id      uuid NOT NULL,
	name        text NOT NULL DEFAULT '',
	sensitive   boolean NOT NULL DEFAULT false,
	PRIMARY KEY (facility_id, code)
);

CREATE TABLE feed (
	id           uuid PRIMARY KEY,
	org_id       uuid NOT NULL,
	name         text NOT NULL,
	development  boolean NOT NULL DEFAULT false,
	loopback     boolean NOT NULL DEFAULT false,
	enabled      boolean NOT NULL DEFAULT true,
	dialect      jsonb NOT NULL DEFAULT '{}',
	certificates text[] NOT NULL DEFAULT '{}',
	version      int NOT NULL DEFAULT 1,
	created_at   timestamptz NOT NULL DEFAULT now(),
	UNIQUE (org_id, name)
);

CREATE TABLE feed_facility (
	feed_id     uuid NOT NULL REFERENCES feed,
	facility_id uuid NOT NULL REFERENCES facility,
	org_id      uuid NOT NULL,
	PRIMARY KEY (feed_id, facility_id)
);

-- A key is shown once; what is kept tells it again and cannot make it.
CREATE TABLE api_key (
	id         uuid PRIMARY KEY,
	org_id     uuid NOT NULL,
	feed_id    uuid NOT NULL REFERENCES feed,
	prefix     text NOT NULL UNIQUE,
	hash       bytea NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	expires_at timestamptz,
	revoked_at timestamptz
);

-- Counts the changes of the tables above, so that every process notices those of others.
CREATE TABLE setup_version (
	one     boolean PRIMARY KEY DEFAULT true CHECK (one),
	version bigint NOT NULL DEFAULT 1
);
INSERT INTO setup_version DEFAULT VALUES;

-- +goose StatementBegin
CREATE FUNCTION setup_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
	UPDATE setup_version SET version = version + 1;
	RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER facility_changed AFTER INSERT OR UPDATE OR DELETE ON facility FOR EACH STATEMENT EXECUTE FUNCTION setup_changed();
CREATE TRIGGER unit_changed AFTER INSERT OR UPDATE OR DELETE ON unit FOR EACH STATEMENT EXECUTE FUNCTION setup_changed();
CREATE TRIGGER feed_changed AFTER INSERT OR UPDATE OR DELETE ON feed FOR EACH STATEMENT EXECUTE FUNCTION setup_changed();
CREATE TRIGGER feed_facility_changed AFTER INSERT OR UPDATE OR DELETE ON feed_facility FOR EACH STATEMENT EXECUTE FUNCTION setup_changed();
CREATE TRIGGER api_key_changed AFTER INSERT OR UPDATE OR DELETE ON api_key FOR EACH STATEMENT EXECUTE FUNCTION setup_changed();

-- +goose Down
DROP TABLE api_key, feed_facility, feed, unit, facility, organization, setup_version;
DROP FUNCTION setup_changed;
