package admission

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"pgregory.net/rapid"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/outbox"
	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/admission/internal/adt"
	"github.com/handoff-care/handoff/services/admission/internal/encounter"
)

// bench is an admission whose batches the test cuts itself.
type bench struct {
	*hospital
	n int // cases told so far
}

func newBench(t *testing.T) *bench {
	db := testDB(t)
	log := &logged{}
	h := &hospital{t: t, db: db, logged: log, service: newTestService(run.Env{
		Config: run.Config{Dev: true}, DB: db, Outbox: outbox.New(db, Name), Metrics: prometheus.NewRegistry(), Log: slog.New(slog.NewTextHandler(log, nil)),
	})}
	if _, err := h.instance(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.store.Release(context.Background()) })
	return &bench{hospital: h}
}

// manyCases tries properties with 1,000 cases unless -rapid.checks says otherwise, the same ones in every
// run unless -rapid.seed does: a run finds what a change broke, and other seeds by hand what nobody thought of.
func manyCases(t *testing.T) {
	given := map[string]bool{}
	flag.Visit(func(f *flag.Flag) { given[f.Name] = true })
	for name, value := range map[string]string{"rapid.checks": "1000", "rapid.seed": "7"} {
		f := flag.Lookup(name)
		was := f.Value.String()
		if given[name] {
			continue
		}
		t.Cleanup(func() { _ = f.Value.Set(was) })
		if err := f.Value.Set(value); err != nil {
			t.Fatal(err)
		}
	}
}

// apply keeps and applies messages in batches of the given sizes.
func (b *bench) apply(t rapid.TB, list [][]byte, cut func(left int) int) {
	ctx := context.Background()
	for len(list) > 0 {
		n := cut(len(list))
		var batch []*adt.Inbound
		for _, m := range list[:n] {
			in, err := adt.Receive(ctx, b.directory, b.directory.Setup().Loopback(), m, "", time.Now())
			if err != nil || in.State != adt.Kept {
				t.Fatalf("%v %s", err, in.Reason)
			}
			batch = append(batch, in)
		}
		if err := b.store.Keep(ctx, batch); err != nil {
			t.Fatal(err)
		}
		batch = slices.DeleteFunc(batch, func(in *adt.Inbound) bool { return in.Duplicate })
		if err := b.Apply(ctx, batch); err != nil {
			t.Fatal(err)
		}
		list = list[n:]
	}
}

// compared has the linker look until there is nothing more to look at.
func (b *bench) compared(t rapid.TB) {
	ctx := context.Background()
	for {
		due, err := b.store.Due(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if !due {
			return
		}
		if _, err := b.linker.once(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

// silent are the kinds of facts that say nothing of whether there is a stay.
var silent = []int16{
	int16(encounter.Depart), int16(encounter.Arrive), int16(encounter.CancelArrive), int16(encounter.CancelDepart), int16(encounter.Move), int16(encounter.DeleteOwner),
}

// projection is all that this service knows of the patients and stays whose names begin with a prefix,
// by those names: nothing of it depends on ids or on what was announced on the way. What was told of a
// number that turned out to be another stay's is taken back, and no part of the picture.
func (b *bench) projection(t rapid.TB, s *teller) string {
	ctx := context.Background()
	var out []string
	rows, err := b.db.System.Query(ctx, `WITH label AS (SELECT coalesce(p.into_id, p.id) AS id, string_agg(i.value, '+' ORDER BY i.value) AS names
			FROM patient p JOIN patient_identifier i ON i.patient_id = p.id AND i.own WHERE i.value LIKE $1 GROUP BY 1)
		SELECT 'stay ' || concat_ws(' ', e.visit, l.names, e.state), CASE WHEN e.state IN ('cancelled', 'entered-in-error') THEN '{}' ELSE e.snapshot END,
			concat_ws(' ', e.room, e.bed, e.planned_at, e.ed, e.reopened, e.check_at)
		FROM encounter e JOIN label l ON l.id = e.patient_id WHERE e.visit LIKE $1 AND e.into_id IS NULL AND e.fold_version > 0
			AND (e.state <> 'entered-in-error' OR EXISTS (SELECT FROM encounter x JOIN encounter_fact f ON f.encounter_id = x.id WHERE e.id IN (x.id, x.into_id) AND f.kind <> ALL ($2)))
		UNION ALL SELECT 'patient ' || l.names, '{}', coalesce(d.effective, d.groups) FROM label l JOIN patient_detail d USING (id)
		UNION ALL SELECT 'person ' || string_agg(l.names, ' = ' ORDER BY l.names), '{}', '' FROM label l JOIN patient p USING (id) GROUP BY p.person_id`, s.prefix+"%", silent)
	if err != nil {
		t.Fatal(err)
	}
	var what, snapshot, rest string
	if _, err := pgx.ForEachRow(rows, []any{&what, &snapshot, &rest}, func() error {
		var known map[string]any
		if err := json.Unmarshal([]byte(snapshot), &known); err != nil {
			return err
		}
		for _, name := range []string{"id", "patient_id", "fold_version", "facility_id"} {
			delete(known, name)
		}
		if known["episode_id"] != nil {
			known["episode_id"] = "some"
		}
		text, _ := json.MarshalIndent(known, "", " ")
		out = append(out, what+" "+string(text)+" "+rest)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for i := range out {
		out[i] = s.known(out[i])
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

var (
	// ofStays are the triggers about stays, those that most stays have more often.
	ofStays = []string{
		"A01", "A01", "A01", "A04", "A04", "A02", "A03", "A03", "A08", "A11", "A13", "A21", "A22", "A52", "A53", "A23", "A31", "A28", "A54", "A55", "A61", "A62",
		"A09", "A10", "A32", "A33", "A05", "A14", "A38", "A27", "A06", "A07", "A12", "A15", "A16", "A25", "A26", "A60", "A17", "A20",
	}
	// ofNames are those about names: merges, moves, changes, links, deletions.
	// ofNames are those about names: of patients, of accounts, of visits; and all of them.
	ofNames = [][]string{
		{"A40", "A40", "A43", "A47", "A40 A40", "A24", "A37", "A29", "A45"},
		{"A44", "A44", "A41", "A49", "A44 A44", "A36", "A45", "A40", "A47"},
		{"A42", "A50", "A51", "A17", "A45", "A44", "A23", "A40"},
		{
			"A18", "A30", "A34", "A35", "A36", "A39", "A40", "A41", "A42", "A43", "A44", "A45", "A46", "A47", "A48", "A49", "A50", "A51", "A24", "A37", "A29", "A17", "A23",
			"A40 A40", "A44 A44",
		},
	}
)

func tellBothWays(t *rapid.T, b *bench, triggers []string) {
	tales := rapid.SliceOfN(anyTale(triggers), 2, 9).Draw(t, "tales")
	slices.SortStableFunc(tales, func(x, y tale) int { return (x.Hour*60 + x.Minute) - (y.Hour*60 + y.Minute) })
	again := append(rapid.Permutation(tales).Draw(t, "order"), rapid.SampledFrom(tales).Draw(t, "told twice"))
	b.n++
	one, two := &teller{fmt.Sprintf("c%da-", b.n)}, &teller{fmt.Sprintf("c%db-", b.n)}
	tell := func(s *teller, list []tale) (out [][]byte) {
		for _, x := range list {
			out = append(out, s.message(x))
		}
		return out
	}
	b.apply(t, tell(one, tales), func(left int) int { return left })
	b.apply(t, tell(two, again), func(left int) int { return rapid.IntRange(1, left).Draw(t, "batch") })
	b.compared(t)
	if diff := cmp.Diff(b.projection(t, one), b.projection(t, two)); diff != "" {
		t.Fatal(diff)
	}
}

// Whatever is said of stays and of names, in any order, repeated and in any batches, ends alike.
func TestNamesAreOrderIndependent(t *testing.T) {
	manyCases(t)
	b := newBench(t)
	rapid.Check(t, func(t *rapid.T) {
		few := rapid.SliceOfN(rapid.SampledFrom(rapid.SampledFrom(ofNames).Draw(t, "names of")), 1, 5).Draw(t, "about")
		tellBothWays(t, b, append(append(few, few...), rapid.SliceOfN(rapid.SampledFrom(ofStays), 2, 6).Draw(t, "and")...))
	})
	b.balanced()
}

// So does what stays count of each other.
func TestStaysAreOrderIndependent(t *testing.T) {
	manyCases(t)
	b := newBench(t)
	rapid.Check(t, func(t *rapid.T) { tellBothWays(t, b, ofStays) })
	b.balanced()
}

var asPrivacy = web.WithPrincipal(context.Background(), web.Principal{Subject: "pat", Org: DemoOrg, Roles: []web.Role{web.Privacy}})

// Merging and taking it back gives every stay to whose it was, whatever else was said before.
func TestUnmergeRestores(t *testing.T) {
	manyCases(t)
	b := newBench(t)
	rapid.Check(t, func(t *rapid.T) {
		tales := rapid.SliceOfN(anyTale(ofStays), 1, 6).Draw(t, "tales")
		for i := range tales {
			tales[i].MR = map[string]string{"V1": "A", "V2": "B", "V3": "A"}[tales[i].Visit] // a stay is somebody's
		}
		b.n++
		s := &teller{fmt.Sprintf("c%d-", b.n)}
		var list [][]byte
		for _, x := range tales {
			list = append(list, s.message(x))
		}
		list = append(list, s.message(tale{Trigger: "A31", MR: "A", Sex: "F", Hour: 61}), s.message(tale{Trigger: "A31", MR: "B", Sex: "M", Hour: 61}))
		all := func(left int) int { return left }
		b.apply(t, list, all)
		b.compared(t)
		before := b.projection(t, s)
		b.apply(t, [][]byte{s.message(tale{Trigger: "A40", Hour: 62, MR: "B", Other: "A", Sex: "M"})}, all)
		if b.projection(t, s) == before {
			t.Fatal("nothing merged")
		}
		var retired events.ID
		b.scan(`SELECT patient_id FROM patient_identifier WHERE value = $1`, []any{s.name("A")}, &retired)
		if _, err := b.unmerge(asPrivacy, &byID{ID: retired}); err != nil {
			t.Fatal(err)
		}
		b.compared(t)
		if diff := cmp.Diff(before, b.projection(t, s)); diff != "" {
			t.Fatal(diff)
		}
		if _, err := b.unmerge(asPrivacy, &byID{ID: retired}); err == nil {
			t.Fatal("taken back twice")
		}
	})
	b.balanced()
}
