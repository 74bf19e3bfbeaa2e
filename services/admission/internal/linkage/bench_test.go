package linkage

import (
	"flag"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/handoff-care/handoff/services/admission/internal/linkage/population"
)

var (
	records = flag.Int("records", 100_000, "BenchmarkTruth: how many registrations")
	mess    = flag.Float64("mess", 1, "BenchmarkTruth: how many times the usual mistakes")
	seed    = flag.Uint64("seed", 7, "BenchmarkTruth: which population")
	misses  = flag.Int("misses", 0, "BenchmarkTruth: print this many of the pairs missed, and of those wrongly linked")
)

// measured is how a population was linked.
type measured struct {
	population     *population.Population
	profiles       []Profile
	stats          Stats
	compared       int
	found          int // true pairs that share a key
	right, wrong   int // pairs linked
	looks, lookHit int // pairs to be looked at, and how many of them are true
	closed         int // pairs in one group
	closedRight    int
	scoring, total time.Duration
	wrongs, missed []string
	bins           map[int][2]int // pairs that no veto names, by score: true ones, others
	kept           map[string]int // true pairs that a veto or hold kept from being linked, by why
}

// measure links a population record by record, as they come: each is compared with those before it.
func measure(p *population.Population, m *Model, keep int) *measured {
	out := &measured{population: p, stats: Stats{Counts: map[Term]int{}}, bins: map[int][2]int{}, kept: map[string]int{}}
	index := map[int64][]int32{}
	d := NewDigester([]byte("a key"))
	began := time.Now()
	var edges []Edge
	var scoring time.Duration
	for i := range p.Records {
		a := Read(&p.Records[i])
		out.profiles = append(out.profiles, a)
		out.stats.Patients++
		for _, t := range a.Terms() {
			out.stats.Counts[t]++
		}
		seen := map[int32]bool{}
		keys := a.Keys(d, "org")
		for _, k := range keys {
			if len(index[k]) <= MostPerKey {
				for _, j := range index[k] {
					seen[j] = true
				}
			}
		}
		at := time.Now()
		for j := range seen {
			e := m.Score(&a, &out.profiles[j], &out.stats)
			out.note(i, int(j), &e, keep)
			if e.Verdict == Link {
				edges = append(edges, Edge{A: i, B: int(j), Rank: Probable, Score: e.Score})
			}
		}
		scoring += time.Since(at)
		for _, k := range keys {
			index[k] = append(index[k], int32(i))
		}
	}
	out.total, out.scoring = time.Since(began), scoring
	out.close(edges, m)
	return out
}

func (r *measured) note(i, j int, e *Explanation, keep int) {
	r.compared++
	truth := r.population.Person[i] == r.population.Person[j]
	if truth {
		r.found++
	}
	if why := e.Veto + e.Hold; truth && why != "" {
		r.kept[why]++
	}
	if e.Veto == "" && e.Hold == "" {
		bin := r.bins[int(math.Floor(e.Score))]
		if bin[1]++; truth {
			bin[0], bin[1] = bin[0]+1, bin[1]-1
		}
		r.bins[int(math.Floor(e.Score))] = bin
	}
	switch {
	case e.Verdict == Link && truth:
		r.right++
	case e.Verdict == Link:
		if r.wrong++; len(r.wrongs) < keep {
			r.wrongs = append(r.wrongs, r.tell(i, j, e))
		}
	case e.Verdict == Look:
		if r.looks++; truth {
			r.lookHit++
		}
	}
	if truth && e.Verdict != Link && len(r.missed) < keep {
		r.missed = append(r.missed, r.tell(i, j, e))
	}
}

// tell shows made-up people; of real ones nothing would print.
func (r *measured) tell(i, j int, e *Explanation) string {
	s := fmt.Sprintf("%.1f rival %s hold %q veto %q\n   %q\n   %q\n  ", e.Score, e.Rival, e.Hold, e.Veto, r.profiles[i].Encode(), r.profiles[j].Encode())
	for _, w := range e.Weights {
		if w.Level != Missing {
			s += fmt.Sprintf(" %s=%s %+.1f", w.Field, w.Level, w.Bits)
		}
	}
	return s
}

// close counts the pairs that are in one group, linked directly or not.
func (r *measured) close(edges []Edge, m *Model) {
	group := Components(len(r.profiles), edges, func(_ Rank, a, b int) bool {
		return Vetoed(&r.profiles[a], &r.profiles[b])
	})
	members := map[int][]int{}
	for i, g := range group {
		members[g.Root] = append(members[g.Root], i)
	}
	for _, list := range members {
		for x := range list {
			for _, y := range list[:x] {
				if r.closed++; r.population.Person[list[x]] == r.population.Person[y] {
					r.closedRight++
				}
			}
		}
	}
}

// BenchmarkTruth links 100,000 registrations of which the truth is known. By hand:
//
//	go test ./services/admission/internal/linkage -run xxx -bench Truth -benchtime 1x
func BenchmarkTruth(b *testing.B) {
	p := population.Make(population.Options{Records: *records, Seed: *seed, Mess: *mess})
	b.ResetTimer()
	for b.Loop() {
		r := measure(p, Shipped(), *misses)
		pairs := p.Pairs()
		share := func(n, of int) float64 { return float64(n) / float64(max(of, 1)) }
		b.Logf("%d registrations of %d persons; %d true pairs; %d pairs compared", *records, p.Persons, pairs, r.compared)
		b.Logf("automatic links: precision %.5f recall %.5f (%d right, %d wrong)", share(r.right, r.right+r.wrong), share(r.right, pairs), r.right, r.wrong)
		b.Logf("pairs in one group: precision %.5f recall %.5f", share(r.closedRight, r.closed), share(r.closedRight, pairs))
		b.Logf("for review: %d pairs, %d of them true; no key in common: %d true pairs", r.looks, r.lookHit, pairs-r.found)
		b.Logf("%.0f pairs/s; %.4f ms per registration in memory", float64(r.compared)/r.scoring.Seconds(), r.total.Seconds()*1000/float64(*records))
		for bits := -3; bits < 14; bits++ {
			fmt.Printf("score %3d: %5d true %5d not (%.3f; says %.3f)\n", bits, r.bins[bits][0], r.bins[bits][1],
				share(r.bins[bits][0], r.bins[bits][0]+r.bins[bits][1]), 1/(1+math.Exp2(-float64(bits)-.5)))
		}
		for why, n := range r.kept {
			fmt.Printf("%5d true pairs not linked: %s\n", n, why)
		}
		for _, s := range r.wrongs {
			fmt.Println("wrong", s)
		}
		for _, s := range r.missed {
			fmt.Println("missed", s)
		}
		b.ReportMetric(share(r.closedRight, r.closed), "precision")
		b.ReportMetric(share(r.closedRight, pairs), "recall")
		b.ReportMetric(float64(r.compared)/r.scoring.Seconds(), "pairs/s")
		b.ReportMetric(r.total.Seconds()*1000/float64(*records), "ms/patient")
	}
}
