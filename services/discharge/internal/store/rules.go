package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/discharge/internal/rulebook"
)

// RuleSet is a stored set of rules.
type RuleSet struct {
	ID, Org   events.ID
	Number    int
	Digest    string
	Title     string
	Files     rulebook.Files // only where it was asked for
	Prints    map[string]string
	MadeBy    string
	MadeAt    time.Time
	Previewed *time.Time
}

// RuleAct is a decision about which set of rules is in force.
type RuleAct struct {
	Org     events.ID
	Version int64
	Kind    string
	Set     events.ID // zero: the shipped rules
	From    time.Time
	Reason  string
	By      string
	At      time.Time
}

// RuleSetID is the id of an organization's set of rules with a content.
func RuleSetID(org events.ID, digest string) events.ID {
	return events.Derive("rule-set", org.String(), digest)
}

// LockRules locks an organization's book of rules until the transaction ends, and gives its version.
func LockRules(ctx context.Context, tx pgx.Tx, org events.ID) (version int64, err error) {
	err = tx.QueryRow(ctx, `INSERT INTO rule_book (org_id, version) VALUES ($1, 0)
		ON CONFLICT (org_id) DO UPDATE SET version = rule_book.version RETURNING version`, org).Scan(&version)
	return version, told("lock the book of rules", err)
}

func told(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// AddRuleSet stores a set under the organization's next number. The caller holds the book.
func AddRuleSet(ctx context.Context, tx pgx.Tx, s RuleSet) (number int, err error) {
	files, err := asJSON(s.Files)
	if err != nil {
		return 0, err
	}
	prints, err := asJSON(s.Prints)
	if err != nil {
		return 0, err
	}
	err = tx.QueryRow(ctx, `INSERT INTO rule_set (id, org_id, number, digest, title, files, prints, made_by, made_at)
		SELECT $1, $2, coalesce((SELECT max(number) FROM rule_set WHERE org_id = $2), 0) + 1, $3, $4, $5, $6, $7, $8 RETURNING number`,
		s.ID, s.Org, s.Digest, s.Title, files, prints, s.MadeBy, s.MadeAt).Scan(&number)
	return number, told("store a set of rules", err)
}

// RuleSets lists an organization's sets without their files, newest first.
func RuleSets(ctx context.Context, tx pgx.Tx, org events.ID) ([]RuleSet, error) {
	rows, err := tx.Query(ctx, `SELECT id, org_id, number, digest, title, prints::text, made_by, made_at, previewed_at
		FROM rule_set WHERE org_id = $1 ORDER BY number DESC`, org)
	if err != nil {
		return nil, told("list sets of rules", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (s RuleSet, err error) {
		var prints string
		if err = row.Scan(&s.ID, &s.Org, &s.Number, &s.Digest, &s.Title, &prints, &s.MadeBy, &s.MadeAt, &s.Previewed); err != nil {
			return s, err
		}
		return s, json.Unmarshal([]byte(prints), &s.Prints)
	})
}

// RuleFiles are the files of sets of rules, by their ids.
func RuleFiles(ctx context.Context, tx pgx.Tx, sets []events.ID) (map[events.ID]rulebook.Files, error) {
	rows, err := tx.Query(ctx, `SELECT id, files::text FROM rule_set WHERE id = ANY($1)`, sets)
	if err != nil {
		return nil, told("load sets of rules", err)
	}
	out := make(map[events.ID]rulebook.Files, len(sets))
	var id events.ID
	var text string
	_, err = pgx.ForEachRow(rows, []any{&id, &text}, func() error {
		var f rulebook.Files
		if err := json.Unmarshal([]byte(text), &f); err != nil {
			return err
		}
		out[id] = f
		return nil
	})
	return out, err
}

// RulesPreviewed notes that somebody has looked at what a set would change.
func RulesPreviewed(ctx context.Context, tx pgx.Tx, set events.ID, at time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE rule_set SET previewed_at = $2 WHERE id = $1`, set, at)
	return told("note a preview of rules", err)
}

// AddRuleAct adds a decision to the book, which the caller holds.
func AddRuleAct(ctx context.Context, tx pgx.Tx, a RuleAct) error {
	b := &pgx.Batch{}
	b.Queue(`INSERT INTO rule_act (org_id, version, kind, set_id, from_at, reason, by, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		a.Org, a.Version, a.Kind, a.Set, a.From, a.Reason, a.By, a.At)
	b.Queue(`UPDATE rule_book SET version = $2 WHERE org_id = $1`, a.Org, a.Version)
	return told("decide on rules", tx.SendBatch(ctx, b).Close())
}

// RuleActs lists the decisions of organizations, newest first.
func RuleActs(ctx context.Context, tx pgx.Tx, orgs ...events.ID) ([]RuleAct, error) {
	rows, err := tx.Query(ctx, `SELECT org_id, version, kind, set_id, from_at, reason, by, at FROM rule_act WHERE org_id = ANY($1) ORDER BY org_id, version DESC`, orgs)
	if err != nil {
		return nil, told("list decisions on rules", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[RuleAct])
}

// RuleVersions are the versions of all books of rules there are, by organization.
func RuleVersions(ctx context.Context, tx pgx.Tx) (map[events.ID]int64, error) {
	rows, err := tx.Query(ctx, `SELECT org_id, version FROM rule_book`)
	if err != nil {
		return nil, told("look at the books of rules", err)
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
