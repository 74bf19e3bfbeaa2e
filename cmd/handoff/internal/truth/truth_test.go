package truth

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/cmd/handoff/internal/truth/course"
	"github.com/handoff-care/handoff/cmd/handoff/internal/truth/picture"
	"github.com/handoff-care/handoff/cmd/handoff/internal/truth/rig"
)

// setting reads a number from the environment.
func setting(t *testing.T, name string, usual int) int {
	t.Helper()
	v := os.Getenv(name)
	if v == "" {
		return usual
	}
	n, err := strconv.Atoi(v)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// trial is one case, and the order in which one organization hears it.
type trial struct {
	of    *course.Case
	waves course.Waves
}

// hearing is an organization that hears the cases in an order of its own.
type hearing struct {
	*rig.Tenant
	seed uint64 // 0: as told
}

func (h *hearing) order(c *course.Case) course.Waves {
	if h.seed == 0 {
		return course.AsTold(len(c.Messages))
	}
	return course.Disorder(h.seed, c.Number, len(c.Messages))
}

// restWithin is how long everything may take to come to rest on a slow machine.
const restWithin = 10 * time.Minute

// play lets organizations hear their trials at the same time, wave by wave, with a rest after each.
func play(t *testing.T, r *rig.Rig, all map[*hearing][]trial) {
	t.Helper()
	waves := 0
	for _, list := range all {
		for _, x := range list {
			waves = max(waves, len(x.waves))
		}
	}
	for n := range waves {
		var wg sync.WaitGroup
		errs := make(chan error, len(all))
		for h, list := range all {
			var lists [][]rig.Delivery
			for _, x := range list {
				if n < len(x.waves) && len(x.waves[n]) > 0 {
					lists = append(lists, deliveries(x, n))
				}
			}
			wg.Go(func() { errs <- h.Play(t.Context(), lists) })
		}
		wg.Wait()
		close(errs)
		for err := range errs {
			if err != nil {
				t.Fatal(err)
			}
		}
		r.Rest(restWithin)
	}
	r.Noticed(restWithin)
}

func deliveries(x trial, wave int) (out []rig.Delivery) {
	for _, i := range x.waves[wave] {
		out = append(out, rig.Delivery{Sender: x.of.Sender, Body: x.of.Messages[i].Body})
	}
	return out
}

// pictures are those of all organizations, at one moment at which no timer was due.
func pictures(t *testing.T, r *rig.Rig, list ...*hearing) []picture.Picture {
	t.Helper()
	for {
		out, quiet, err := moment(t.Context(), r, list)
		if err != nil {
			t.Fatal(err)
		}
		if quiet {
			return out
		}
		r.Rest(restWithin)
	}
}

func moment(ctx context.Context, r *rig.Rig, list []*hearing) (out []picture.Picture, quiet bool, err error) {
	tx, err := r.DB.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return nil, false, err
	}
	defer func() { _ = tx.Rollback(ctx) }()
	for _, s := range rig.Services[1:4] { // those with timers
		var due int
		if err := tx.QueryRow(ctx, `SELECT count(*) FROM `+s+`.timer WHERE due_at <= now()`).Scan(&due); err != nil || due > 0 {
			return nil, false, err
		}
	}
	for _, h := range list {
		p, err := picture.Read(ctx, tx, h.Org, rig.Services)
		if err != nil {
			return nil, false, fmt.Errorf("%s: %w", h.Name, err)
		}
		out = append(out, p)
	}
	return out, true, nil
}

func TestAnyOrderEndsInTheSamePicture(t *testing.T) {
	cases, seed := setting(t, "TRUTH_CASES", 1000), uint64(setting(t, "TRUTH_SEED", 1))
	r := rig.Start(t)
	told := &hearing{Tenant: r.Tenant("told")}
	others := []*hearing{{Tenant: r.Tenant("disorder"), seed: 11 * seed}, {Tenant: r.Tenant("disorder-2"), seed: 13 * seed}}
	base := time.Now()
	all, byTag := map[*hearing][]trial{}, map[string]*course.Case{}
	only := setting(t, "TRUTH_CASE", -1)
	for n := max(only, 0); len(byTag) < cases && (only < 0 || n == only); n++ {
		c := course.Make(seed, n, picture.Tag('0', n), base)
		byTag[c.Tag] = c
		for _, h := range append(others, told) {
			all[h] = append(all[h], trial{c, h.order(c)})
		}
	}
	start := time.Now()
	play(t, r, all)
	list := pictures(t, r, append([]*hearing{told}, others...)...)
	t.Logf("%d cases, %d organizations: %s", cases, len(all), time.Since(start).Round(time.Second))
	if len(list[0]) != len(byTag) {
		t.Errorf("%d cases were told, %d are in the picture", len(byTag), len(list[0]))
	}
	if only >= 0 {
		show(t, byTag, list, others)
	}
	for _, h := range append(others, told) {
		sound(t, h.Tenant)
	}
	for i, h := range others {
		differ := picture.Differ(list[0], list[i+1])
		if len(differ) == 0 {
			continue
		}
		t.Errorf("%s: %d of %d cases end in another picture than as told: %s\n%s", h.Name, len(differ), len(byTag), byPlot(byTag, differ), byKind(list[0], list[i+1], byTag, differ))
		if os.Getenv("TRUTH_QUICK") != "" {
			continue // no cutting down
		}
		s := shrinker{t: t, rig: r, told: told, other: h, seed: seed, base: base, run: byte('a' + 10*i)}
		for _, c := range smallest(byTag, differ, 2) {
			s.report(c)
		}
	}
}

// show prints a case that was asked for, and what came of it.
func show(t *testing.T, byTag map[string]*course.Case, list []picture.Picture, others []*hearing) {
	t.Helper()
	for tag, c := range byTag {
		t.Logf("%s at %s\n%s", c.Plot, c.Sender.Code, narrate(c, course.AsTold(len(c.Messages))))
		t.Logf("as told:\n%s", strings.Join(list[0][tag], "\n"))
		for i, p := range list[1:] {
			t.Logf("%s\nwhat differs:\n%s", order(c, others[i].order(c)), picture.Difference(list[0][tag], p[tag]))
		}
	}
}

// byPlot counts differing cases by what happens in them.
func byPlot(byTag map[string]*course.Case, tags []string) string {
	n := map[string]int{}
	for _, tag := range tags {
		if c := byTag[tag]; c != nil {
			n[c.Plot]++
		}
	}
	var out []string
	for _, plot := range slices.Sorted(maps.Keys(n)) {
		out = append(out, fmt.Sprintf("%s %d", plot, n[plot]))
	}
	return strings.Join(out, ", ")
}

// byKind counts in how many differing cases a thing differs, and names a short one.
func byKind(a, b picture.Picture, byTag map[string]*course.Case, tags []string) string {
	n, shortest := map[string]int{}, map[string]*course.Case{}
	for _, tag := range tags {
		c := byTag[tag]
		if c == nil {
			continue
		}
		for _, kind := range picture.Kinds(a[tag], b[tag]) {
			n[kind]++
			if s := shortest[kind]; s == nil || len(c.Messages) < len(s.Messages) {
				shortest[kind] = c
			}
		}
	}
	var out []string
	said := map[string]bool{}
	for kind, times := range n {
		c := shortest[kind]
		line := fmt.Sprintf("%5d %s (TRUTH_CASE=%d)", times, kind, c.Number)
		if !said[c.Tag] {
			said[c.Tag] = true
			line += "\n" + picture.Difference(a[c.Tag], b[c.Tag])
		}
		out = append(out, line)
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

// smallest picks the shortest differing case of each plot, shortest first.
func smallest(byTag map[string]*course.Case, tags []string, most int) []*course.Case {
	best := map[string]*course.Case{}
	for _, tag := range tags {
		c := byTag[tag]
		if c != nil && (best[c.Plot] == nil || len(c.Messages) < len(best[c.Plot].Messages)) {
			best[c.Plot] = c
		}
	}
	out := slices.SortedFunc(maps.Values(best), func(a, b *course.Case) int { return len(a.Messages) - len(b.Messages) })
	return out[:min(len(out), most)]
}

// sound checks what must hold of every organization at rest: the books balance, and what was told and
// taken back was taken back to everybody.
func sound(t *testing.T, x *rig.Tenant) {
	t.Helper()
	x.Balanced(x.Name, x.Org)
	left, err := picture.Unretracted(t.Context(), x.DB, x.Org)
	if err != nil {
		t.Error(err)
	}
	if len(left) > 0 {
		t.Errorf("%s: %d were told what was taken back, and not that it was: %s", x.Name, len(left), strings.Join(left[:min(5, len(left))], "; "))
	}
}
