-- +goose Up
-- Devices on which people want to be told of what is urgent: their browsers' push subscriptions. The roles
-- are those of the token that asked, so that who is in no directory is told as well.
CREATE TABLE device (
	id         uuid PRIMARY KEY,
	org_id     uuid NOT NULL,
	person     text NOT NULL,
	roles      text[] NOT NULL,
	endpoint   text NOT NULL,
	p256dh     bytea NOT NULL CHECK (length(p256dh) = 65),
	auth       bytea NOT NULL CHECK (length(auth) = 16),
	created_at timestamptz NOT NULL DEFAULT now(),
	until      timestamptz NOT NULL,
	CONSTRAINT device_endpoint UNIQUE (org_id, endpoint)
);
CREATE INDEX device_person ON device (org_id, person);
CREATE INDEX device_until ON device (until);

-- By which key an organization's messages are known to push services (RFC 8292).
CREATE TABLE push_key (
	org_id  uuid PRIMARY KEY,
	private bytea NOT NULL CHECK (length(private) = 32),
	made_at timestamptz NOT NULL DEFAULT now()
);

ALTER TABLE delivery DROP CONSTRAINT delivery_channel_check;
ALTER TABLE delivery ADD CONSTRAINT delivery_channel_check CHECK (channel IN ('console', 'email', 'webhook', 'push')) NOT VALID;
-- +goose Down
ALTER TABLE delivery DROP CONSTRAINT delivery_channel_check;
ALTER TABLE delivery ADD CONSTRAINT delivery_channel_check CHECK (channel IN ('console', 'email', 'webhook')) NOT VALID;
DROP TABLE push_key, device;
