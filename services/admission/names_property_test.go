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
)

// bench is an admission whose batches the test cuts itself.
type bench struct {
	*hospital
	n int // cases told so far
}

func newBench(t *testing.T) *bench {
	db := testDB(t)
	log := &logged{}
	h := &hospital{t: t, db: db, logged: log, service: newService(run.Env{
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
func (b *bench) apply(t *rapid.T, list [][]byte, cut func(left int) int) {
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

// projection is all that this service knows of the patients and stays whose names begin with a prefix,
// by those names: nothing of it depends on ids or on what was announced on the way.
func (b *bench) projection(t *rapid.T, prefix string, counts bool) string {
	ctx := context.Background()
	var out []string
	rows, err := b.db.System.Query(ctx, `WITH label AS (SELECT coalesce(p.into_id, p.id) AS id, string_agg(i.value, '+' ORDER BY i.value) AS names
			FROM patient p JOIN patient_identifier i ON i.patient_id = p.id AND i.own WHERE i.value LIKE $1 GROUP BY 1)
		SELECT 'stay ' || concat_ws(' ', e.visit, l.names, e.state), CASE WHEN e.state IN ('cancelled', 'entered-in-error') THEN '{}' ELSE e.snapshot END,
			concat_ws(' ', e.room, e.bed, e.planned_at, e.ed, e.reopened, e.check_at)
		FROM encounter e JOIN label l ON l.id = e.patient_id WHERE e.visit LIKE $1 AND e.into_id IS NULL AND e.fold_version > 0
		UNION ALL SELECT 'patient ' || l.names, '{}', coalesce(d.effective, d.groups) FROM label l JOIN patient_detail d USING (id)`, prefix+"%")
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
		if counts {
			if known["episode_id"] != nil {
				known["episode_id"] = "some"
			}
		} else {
			for name := range known {
				if strings.HasPrefix(name, "prior_") || name == "episode_id" {
					delete(known, name)
				}
			}
		}
		text, _ := json.MarshalIndent(known, "", " ")
		out = append(out, what+" "+string(text)+" "+rest)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return strings.ReplaceAll(strings.Join(out, "\n"), prefix, "")
}

// teller tells stories of three patients, three stays and two accounts, under names with a prefix.
type teller struct {
	prefix string
	n      int
}

func (s *teller) name(n string) string { return s.prefix + n }

// pid is the patient with a sex, and with an account if there is one.
func (s *teller) pid(mr, sex, account string) string {
	out := "PID=PID|1||" + s.name(mr) + "^^^OWN&1.2.3&ISO^MR||Canary^Nightingale||19500101|" + sex
	if account != "" {
		out += strings.Repeat("|", 10) + s.name(account)
	}
	return out
}

func (s *teller) mrg(fields ...string) string {
	for i, f := range fields {
		if f != "" {
			fields[i] = s.name(f)
			if i == 0 {
				fields[i] += "^^^OWN&1.2.3&ISO^MR"
			}
		}
	}
	return "MRG|" + strings.Join(fields, "|")
}

// tale is one thing that is told, with an hour at which it is written down.
type tale struct {
	Trigger      string
	Hour, Minute int
	MR, Other    string
	Visit, Next  string
	Sex, Class   string
	Unit         string
}

// message is the tale as a message; the same for every teller but for the names.
func (s *teller) message(x tale) []byte {
	s.n++
	visit, account, more := "", "", []string{"PV1-2=" + x.Class}
	accounts := map[string]string{"V1": "X1", "V2": "X2", "V3": "X1"}
	switch x.Trigger {
	case "A40", "A43", "A47":
		more = append(more, s.mrg(x.Other))
	case "A42", "A50":
		visit, more = s.name(x.Next), append(more, s.mrg("", "", "", "", x.Visit))
	case "A45":
		more = append(more, s.mrg(x.Other, "", "", "", x.Visit))
	case "A44":
		more = append(more, s.mrg(x.Other, "", accounts[x.Visit]))
	case "A29", "A31":
	default:
		visit, account = s.name(x.Visit), accounts[x.Visit]
		more = append(more, "PV1-3="+x.Unit+"^1^1")
		if x.Trigger == "A03" {
			more = append(more, "PV1-36=01")
		}
	}
	more = append(more, s.pid(x.MR, x.Sex, account))
	control := fmt.Sprintf("%s%d%d%s%s%s%s%s%s%s", s.prefix, x.Hour, x.Minute, x.Trigger, x.MR, x.Other, x.Visit, x.Next, x.Sex, x.Unit)
	return adtMessage(control, x.Trigger, fmt.Sprintf("202603%02d%02d%02d", 2+x.Hour/24, x.Hour%24, x.Minute), "", visit, more...)
}

func anyTale(triggers []string) *rapid.Generator[tale] {
	return rapid.Custom(func(t *rapid.T) tale {
		pick := func(name string, from ...string) string { return rapid.SampledFrom(from).Draw(t, name) }
		return tale{
			Trigger: pick("trigger", triggers...), Hour: rapid.IntRange(1, 60).Draw(t, "hour"), Minute: rapid.IntRange(0, 59).Draw(t, "minute"),
			MR: pick("mr", "A", "B", "C"), Other: pick("other", "A", "B", "C"), Visit: pick("visit", "V1", "V2", "V3"), Next: pick("next", "V1", "V2", "V3", "V4"),
			Sex: pick("sex", "F", "M"), Class: pick("class", "I", "E", "O"), Unit: pick("unit", "3W", "4E"),
		}
	})
}

var (
	ofStays = []string{"A01", "A01", "A04", "A02", "A03", "A03", "A08", "A11", "A13", "A21", "A22", "A52", "A23", "A31", "A54", "A10"}
	ofNames = [][]string{
		{"A40", "A40", "A43", "A47", "A42", "A50", "A45", "A29"},
		{"A40", "A40", "A43", "A44", "A44", "A45", "A29"},
	}
)

func tellBothWays(t *rapid.T, b *bench, triggers []string, counts bool) {
	tales := rapid.SliceOfN(anyTale(triggers), 2, 9).Draw(t, "tales")
	slices.SortStableFunc(tales, func(x, y tale) int { return (x.Hour*60 + x.Minute) - (y.Hour*60 + y.Minute) })
	tales = slices.CompactFunc(tales, func(x, y tale) bool { return x.Hour == y.Hour && x.Minute == y.Minute })
	again := append(rapid.Permutation(tales).Draw(t, "order"), rapid.SampledFrom(tales).Draw(t, "told twice"))
	b.n++
	one, two := &teller{prefix: fmt.Sprintf("c%da-", b.n)}, &teller{prefix: fmt.Sprintf("c%db-", b.n)}
	tell := func(s *teller, list []tale) (out [][]byte) {
		for _, x := range list {
			out = append(out, s.message(x))
		}
		return out
	}
	b.apply(t, tell(one, tales), func(left int) int { return left })
	b.apply(t, tell(two, again), func(left int) int { return rapid.IntRange(1, left).Draw(t, "batch") })
	if diff := cmp.Diff(b.projection(t, one.prefix, counts), b.projection(t, two.prefix, counts)); diff != "" {
		t.Fatal(diff)
	}
}

// Whatever is said of stays and of names, in any order, repeated and in any batches, ends alike.
func TestNamesAreOrderIndependent(t *testing.T) {
	manyCases(t)
	b := newBench(t)
	rapid.Check(t, func(t *rapid.T) {
		tellBothWays(t, b, append(slices.Clone(ofStays), rapid.SampledFrom(ofNames).Draw(t, "about")...), false)
	})
	b.balanced()
}

// So does what stays count of each other.
func TestStaysAreOrderIndependent(t *testing.T) {
	manyCases(t)
	b := newBench(t)
	rapid.Check(t, func(t *rapid.T) { tellBothWays(t, b, ofStays, true) })
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
		s := &teller{prefix: fmt.Sprintf("c%d-", b.n)}
		var list [][]byte
		for _, x := range tales {
			list = append(list, s.message(x))
		}
		list = append(list, s.message(tale{Trigger: "A31", MR: "A", Sex: "F", Hour: 61}), s.message(tale{Trigger: "A31", MR: "B", Sex: "M", Hour: 61}))
		all := func(left int) int { return left }
		b.apply(t, list, all)
		before := b.projection(t, s.prefix, false)
		b.apply(t, [][]byte{s.message(tale{Trigger: "A40", Hour: 62, MR: "B", Other: "A", Sex: "M"})}, all)
		if b.projection(t, s.prefix, false) == before {
			t.Fatal("nothing merged")
		}
		var retired events.ID
		b.scan(`SELECT patient_id FROM patient_identifier WHERE value = $1`, []any{s.name("A")}, &retired)
		if _, err := b.unmerge(asPrivacy, &byID{ID: retired}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, b.projection(t, s.prefix, false)); diff != "" {
			t.Fatal(diff)
		}
		if _, err := b.unmerge(asPrivacy, &byID{ID: retired}); err == nil {
			t.Fatal("taken back twice")
		}
	})
	b.balanced()
}
