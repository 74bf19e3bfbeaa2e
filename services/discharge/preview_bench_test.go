package discharge

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/discharge/internal/preview"
	"github.com/handoff-care/handoff/services/discharge/internal/protocol"
	"github.com/handoff-care/handoff/services/discharge/internal/store"
)

// BenchmarkPreview measures a preview of 100,000 recorded stays of 30 days, tasks and
// their owners included; its goal is 60 s on two processors.
func BenchmarkPreview(b *testing.B) {
	const stays = 100_000
	h := newHospital(b)
	now := left.AddDate(0, 0, 30)
	h.s.clock = func() time.Time { return now }
	h.record(stays)
	files := protocol.Files{}
	for name, text := range candidateFiles() {
		files[name] = text.(string)
	}
	candidate, err := files.Over(protocol.ShippedFiles()).Load(h.s.shelf.shipped.Rules())
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		start, told, said := time.Now(), 0, time.Duration(0)
		run := &whatIf{
			s: h.s, db: h.db, window: store.Window{Org: mercy, Since: now.AddDate(0, 0, -31), Until: now}, candidate: candidate,
			book: h.s.shelf.look().book(mercy), at: now, each: func(preview.Patient) error { told++; return nil },
			progress: func(done, of int) {
				if since := time.Since(start); done == of || since-said >= time.Second {
					said = since
					b.Logf("%6d of %d stays after %4.1f s", done, of, since.Seconds())
				}
			},
		}
		r, err := run.run(context.Background())
		if err != nil {
			b.Fatal(err)
		}
		if r.Stays != stays || r.Changed != told || told == 0 {
			b.Fatalf("%d stays, %d changed, %d told", r.Stays, r.Changed, told)
		}
		b.Logf("%d stays in %.1f s on %d processors: %d tasks today, %d then; %d patients differ; %d people", r.Stays, time.Since(start).Seconds(),
			runtime.GOMAXPROCS(0), r.Tasks.Today, r.Tasks.Candidate, r.Changed, len(r.People))
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/preview")
	b.ReportMetric(float64(stays*b.N)/b.Elapsed().Seconds(), "stays/s")
}

// originals is how many stays on record were really heard of.
const originals = 1000

// record has n stays on record: a thousand that were heard of, and copies of them that
// differ in who and when. Half of the tasks have one of forty owners.
func (h *hospital) record(n int) {
	h.t.Helper()
	dispositions := []string{"01", "03", "06", "01", "01", "62", "50", "02", "07", "01"}
	diagnoses := [][]string{{"I5022", "E119", "N183"}, {"J441"}, {"R079"}, {"J189", "I10", "E785", "Z7901"}, {"F332"}, {"I509", "J449"}, {"J459"}}
	var facts []events.Fact
	for i := range originals {
		class := []string{"inpatient", "inpatient", "emergency", "observation", "emergency"}[i%5]
		facts = append(facts, discharged(stay(i, class, "finished", disposition(dispositions[i%len(dispositions)]), func(s *events.Encounter) {
			age := 20 + i%75
			s.Age, s.Diagnoses, s.AdmitType, s.Payer = &age, diagnoses[i%len(diagnoses)], "urgent", []string{"medicare", "commercial"}[i%2]
		})))
	}
	h.hear(facts...)
	stayAgain := `(x.stay::jsonb || jsonb_build_object('id', ` + copyOf("encounter_id") + `, 'discharged_at', ` + copyLeft + `))::json`
	h.again("task", n/originals-1, map[string]string{
		"id": copyOf("id"), "encounter_id": copyOf("encounter_id"), "owner": `CASE WHEN g.n % 2 = 0 THEN 'person-' || g.n % 40 ELSE '' END`,
	})
	h.again("transition", n/originals-1, map[string]string{
		"id": copyOf("id"), "encounter_id": copyOf("encounter_id"), "discharged_at": copyLeft, "stay": stayAgain,
	})
	h.again("unopened", n/originals-1, map[string]string{"encounter_id": copyOf("encounter_id"), "discharged_at": copyLeft, "stay": stayAgain})
}

// copyLeft is when the patient of a copy left.
const copyLeft = `x.discharged_at + g.n * interval '7 hours'`

// copyOf makes the id of a copy of what the original's was.
func copyOf(column string) string { return `md5(x.` + column + `::text || g.n)::uuid` }

// again copies every row of a table so many times, with other values in some columns.
func (h *hospital) again(table string, times int, values map[string]string) {
	h.t.Helper()
	ctx := context.Background()
	rows, err := h.db.System.Query(ctx, `SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = $1`, table)
	if err != nil {
		h.t.Fatal(err)
	}
	columns, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		h.t.Fatal(err)
	}
	var selected []string
	for _, c := range columns {
		if value, other := values[c]; other {
			selected = append(selected, value)
		} else {
			selected = append(selected, "x."+c)
		}
	}
	var of []events.ID
	for i := range originals {
		of = append(of, stay(i, "", "").ID)
	}
	const atOnce = 20
	for from := 1; from <= times; from += atOnce {
		sql := fmt.Sprintf(`INSERT INTO %[1]s (%[2]s) SELECT %[3]s FROM %[1]s x, generate_series(%[4]d, %[5]d) g(n) WHERE x.encounter_id = ANY($1)`,
			table, strings.Join(columns, ", "), strings.Join(selected, ", "), from, min(from+atOnce-1, times))
		if _, err := h.db.System.Exec(ctx, sql, of); err != nil {
			h.t.Fatal(err)
		}
	}
}
