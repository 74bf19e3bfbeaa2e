package picture

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/handoff-care/handoff/pkg/events"
)

// Differ lists the cases whose pictures are not equal, byte for byte.
func Differ(a, b Picture) []string {
	var out []string
	for of := range a {
		if !slices.Equal(a[of], b[of]) {
			out = append(out, of)
		}
	}
	for of := range b {
		if _, there := a[of]; !there {
			out = append(out, of)
		}
	}
	slices.Sort(out)
	return out
}

// Difference says what only one of two pictures of a case has: of rows that are alike in most, what
// differs; of others the whole row.
func Difference(a, b []string) string {
	var out strings.Builder
	onlyA, onlyB := only(a, b), only(b, a)
	for _, line := range onlyA {
		at := slices.IndexFunc(onlyB, func(other string) bool { return alike(line, other) })
		if at < 0 {
			fmt.Fprintf(&out, "- %s\n", line)
			continue
		}
		table, _, _ := strings.Cut(line, " ")
		fmt.Fprintf(&out, "  %s %s\n", table, subject(line))
		members(&out, "", decoded(line), decoded(onlyB[at]))
		onlyB = slices.Delete(onlyB, at, at+1)
	}
	for _, line := range onlyB {
		fmt.Fprintf(&out, "+ %s\n", line)
	}
	return out.String()
}

// Kinds lists what differs without saying whose: "table member", or "table -" for a whole row.
func Kinds(a, b []string) (out []string) {
	onlyA, onlyB := only(a, b), only(b, a)
	for _, line := range onlyA {
		table, _, _ := strings.Cut(line, " ")
		at := slices.IndexFunc(onlyB, func(other string) bool { return alike(line, other) })
		if at < 0 {
			out = append(out, table+" -")
			continue
		}
		var text strings.Builder
		members(&text, "", decoded(line), decoded(onlyB[at]))
		for l := range strings.Lines(text.String()) {
			if rest, ok := strings.CutPrefix(strings.TrimSpace(l), "- "); ok {
				member, _, _ := strings.Cut(rest, ":")
				out = append(out, table+" "+member)
			}
		}
		onlyB = slices.Delete(onlyB, at, at+1)
	}
	for _, line := range onlyB {
		table, _, _ := strings.Cut(line, " ")
		out = append(out, table+" +")
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func only(has, hasnt []string) (out []string) {
	for _, line := range has {
		if !slices.Contains(hasnt, line) {
			out = append(out, line)
		}
	}
	return out
}

func decoded(line string) map[string]any {
	_, doc, _ := strings.Cut(line, " ")
	var m map[string]any
	_ = json.Unmarshal([]byte(doc), &m) // it was written by text
	return m
}

// naming are the members that say which thing a row is about, as far as a table has them.
var naming = []string{"id", "message_id", "encounter_id", "patient_id", "control_id", "hash", "code", "need", "kind", "value", "source"}

func subject(line string) string {
	m := decoded(line)
	var out []string
	for _, n := range naming {
		if v, ok := m[n].(string); ok && v != "" {
			out = append(out, v)
		}
	}
	return strings.Join(out, ", ")
}

// alike: the same table, about the same thing.
func alike(a, b string) bool {
	ta, _, _ := strings.Cut(a, " ")
	tb, _, _ := strings.Cut(b, " ")
	ma, mb := decoded(a), decoded(b)
	for _, n := range naming[:2] {
		if ma[n] != nil && ta == tb {
			return ma[n] == mb[n]
		}
	}
	return ta == tb && subject(a) == subject(b)
}

// members writes the members that differ.
func members(out *strings.Builder, path string, a, b map[string]any) {
	names := slices.Collect(maps.Keys(a))
	for n := range b {
		if _, both := a[n]; !both {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	for _, n := range names {
		if text(a[n]) == text(b[n]) {
			continue
		}
		da, okA := a[n].(map[string]any)
		db, okB := b[n].(map[string]any)
		if okA && okB {
			members(out, path+n+".", da, db)
			continue
		}
		if la, lb, ok := lists(a[n], b[n]); ok {
			for i := range la {
				members(out, path+n+".", map[string]any{strconv.Itoa(i): la[i]}, map[string]any{strconv.Itoa(i): lb[i]})
			}
			continue
		}
		fmt.Fprintf(out, "    - %s%s: %s\n    + %s%s: %s\n", path, n, text(a[n]), path, n, text(b[n]))
	}
}

// Unretracted lists alerts that somebody was told of and that were taken back, where that somebody was
// not told so. An alert whose work was done is not taken back, nor one whose patient has come back; mails
// that were still to be sent are.
func Unretracted(ctx context.Context, db *pgxpool.Pool, org events.ID) ([]string, error) {
	rows, err := db.Query(ctx, `
		WITH taken_back AS (
			SELECT DISTINCT ON (a.id) a.id, a.kind, a.encounter_id, l.version, l.reason
			FROM notification.alert a JOIN notification.ledger l ON l.alert_id = a.id AND l.decision = 'resolved'
			WHERE a.org_id = $1 AND a.state = 'resolved' AND a.kind = 'transition-opened' AND a.acknowledged_at IS NULL AND NOT a.sensitive
			ORDER BY a.id, l.seq DESC
		), told AS (
			SELECT DISTINCT alert_id, recipient, channel FROM notification.delivery WHERE org_id = $1 AND state = 'delivered'
		)
		SELECT b.kind || ' of stay ' || coalesce(e.visit_key, '?') || ', resolved (' || b.reason || '): ' || t.recipient || ' by ' || t.channel
		FROM taken_back b JOIN told t ON t.alert_id = b.id LEFT JOIN admission.encounter e ON e.id = b.encounter_id
		WHERE b.reason NOT IN ('completed', 'readmitted') AND NOT EXISTS (
			SELECT FROM notification.delivery d WHERE d.alert_id = b.id AND d.recipient = t.recipient AND d.channel = t.channel
				AND d.version >= b.version AND d.state <> 'suppressed')
		ORDER BY 1`, org)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// lists are two lists of equal length whose elements can be compared one by one.
func lists(a, b any) (la, lb []any, ok bool) {
	la, okA := a.([]any)
	lb, okB := b.([]any)
	return la, lb, okA && okB && len(la) == len(lb) && len(la) > 0
}
