package admission

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/hl7/mllp"
	"github.com/handoff-care/handoff/pkg/outbox"
	"github.com/handoff-care/handoff/pkg/postgres"
	"github.com/handoff-care/handoff/pkg/postgres/private"
	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/admission/internal/store"
)

var corpus = flag.String("corpus", "", "MLLP captures to send, separated by commas (TestCorpus)")

// TestCorpus sends captures and tells what became of them. By hand:
//
//	go test ./services/admission -run Corpus -v -corpus a.mllp,b.mllp
func TestCorpus(t *testing.T) {
	if *corpus == "" {
		// Without captures, the messages of this package's own tests are the corpus.
		h := start(t)
		h.send(load(0, 40)...)
		h.settle()
		h.balanced()
		return
	}
	h := start(t)
	began := time.Now()
	sent := 0
	for _, name := range bytes.Split([]byte(*corpus), []byte(",")) {
		data, err := os.ReadFile(string(name))
		if err != nil {
			t.Fatal(err)
		}
		r := mllp.NewReader(bytes.NewReader(data), mllp.Options{})
		var list [][]byte
		for {
			m, err := r.ReadFrame()
			if err != nil {
				break
			}
			list = append(list, m)
		}
		for i, code := range h.send(list...) {
			if code != "AA" && code != "CA" {
				t.Errorf("message %d of %s: %s", i, name, code)
			}
		}
		sent += len(list)
	}
	acked := time.Since(began)
	h.settle()
	t.Logf("%d messages: acknowledged in %v, applied in %v", sent, acked, time.Since(began))
	h.balanced()
	h.summary(t)
}

func (h *hospital) summary(t *testing.T) {
	for _, q := range []string{
		`SELECT coalesce(o.state, 'applied') || ' ' || coalesce(o.reason, '') || ' ' || CASE WHEN o.state IS NULL THEN '' ELSE trigger END, count(*) FROM message m LEFT JOIN message_outcome o USING (id) GROUP BY 1 ORDER BY 2 DESC`,
		`SELECT class || ' ' || state, count(*) FROM encounter GROUP BY 1 ORDER BY 2 DESC`,
		`SELECT 'event ' || type, count(*) FROM event_log GROUP BY 1 ORDER BY 2 DESC`,
		`SELECT 'disposition ' || disposition, count(*) FROM encounter WHERE state = 'finished' GROUP BY 1 ORDER BY 2 DESC`,
		`SELECT 'patients', count(*) FROM patient UNION ALL SELECT 'persons', count(DISTINCT person_id) FROM patient`,
	} {
		rows, err := h.db.System.Query(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var what string
			var n int
			if err := rows.Scan(&what, &n); err != nil {
				t.Fatal(err)
			}
			t.Logf("%6d %s", n, what)
		}
	}
}

// load makes the messages of n stays, mixed as a hospital's are: admission, transfer, update, and for
// most a discharge.
func load(from, n int) (out [][]byte) {
	for i := from; i < from+n; i++ {
		mr, visit := fmt.Sprintf("%07d", i), fmt.Sprintf("V%07d", i)
		id := func(k int) string { return fmt.Sprintf("L%07d%d", i, k) }
		out = append(out,
			adtMessage(id(1), "A01", "202603021000", mr, visit, "PV1-3=3W^1^2", "PV1-44=202603021000", "NK1|1|Canary^Robin|SPO", "IN1|1|MCR|MCR|Medicare", "DG1|1||I50.9^Heart failure^I10|||A"),
			adtMessage(id(2), "A02", "202603021200", mr, visit, "PV1-3=4E^3^1", "NK1|1|Canary^Robin|SPO", "IN1|1|MCR|MCR|Medicare"),
			adtMessage(id(3), "A08", "202603021300", mr, visit, "PV1-3=4E^3^1", "DG1|1||I50.9^Heart failure^I10|||W"),
			adtMessage(id(4), "A08", "202603021400", mr, visit, "PV1-3=4E^3^1", "DG1|1||I50.9^Heart failure^I10|||F"),
			adtMessage(id(5), "A03", "202603041130", mr, visit, "PV1-36=01", "PV1-45=202603041100"))
	}
	return out
}

var statements = flag.Bool("statements", false, "benchmarks: tell where PostgreSQL spends its time")

// realDB is a database on a server of its own that flushes what it commits, as in production.
func realDB(b *testing.B) *postgres.DB {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "handoff-bench")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = os.RemoveAll(dir) })
	settings := map[string]string{}
	if *statements {
		settings["shared_preload_libraries"], settings["pg_stat_statements.track_planning"] = "pg_stat_statements", "on"
	}
	server, err := private.Start(ctx, private.Options{Dir: filepath.Join(dir, "data"), Settings: settings})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = server.Stop(ctx) })
	url := server.URL("postgres", "postgres")
	if err := postgres.Migrate(ctx, url, Name, postgres.MigrationSet{Name: Name, FS: store.Migrations()}, outbox.Migrations(), web.Migrations()); err != nil {
		b.Fatal(err)
	}
	db, err := postgres.Open(ctx, url, Name, postgres.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(db.Close)
	if *statements {
		admin, err := pgx.Connect(ctx, url)
		if err != nil {
			b.Fatal(err)
		}
		defer admin.Close(ctx)
		if _, err := admin.Exec(ctx, `CREATE EXTENSION pg_stat_statements WITH SCHEMA admission; GRANT pg_read_all_stats TO handoff_admission_system`); err != nil {
			b.Fatal(err)
		}
	}
	return db
}

func (h *hospital) statements(b *testing.B) {
	if !*statements || b.N < 1000 && b.Name() != "BenchmarkIdentity" {
		return
	}
	rows, err := h.db.System.Query(context.Background(), `SELECT round(total_exec_time)::int, round(total_plan_time)::int, calls, rows, left(regexp_replace(query, '\s+', ' ', 'g'), 110)
		FROM pg_stat_statements ORDER BY total_exec_time + total_plan_time DESC LIMIT 10`)
	if err != nil {
		b.Fatal(err)
	}
	for rows.Next() {
		var ms, plan, calls, n int
		var q string
		if err := rows.Scan(&ms, &plan, &calls, &n, &q); err != nil {
			b.Fatal(err)
		}
		b.Logf("%6d ms exec %6d ms plan %7d calls %7d rows  %s", ms, plan, calls, n, q)
	}
}

// BenchmarkIntake measures messages acknowledged and applied per second, one at a time per connection.
func BenchmarkIntake(b *testing.B) {
	for _, connections := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("connections=%d", connections), func(b *testing.B) {
			h := startOn(b, realDB(b), run.Config{Dev: true, MLLP: "127.0.0.1:0"})
			stays := (b.N + 5*connections - 1) / (5 * connections)
			lists := make([][][]byte, connections)
			for c := range lists {
				lists[c] = load(c*1_000_000, stays)
			}
			b.ResetTimer()
			began := time.Now()
			var sent atomic.Int64
			var wg sync.WaitGroup
			for _, list := range lists {
				wg.Go(func() { h.send(list...); sent.Add(int64(len(list))) })
			}
			wg.Wait()
			acked := time.Since(began)
			h.settle()
			b.ReportMetric(float64(sent.Load())/acked.Seconds(), "acked/s")
			b.ReportMetric(float64(sent.Load())/time.Since(began).Seconds(), "applied/s")
			h.statements(b)
		})
	}
}
