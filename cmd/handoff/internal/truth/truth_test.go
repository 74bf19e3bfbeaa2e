package truth

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

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
}

func deliveries(x trial, wave int) (out []rig.Delivery) {
	for _, i := range x.waves[wave] {
		out = append(out, rig.Delivery{Sender: x.of.Sender, Body: x.of.Messages[i].Body})
	}
	return out
}

// pictures are those of all organizations.
func pictures(t *testing.T, list ...*hearing) []picture.Picture {
	t.Helper()
	var out []picture.Picture
	for _, h := range list {
		p, err := picture.Read(t.Context(), h.DB, h.Org, rig.Services)
		if err != nil {
			t.Fatalf("%s: %v", h.Name, err)
		}
		out = append(out, p)
	}
	return out
}

// awaited are plots whose orders are known to matter still, and why.
var awaited = map[string]string{
	"seen before":               "admission counts earlier visits when it tells of the stay itself",
	"records merged":            "merges are not applied yet",
	"records merged in a chain": "merges are not applied yet",
}

func TestAnyOrderEndsInTheSamePicture(t *testing.T) {
	cases, seed := setting(t, "TRUTH_CASES", 1000), uint64(setting(t, "TRUTH_SEED", 1))
	r := rig.Start(t)
	told := &hearing{Tenant: r.Tenant("told")}
	others := []*hearing{{Tenant: r.Tenant("disorder"), seed: 11 * seed}, {Tenant: r.Tenant("disorder-2"), seed: 13 * seed}}
	base := time.Now()
	all, byTag := map[*hearing][]trial{}, map[string]*course.Case{}
	for n := 0; len(byTag) < cases; n++ {
		c := course.Make(seed, n, picture.Tag('0', n), base)
		if awaited[c.Plot] != "" && os.Getenv("TRUTH_ALL") == "" {
			continue
		}
		byTag[c.Tag] = c
		for _, h := range append(others, told) {
			all[h] = append(all[h], trial{c, h.order(c)})
		}
	}
	start := time.Now()
	play(t, r, all)
	list := pictures(t, append([]*hearing{told}, others...)...)
	t.Logf("%d cases, %d organizations: %s", cases, len(all), time.Since(start).Round(time.Second))
	if len(list[0]) != cases {
		t.Errorf("%d cases were told, %d are in the picture", cases, len(list[0]))
	}
	for _, h := range append(others, told) {
		sound(t, h.Tenant)
	}
	for i, h := range others {
		differ := picture.Differ(list[0], list[i+1])
		if len(differ) == 0 {
			continue
		}
		t.Errorf("%s: %d of %d cases end in another picture than as told: %v", h.Name, len(differ), cases, byPlot(byTag, differ))
		s := shrinker{t: t, rig: r, told: told, other: h, seed: seed, base: base, run: byte('a' + 10*i)}
		for _, c := range smallest(byTag, differ, 2) {
			s.report(c)
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
	for _, s := range rig.Services[:4] {
		laws, difference, err := x.Reconcile(t.Context(), s)
		if err != nil {
			t.Error(err)
			continue
		}
		if difference != 0 || len(laws) == 0 {
			t.Errorf("%s: %s differs by %d: %+v", x.Name, s, difference, laws)
		}
	}
	left, err := picture.Unretracted(t.Context(), x.DB, x.Org)
	if err != nil {
		t.Error(err)
	}
	if len(left) > 0 {
		t.Errorf("%s: %d were told what was taken back, and not that it was: %s", x.Name, len(left), strings.Join(left[:min(5, len(left))], "; "))
	}
}
