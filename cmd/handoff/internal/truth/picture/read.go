package picture

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
)

// Picture is what an organization's services hold, by case: lines "service.table {row}", sorted.
type Picture map[string][]string

var (
	uuids = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	tag   = regexp.MustCompile(`K[0-9a-z][0-9]{5}`)
)

// Tag is the tag of case n of a run: five digits after a letter that keeps runs apart.
func Tag(run byte, n int) string { return fmt.Sprintf("K%c%05d", run, n) }

// Read takes the picture of an organization at rest. Pictures that are to be compared are taken in one
// transaction that sees one moment: time goes on, and tasks become overdue.
func Read(ctx context.Context, db pgx.Tx, org events.ID, services []string) (Picture, error) {
	list, err := tablesOf(ctx, db, services)
	if err != nil {
		return nil, err
	}
	names, err := meanings(ctx, db, org, queries)
	if err != nil {
		return nil, err
	}
	retired, err := meanings(ctx, db, org, append(queries[:len(queries):len(queries)], formerly))
	if err != nil {
		return nil, err
	}
	persons, err := meanings(ctx, db, org, append(queries[:len(queries):len(queries)], groups))
	if err != nil {
		return nil, err
	}
	p := Picture{}
	for _, name := range list {
		w := words{names, persons}
		if !strings.HasPrefix(name, "admission.") {
			w.names = retired // others must know whoever survives
		}
		if err := p.read(ctx, db, org, name, w); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	for _, lines := range p {
		slices.Sort(lines)
	}
	return p, nil
}

// tablesOf lists what is to be compared: every table with rows of organizations that is not left out.
func tablesOf(ctx context.Context, db pgx.Tx, services []string) ([]string, error) {
	rows, err := db.Query(ctx, `SELECT table_schema || '.' || table_name, table_name::text FROM information_schema.columns
		WHERE table_schema = ANY($1) AND column_name = 'org_id' AND table_name IN (SELECT tablename FROM pg_tables) ORDER BY 1`, services)
	if err != nil {
		return nil, err
	}
	var out []string
	var full, short string
	_, err = pgx.ForEachRow(rows, []any{&full, &short}, func() error {
		if left[full] == "" && !isPlumbing(short) {
			out = append(out, full)
		}
		return nil
	})
	return out, err
}

func (p Picture) read(ctx context.Context, db pgx.Tx, org events.ID, name string, names words) error {
	how := tables[name]
	query := cmp.Or(how.query, `SELECT to_jsonb(t)::text FROM `+name+` t WHERE org_id = $1`)
	rows, err := db.Query(ctx, query, org)
	if err != nil {
		return err
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, line := range lines {
		written, err := how.line(line, names)
		if err != nil {
			return err
		}
		if written == "" {
			continue
		}
		of := tag.FindString(written)
		if of == "" {
			return fmt.Errorf("a row belongs to no case (left out of the comparison? say so in tables.go): %s", written)
		}
		p[of] = append(p[of], name+" "+written)
	}
	return nil
}

// line writes one row in the order and words that every order of messages shares; "" if it does not stand.
func (t table) line(raw string, names words) (string, error) {
	var r row
	if err := json.Unmarshal([]byte(raw), &r); err != nil {
		return "", err
	}
	if t.stands != nil && !t.stands(r) {
		return "", nil
	}
	for _, d := range t.docs {
		s, ok := r[d].(string)
		if !ok || s == "" {
			continue
		}
		var v any
		if err := json.Unmarshal([]byte(s), &v); err != nil {
			return "", fmt.Errorf("%s is not JSON: %w", d, err)
		}
		r[d] = v
	}
	t.omitted(r)
	named, ok := names.in(map[string]any(r), "").(map[string]any)
	if !ok {
		return "", fmt.Errorf("not a row: %s", raw)
	}
	r = named
	if t.edit != nil {
		t.edit(r)
	}
	return text(map[string]any(r)), nil
}

// words are what ids stand for. A person is a group of patients and has the id of one of them, so
// where a person is meant the words are others.
type words struct{ names, persons map[string]string }

// in replaces ids by what they stand for, in every text of a value; member is what the value is called.
func (w words) in(v any, member string) any {
	switch v := v.(type) {
	case string:
		names := w.names
		if member == "person_id" || member == "person" {
			names = w.persons
		}
		return uuids.ReplaceAllStringFunc(v, func(id string) string {
			if n := names[id]; n != "" {
				return n
			}
			return id
		})
	case []any:
		for i := range v {
			v[i] = w.in(v[i], member)
		}
	case map[string]any:
		for _, k := range slices.Collect(maps.Keys(v)) {
			v[k] = w.in(v[k], k)
		}
	}
	return v
}

// meanings are what ids stand for.
func meanings(ctx context.Context, db pgx.Tx, org events.ID, queries []string) (map[string]string, error) {
	w := words{names: map[string]string{"00000000-0000-0000-0000-000000000000": "none"}}
	for _, q := range queries {
		rows, err := db.Query(ctx, q, org)
		if err != nil {
			return nil, err
		}
		var id, meaning string
		found := map[string]string{}
		if _, err := pgx.ForEachRow(rows, []any{&id, &meaning}, func() error {
			found[id], _ = w.in(meaning, "").(string)
			return nil
		}); err != nil {
			return nil, fmt.Errorf("%s: %w", q, err)
		}
		maps.Copy(w.names, found)
	}
	return w.names, nil
}

// queries give ids and what they stand for, in words that may hold ids of queries before.
var queries = []string{
	`SELECT id::text, 'facility ' || code FROM admission.facility WHERE org_id = $1`,
	`SELECT id::text, 'feed ' || name FROM admission.feed WHERE org_id = $1`,
	`SELECT id::text, 'provider ' || name FROM referral.provider WHERE org_id = $1`,
	`SELECT id::text, 'message ' || control_id || '/' || substr(encode(hash, 'hex'), 1, 8) FROM admission.message WHERE org_id = $1`,
	`SELECT p.id::text, 'patient ' || p.facility_id || ' ' || n.names FROM admission.patient p JOIN (` + standing + `) n ON n.root = coalesce(p.into_id, p.id) WHERE p.org_id = $1`,
	`SELECT e.id::text, 'stay ' || e.facility_id || ' ' || n.keys FROM admission.encounter e JOIN (
		SELECT coalesce(into_id, id) AS home, string_agg(visit_key, ' ' ORDER BY visit_key) AS keys FROM admission.encounter WHERE org_id = $1 GROUP BY 1
	) n ON n.home = coalesce(e.into_id, e.id) WHERE e.org_id = $1`,
	`SELECT id::text, 'transition of ' || encounter_id FROM discharge.transition WHERE org_id = $1`,
	`SELECT r->>'id', 'return by ' || (r->'arrival'->>'encounter_id') FROM discharge.transition, json_array_elements(outlook->'returns') r WHERE org_id = $1`,
	`SELECT id::text, 'task ' || code || ' of ' || encounter_id FROM discharge.task WHERE org_id = $1`,
	`SELECT id::text, 'referral for ' || need || ' of ' || encounter_id FROM referral.referral WHERE org_id = $1`,
	`SELECT id::text, 'alert ' || kind || ' of ' || coalesce(encounter_id::text, facility) FROM notification.alert WHERE org_id = $1`,
}

// formerly are the patients who stand for themselves no more.
const formerly = `SELECT p.id::text, 'the retired one of ' || p.into_id FROM admission.patient p WHERE p.org_id = $1 AND p.into_id IS NOT NULL`

// standing are the patients that stand for themselves, with all names that stand for them.
const standing = `SELECT coalesce(q.into_id, q.id) AS root, string_agg(DISTINCT i.kind || ' ' || i.value, ' ' ORDER BY i.kind || ' ' || i.value) AS names
	FROM admission.patient_identifier i JOIN admission.patient q ON q.id = i.patient_id WHERE i.org_id = $1 GROUP BY 1`

// groups are the persons: a patient alone, or several.
const groups = `SELECT p.person_id::text, 'person of ' || string_agg(n.names, ' and ' ORDER BY n.names) FROM admission.patient p
	JOIN (` + standing + `) n ON n.root = p.id WHERE p.org_id = $1 GROUP BY p.person_id`
