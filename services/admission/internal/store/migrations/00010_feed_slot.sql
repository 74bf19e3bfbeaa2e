-- +goose Up
-- How a feed did, ten minutes to a row: replies by how long they took, messages by what they lacked.
-- Written with the feed's pulse, once a second at most; kept for nine days.
CREATE TABLE feed_slot (
	feed_id        uuid NOT NULL,
	at             timestamptz NOT NULL,
	org_id         uuid NOT NULL,
	acks           bigint[] NOT NULL,
	handled        bigint NOT NULL,
	quarantined    bigint NOT NULL,
	unknown        bigint NOT NULL,
	discharges     bigint NOT NULL,
	no_disposition bigint NOT NULL,
	late           bigint NOT NULL,
	no_pcp         bigint NOT NULL,
	PRIMARY KEY (feed_id, at)
) WITH (fillfactor = 50);
-- +goose Down
DROP TABLE feed_slot;
