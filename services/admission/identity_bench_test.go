package admission

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/outbox"
	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/services/admission/internal/identity"
	"github.com/handoff-care/handoff/services/admission/internal/linkage/population"
	"github.com/handoff-care/handoff/services/admission/internal/store"
)

var identityPatients = flag.Int("patients", 100_000, "BenchmarkIdentity: how many patients there are")

// BenchmarkIdentity measures how long it takes to compare a new patient with 100,000, in the database,
// and how right the persons are that come of it. By hand:
//
//	go test ./services/admission -run xxx -bench Identity -benchtime 1x
func BenchmarkIdentity(b *testing.B) {
	const fresh = 2000
	people := population.Make(population.Options{Records: *identityPatients + fresh, Seed: 7})
	for b.Loop() {
		db := realDB(b)
		h := &hospital{t: b, db: db, service: newTestService(run.Env{
			Config: run.Config{Dev: true}, DB: db, Outbox: outbox.New(db, Name), Metrics: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler),
		})}
		if err := h.prepare(context.Background()); err != nil {
			b.Fatal(err)
		}
		ids := make([]events.ID, len(people.Records))
		first := h.admit(b, people, ids, 0, *identityPatients)
		second := h.admit(b, people, ids, *identityPatients, fresh)
		precision, recall := h.judge(b, people, ids)
		b.Logf("%d patients: %.3f ms each; %d more: %.3f ms each", *identityPatients, first, fresh, second)
		b.Logf("persons: precision %.5f recall %.5f of %d true pairs", precision, recall, people.Pairs())
		h.summaryOfLinks(b)
		if *statements {
			h.statements(b)
		}
		b.ReportMetric(second, "ms/patient")
		b.ReportMetric(precision, "precision")
		b.ReportMetric(recall, "recall")
	}
}

// admit writes patients and compares them, and returns how many milliseconds each took to compare.
func (h *hospital) admit(b *testing.B, people *population.Population, ids []events.ID, from, n int) float64 {
	ctx := context.Background()
	facility := func(i int) events.ID { return events.Derive("facility", fmt.Sprint(people.Facility[i])) }
	began := time.Now()
	for at := from; at < from+n; at += 1000 {
		err := h.db.SystemTx(ctx, func(tx pgx.Tx) error {
			var c store.Changes
			for i := at; i < min(at+1000, from+n); i++ {
				ids[i] = events.NewID()
				p := &store.Patient{ID: ids[i], Org: DemoOrg, Facility: facility(i), Person: ids[i], Record: people.Records[i], New: true}
				c.Patients = append(c.Patients, p)
				c.Identifiers = append(c.Identifiers, store.NewIdentifier{
					Identifier: identity.NewIdentifier(DemoOrg, "MR", fmt.Sprint("F", people.Facility[i]), true, fmt.Sprint("10", i)), Patient: p.ID, Org: DemoOrg, Facility: p.Facility, Own: true,
				})
			}
			return h.store.Save(ctx, tx, c)
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	written := time.Since(began)
	began = time.Now()
	for {
		due, err := h.store.Due(ctx)
		if err != nil {
			b.Fatal(err)
		}
		if !due {
			break
		}
		if _, err := h.linker.once(ctx); err != nil {
			b.Fatal(err)
		}
	}
	b.Logf("%d patients written in %v, compared in %v", n, written, time.Since(began))
	return time.Since(began).Seconds() * 1000 / float64(n)
}

// judge counts the pairs of patients that are one person in the database, and in truth.
func (h *hospital) judge(b *testing.B, people *population.Population, ids []events.ID) (precision, recall float64) {
	rows, err := h.db.System.Query(context.Background(), `SELECT id, person_id FROM patient`)
	if err != nil {
		b.Fatal(err)
	}
	person := map[events.ID]events.ID{}
	var id, p events.ID
	if _, err := pgx.ForEachRow(rows, []any{&id, &p}, func() error { person[id] = p; return nil }); err != nil {
		b.Fatal(err)
	}
	groups := map[events.ID][]int{}
	for i, id := range ids {
		groups[person[id]] = append(groups[person[id]], i)
	}
	pairs, right := 0, 0
	for _, list := range groups {
		for x := range list {
			for _, y := range list[:x] {
				if pairs++; people.Person[list[x]] == people.Person[y] {
					right++
				}
			}
		}
	}
	return float64(right) / float64(max(pairs, 1)), float64(right) / float64(max(people.Pairs(), 1))
}

func (h *hospital) summaryOfLinks(b *testing.B) {
	rows, err := h.db.System.Query(context.Background(), `SELECT state, count(*) FROM patient_link GROUP BY 1 UNION ALL SELECT 'keys', count(*) FROM linkage_key
		UNION ALL SELECT 'terms', count(*) FROM linkage_term UNION ALL SELECT 'kB of keys', pg_total_relation_size('linkage_key') / 1024 ORDER BY 1`)
	if err != nil {
		b.Fatal(err)
	}
	var what string
	var n int
	if _, err := pgx.ForEachRow(rows, []any{&what, &n}, func() error { b.Logf("%8d %s", n, what); return nil }); err != nil {
		b.Fatal(err)
	}
}
