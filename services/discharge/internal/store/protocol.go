package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/discharge/internal/protocol"
)

// ProtocolSet is a stored set of protocols.
type ProtocolSet struct {
	ID     events.ID
	Org    events.ID
	Number int
	Digest string
	Title  string
	Files  protocol.Files    // only where it was asked for
	Prints map[string]string // code@version -> fingerprint
	MadeBy string
	MadeAt time.Time
}

// SetID is the id of an organization's set with a content.
func SetID(org events.ID, digest string) events.ID {
	return events.Derive("protocol-set", org.String(), digest)
}

// AddProtocolSet stores a set under the organization's next number. The caller holds
// the organization's book ([LockBook]).
func AddProtocolSet(ctx context.Context, tx pgx.Tx, s ProtocolSet) (number int, err error) {
	files, err := asJSON(s.Files)
	if err != nil {
		return 0, err
	}
	prints, err := asJSON(s.Prints)
	if err != nil {
		return 0, err
	}
	err = tx.QueryRow(ctx, `INSERT INTO protocol_set (id, org_id, number, digest, title, files, prints, made_by, made_at)
		SELECT $1, $2, coalesce((SELECT max(number) FROM protocol_set WHERE org_id = $2), 0) + 1, $3, $4, $5, $6, $7, $8 RETURNING number`,
		s.ID, s.Org, s.Digest, s.Title, files, prints, s.MadeBy, s.MadeAt).Scan(&number)
	if err != nil {
		return 0, fmt.Errorf("store a set of protocols: %w", err)
	}
	return number, nil
}

// ProtocolSets lists an organization's sets without their files, newest first.
func ProtocolSets(ctx context.Context, tx pgx.Tx, org events.ID) ([]ProtocolSet, error) {
	rows, err := tx.Query(ctx, `SELECT id, org_id, number, digest, title, prints::text, made_by, made_at
		FROM protocol_set WHERE org_id = $1 ORDER BY number DESC`, org)
	if err != nil {
		return nil, fmt.Errorf("list sets of protocols: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (s ProtocolSet, err error) {
		var prints string
		if err = row.Scan(&s.ID, &s.Org, &s.Number, &s.Digest, &s.Title, &prints, &s.MadeBy, &s.MadeAt); err != nil {
			return s, err
		}
		return s, json.Unmarshal([]byte(prints), &s.Prints)
	})
}

// ProtocolFiles are the files of sets, by their ids.
func ProtocolFiles(ctx context.Context, tx pgx.Tx, sets []events.ID) (map[events.ID]protocol.Files, error) {
	rows, err := tx.Query(ctx, `SELECT id, files::text FROM protocol_set WHERE id = ANY($1)`, sets)
	if err != nil {
		return nil, fmt.Errorf("load sets of protocols: %w", err)
	}
	out := make(map[events.ID]protocol.Files, len(sets))
	var id events.ID
	var text string
	_, err = pgx.ForEachRow(rows, []any{&id, &text}, func() error {
		var f protocol.Files
		if err := json.Unmarshal([]byte(text), &f); err != nil {
			return err
		}
		out[id] = f
		return nil
	})
	return out, err
}

// ProtocolAct is a decision about which set is in force, with who took it and why.
type ProtocolAct struct {
	protocol.Act
	Org     events.ID
	Replan  bool
	Preview events.ID
	Reason  string
	By      string
	At      time.Time
}

// LockBook locks an organization's book until the transaction ends, and gives its
// version: decisions come one after the other.
func LockBook(ctx context.Context, tx pgx.Tx, org events.ID) (version int64, err error) {
	err = tx.QueryRow(ctx, `INSERT INTO protocol_book (org_id, version) VALUES ($1, 0)
		ON CONFLICT (org_id) DO UPDATE SET version = protocol_book.version RETURNING version`, org).Scan(&version)
	if err != nil {
		return 0, fmt.Errorf("lock the book of protocols: %w", err)
	}
	return version, nil
}

// AddProtocolAct adds a decision to the book, which the caller holds.
func AddProtocolAct(ctx context.Context, tx pgx.Tx, a ProtocolAct) error {
	b := &pgx.Batch{}
	b.Queue(`INSERT INTO protocol_act (org_id, version, kind, facility, set_id, inherit, from_at, replan, preview_id, reason, by, at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		a.Org, a.Version, a.Kind, a.Facility, a.Set, a.Inherit, a.From, a.Replan, a.Preview, a.Reason, a.By, a.At)
	b.Queue(`UPDATE protocol_book SET version = $2 WHERE org_id = $1`, a.Org, a.Version)
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("decide on protocols: %w", err)
	}
	return nil
}

// ProtocolActs lists the decisions of organizations, newest first.
func ProtocolActs(ctx context.Context, tx pgx.Tx, orgs ...events.ID) ([]ProtocolAct, error) {
	rows, err := tx.Query(ctx, `SELECT org_id, version, kind, facility, set_id, inherit, from_at, replan, preview_id, reason, by, at
		FROM protocol_act WHERE org_id = ANY($1) ORDER BY org_id, version DESC`, orgs)
	if err != nil {
		return nil, fmt.Errorf("list decisions on protocols: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (a ProtocolAct, err error) {
		err = row.Scan(&a.Org, &a.Version, &a.Kind, &a.Facility, &a.Set, &a.Inherit, &a.From, &a.Replan, &a.Preview, &a.Reason, &a.By, &a.At)
		return a, err
	})
}

// BookVersions are the versions of all books there are, by organization.
func BookVersions(ctx context.Context, tx pgx.Tx) (map[events.ID]int64, error) {
	rows, err := tx.Query(ctx, `SELECT org_id, version FROM protocol_book`)
	if err != nil {
		return nil, fmt.Errorf("look at the books of protocols: %w", err)
	}
	out := map[events.ID]int64{}
	var org events.ID
	var version int64
	_, err = pgx.ForEachRow(rows, []any{&org, &version}, func() error {
		out[org] = version
		return nil
	})
	return out, err
}

// FacilityKnown reports whether the organization has a facility of this code.
func FacilityKnown(ctx context.Context, tx pgx.Tx, org events.ID, code string) (known bool, err error) {
	err = tx.QueryRow(ctx, `SELECT true FROM facility WHERE org_id = $1 AND code = $2 LIMIT 1`, org, code).Scan(&known)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	return known, err
}
