package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/console/internal/board"
)

// Query chooses tasks of the worklist.
type Query struct {
	board.View
	Person string // whose "mine" and "done"
	Blind  bool   // confidential stays are left out where a filter would tell what they keep back
	Limit  int
	After  Position // where the page before ended
}

// Position is a keyset position: a due time as text ("" before the first) and a task.
type Position struct {
	Due string    `json:"d"`
	ID  events.ID `json:"i"`
}

// few is how many episodes a filter may leave for the tasks to be looked up by episode; where it leaves
// more, enough of them are met on the way through the tasks in order of their due times.
const few = 1500

const workColumns = `t.snapshot, e.snapshot, coalesce(f.zone, ''), coalesce(f.name, ''), coalesce(t.done_by, ''), t.created_at, t.changed_at`

const workTables = ` FROM task t LEFT JOIN episode e USING (encounter_id)
	LEFT JOIN LATERAL (SELECT zone, name FROM facility WHERE org_id = t.org_id AND code = t.facility LIMIT 1) f ON true`

// statement collects conditions and their arguments.
type statement struct {
	conds []string
	args  []any
}

// and adds a condition; each ? is an argument.
func (s *statement) and(cond string, args ...any) {
	for _, a := range args {
		s.args = append(s.args, a)
		cond = strings.Replace(cond, "?", fmt.Sprintf("$%d", len(s.args)), 1)
	}
	s.conds = append(s.conds, cond)
}

// walk has the planner go through an index in its order and stop when the page is full, which is right
// whatever it believes to know of tables that grew a hundredfold since it looked last.
const walk = `SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_hashjoin = off`

// plainly has it choose by itself again.
const plainly = `SET LOCAL enable_sort = on; SET LOCAL enable_bitmapscan = on; SET LOCAL enable_hashjoin = on`

// steer tells the planner how to go about the next statement.
func steer(ctx context.Context, tx pgx.Tx, how string) error {
	_, err := tx.Conn().PgConn().Exec(ctx, how).ReadAll()
	return err
}

func (s *statement) where() string { return " WHERE " + strings.Join(s.conds, " AND ") }

// tasks adds what a view asks of a task.
func (q Query) tasks(s *statement) {
	s.and("t.open")
	switch q.Name {
	case "mine":
		s.and("t.owner = ?", q.Person)
	case "unclaimed":
		s.and("t.owner IS NULL")
	case "overdue":
		s.and("t.due_at <= now()")
	case "today":
		s.and(`t.due_at <= now() + interval '25 hours' AND
			t.due_at <= (date_trunc('day', now() AT TIME ZONE coalesce(f.zone, 'America/New_York')) + interval '1 day') AT TIME ZONE coalesce(f.zone, 'America/New_York')`)
	}
	if q.Facility != "" {
		s.and("t.facility = ?", q.Facility)
	}
}

// episodes adds what a view asks of an episode.
func (q Query) episodes(s *statement) {
	s.and("e.state IN ('planning', 'active')")
	if q.Unit != "" {
		s.and("e.facility = ? AND e.unit = ?", q.Facility, q.Unit)
	}
	if q.Risk != "" {
		s.and("e.band = ?", q.Risk)
	}
	if q.Disposition != "" {
		s.and("e.disposition = ?", q.Disposition)
	}
	if q.Protocol != "" {
		s.and("strpos(e.protocols, ?) > 0", `"`+q.Protocol+`@`)
	}
	if q.Blind {
		s.and("NOT e.sensitive")
	}
}

// narrowed adds what a view asks of episodes: their ids where they are few, else the condition itself,
// to be met on a walk.
func (q Query) narrowed(ctx context.Context, tx pgx.Tx, s *statement) error {
	if !q.OfEpisodes() {
		return steer(ctx, tx, walk)
	}
	var e statement
	q.episodes(&e)
	rows, err := tx.Query(ctx, fmt.Sprintf(`SELECT e.encounter_id FROM episode e %s LIMIT %d`, e.where(), few+1), e.args...)
	if err != nil {
		return err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[events.ID])
	if err != nil {
		return err
	}
	if len(ids) <= few {
		s.and("t.encounter_id = ANY(?)", ids)
		return nil
	}
	q.episodes(s)
	return steer(ctx, tx, walk)
}

func (p Position) after(s *statement) {
	if p.Due != "" {
		s.and("(t.due_at, t.id) > (?::text::timestamptz, ?)", p.Due, p.ID)
	}
}

// Worklist returns a page of tasks, what is due first first. One more than q.Limit means that there
// is a next page.
func (s *Store) Worklist(ctx context.Context, org events.ID, q Query) (list []board.Work, err error) {
	err = s.db.Tx(ctx, org, func(tx pgx.Tx) error {
		var sql statement
		if q.Name == "done" {
			sql.and("t.done_by = ? AND t.changed_at > now() - interval '7 days' AND (? = '' OR t.facility = ?)", q.Person, q.Facility, q.Facility)
			list, err = works(ctx, tx, sql, fmt.Sprintf("ORDER BY t.changed_at DESC LIMIT %d", q.Limit+1))
			return err
		}
		q.tasks(&sql)
		if err := q.narrowed(ctx, tx, &sql); err != nil {
			return err
		}
		q.After.after(&sql)
		order := fmt.Sprintf("ORDER BY t.due_at, t.id LIMIT %d", q.Limit+1)
		if sql.ofTasks() {
			list, err = shortly(ctx, tx, sql, order)
			return err
		}
		list, err = works(ctx, tx, sql, order)
		return err
	})
	return list, err
}

// Patients returns a page of the worklist patient by patient, whoever has something due first first:
// the tasks of q.Limit stays, and where the next page starts.
func (s *Store) Patients(ctx context.Context, org events.ID, q Query) (list []board.Work, next *Position, err error) {
	err = s.db.Tx(ctx, org, func(tx pgx.Tx) error {
		heads, err := q.heads(ctx, tx)
		if err != nil {
			return err
		}
		if len(heads) > q.Limit {
			heads = heads[:q.Limit]
			next = &heads[q.Limit-1].Position
		}
		at := make(map[events.ID]int, len(heads))
		ids := make([]events.ID, len(heads))
		for i, h := range heads {
			at[h.Encounter], ids[i] = i, h.Encounter
		}
		var all statement
		q.tasks(&all)
		all.and("t.encounter_id = ANY(?)", ids)
		if err := steer(ctx, tx, plainly); err != nil {
			return err
		}
		list, err = works(ctx, tx, all, "ORDER BY t.due_at, t.id")
		slices.SortStableFunc(list, func(a, b board.Work) int { return at[a.Task.Encounter] - at[b.Task.Encounter] })
		return err
	})
	return list, next, err
}

// head is the first task of a stay.
type head struct {
	Encounter events.ID
	Position
}

// stride is how many tasks are looked at at once for the first ones of their stays.
const stride = 400

// heads lists the first tasks of q.Limit stays after q.After, and one more where there is one.
func (q Query) heads(ctx context.Context, tx pgx.Tx) (list []head, err error) {
	var sql statement
	q.tasks(&sql)
	if err := q.narrowed(ctx, tx, &sql); err != nil {
		return nil, err
	}
	for after := q.After; len(list) <= q.Limit; {
		step := statement{slices.Clone(sql.conds), slices.Clone(sql.args)}
		after.after(&step)
		met, err := positions(ctx, tx, step, fmt.Sprintf("SELECT t.encounter_id, t.due_at::text, t.id %s %s ORDER BY t.due_at, t.id LIMIT %d", step.tables(), step.where(), stride))
		if err != nil {
			return nil, err
		}
		ids := make([]events.ID, len(met))
		for i, h := range met {
			ids[i] = h.Encounter
		}
		var own statement
		q.tasks(&own)
		own.and("t.encounter_id = ANY(?)", ids)
		if err := steer(ctx, tx, plainly); err != nil {
			return nil, err
		}
		firsts, err := positions(ctx, tx, own, "SELECT DISTINCT ON (t.encounter_id) t.encounter_id, t.due_at::text, t.id "+own.tables()+own.where()+" ORDER BY t.encounter_id, t.due_at, t.id")
		if err != nil {
			return nil, err
		}
		is := make(map[events.ID]bool, len(firsts))
		for _, f := range firsts {
			is[f.ID] = true
		}
		for _, h := range met {
			if is[h.ID] {
				list = append(list, h)
			}
		}
		if len(met) < stride {
			break
		}
		after = met[stride-1].Position
		if err := steer(ctx, tx, walk); err != nil {
			return nil, err
		}
	}
	return list[:min(len(list), q.Limit+1)], nil
}

func positions(ctx context.Context, tx pgx.Tx, s statement, sql string) ([]head, error) {
	rows, err := tx.Query(ctx, sql, s.args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (h head, err error) {
		return h, row.Scan(&h.Encounter, &h.Due, &h.ID)
	})
}

// ofTasks reports whether the conditions are on tasks alone.
func (s *statement) ofTasks() bool {
	return !slices.ContainsFunc(s.conds, func(c string) bool { return strings.Contains(c, "e.") || strings.Contains(c, "f.") })
}

// tables is what the conditions are on.
func (s *statement) tables() string {
	if s.ofTasks() {
		return " FROM task t"
	}
	return workTables
}

// shortly is works where the conditions are on tasks alone: what stays and facilities say is looked up for the
// page, not for all that is sorted to make it.
func shortly(ctx context.Context, tx pgx.Tx, s statement, order string) ([]board.Work, error) {
	inner := "(SELECT * FROM task t" + s.where() + " " + order + ")"
	rows, err := tx.Query(ctx, `SELECT `+workColumns+strings.Replace(workTables, "FROM task t", "FROM "+inner+" t", 1)+" ORDER BY t.due_at, t.id", s.args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanWork)
}

func works(ctx context.Context, tx pgx.Tx, s statement, order string) ([]board.Work, error) {
	rows, err := tx.Query(ctx, `SELECT `+workColumns+workTables+s.where()+" "+order, s.args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanWork)
}

// Counts are how many open tasks each view holds, all facilities together.
type Counts struct{ All, Unclaimed, Overdue, Today, Mine int }

// Tally is the counts of an organization, and how many tasks each person has. Index entries are enough
// for it.
type Tally struct {
	Counts
	By map[string]int
}

// Of is the counts as a person sees them.
func (t Tally) Of(person string) Counts {
	c := t.Counts
	c.Mine = t.By[person]
	return c
}

// Tally counts an organization's open tasks.
func (s *Store) Tally(ctx context.Context, org events.ID) (t Tally, err error) {
	t.By = map[string]int{}
	err = s.db.Tx(ctx, org, func(tx pgx.Tx) error {
		if err := steer(ctx, tx, walk); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `SELECT owner, count(*) FROM task WHERE open AND owner IS NOT NULL GROUP BY owner`)
		if err != nil {
			return err
		}
		var owner string
		var n, owned int
		if _, err := pgx.ForEachRow(rows, []any{&owner, &n}, func() error { t.By[owner] = n; owned += n; return nil }); err != nil {
			return err
		}
		err = tx.QueryRow(ctx, `SELECT (SELECT count(*) FROM task WHERE open), (SELECT count(*) FROM task WHERE open AND due_at <= now()),
			coalesce((SELECT sum((SELECT count(*) FROM task WHERE open AND facility = f.code AND due_at <=
				(date_trunc('day', now() AT TIME ZONE f.zone) + interval '1 day') AT TIME ZONE f.zone))
				FROM (SELECT DISTINCT ON (code) code, zone FROM facility ORDER BY code) f), 0)`).
			Scan(&t.All, &t.Overdue, &t.Today)
		t.Unclaimed = t.All - owned
		return err
	})
	return t, err
}

// Facet is a combination of what episodes under way can be filtered by.
type Facet struct {
	Facility, Unit, Disposition string
	Protocols                   string // a JSON array
}

// Facets lists the combinations there are, for people to choose from.
func (s *Store) Facets(ctx context.Context, org events.ID) (list []Facet, err error) {
	err = s.db.Tx(ctx, org, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT DISTINCT facility, unit, disposition, protocols FROM episode
			WHERE state IN ('planning', 'active') AND NOT sensitive LIMIT 5000`)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Facet])
		return err
	})
	return list, err
}

// FirstDue returns the earliest due time of the open tasks of each stay that has any, of every
// organization: what the hub tells browsers of a change.
func (s *Store) FirstDue(ctx context.Context, encounters []events.ID) (map[events.ID]time.Time, error) {
	due := make(map[events.ID]time.Time, len(encounters))
	rows, err := s.db.System.Query(ctx, `SELECT encounter_id, least(min(due_at), 'epoch'::timestamptz + interval '1000 years') FROM task
		WHERE open AND encounter_id = ANY($1) GROUP BY encounter_id`, encounters)
	if err != nil {
		return nil, err
	}
	var id events.ID
	var at time.Time
	_, err = pgx.ForEachRow(rows, []any{&id, &at}, func() error { due[id] = at; return nil })
	return due, err
}
