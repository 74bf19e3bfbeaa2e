package hospital

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/handoff-care/handoff/pkg/hl7"
)

var epoch = time.Date(2026, 11, 20, 14, 0, 0, 0, time.UTC)

func config() Config { return Config{Seed: 7, Generation: 1, Rate: 2, Speed: 480} }

func play(w *World, n int, skip map[string]int) []Message {
	list := make([]Message, n)
	for i := range list {
		list[i] = w.Next(skip)
	}
	return list
}

func parse(t *testing.T, m Message) *hl7.Message {
	t.Helper()
	parsed, err := hl7.Parse(m.Bytes)
	if err != nil {
		t.Fatalf("%s %s: %v\n%q", m.Facility, m.Trigger, err, m.Bytes)
	}
	if len(parsed.Warnings()) > 0 {
		t.Fatalf("%s %s: %v\n%q", m.Facility, m.Trigger, parsed.Warnings(), m.Bytes)
	}
	return parsed
}

func at(t *testing.T, m *hl7.Message, path string) time.Time {
	t.Helper()
	d, err := m.Get(path).DTM()
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return d.In(zone)
}

func TestTheSamePlayTwice(t *testing.T) {
	spans := []Span{{0, epoch}}
	a, b := play(New(config(), spans), 3000, nil), play(New(config(), spans), 3000, nil)
	for i := range a { // cmp is slow on so many bytes
		if !bytes.Equal(a[i].Bytes, b[i].Bytes) || a[i].Facility != b[i].Facility || a[i].Number != b[i].Number || a[i].Due != b[i].Due {
			t.Fatalf("message %d:\n%q\n%q", i, a[i].Bytes, b[i].Bytes)
		}
	}
	other := config()
	other.Seed++
	if c := play(New(other, spans), 10, nil); bytes.Equal(a[0].Bytes, c[0].Bytes) {
		t.Fatal("another seed gives the same messages")
	}
}

func TestAPlayGoesOnWhereItWasInterrupted(t *testing.T) {
	before := play(New(config(), []Span{{0, epoch}}), 1500, nil)
	sent := map[string]int{}
	for _, m := range before[:1200] {
		sent[m.Facility] = m.Number
	}
	pause := []Span{{0, epoch}, {before[1200].Due, epoch.Add(before[1200].Due + 3*time.Hour)}}
	after := play(New(config(), pause), 3000, sent)
	controls := map[string][]byte{}
	for _, m := range before[:1200] {
		controls[parse(t, m).Get("MSH-10").String()] = m.Bytes
	}
	visits := map[string]string{}
	for i, m := range after {
		if (m.Bytes == nil) != (m.Number <= sent[m.Facility]) {
			t.Fatalf("message %d of %s: bytes %v after %d were sent", m.Number, m.Facility, m.Bytes != nil, sent[m.Facility])
		}
		if m.Bytes == nil {
			continue
		}
		p := parse(t, m)
		id := p.Get("MSH-10").String()
		if old, ok := controls[id]; ok && !bytes.Equal(old, m.Bytes) {
			t.Fatalf("control id %s names other bytes after the interruption", id)
		}
		if told := at(t, p, "MSH-7"); i >= 1200 && told.Before(epoch.Add(3*time.Hour)) {
			t.Fatalf("message %d was told at %s, before the play went on", i, told)
		}
	}
	// What was told of a stay before the interruption is told the same after it.
	for _, m := range append(before[:1200:1200], after...) {
		if m.Bytes == nil {
			continue
		}
		p := parse(t, m)
		visit, admitted := p.Get("PID-18.1").String(), p.Get("PV1-44").String()
		if admitted == "" {
			continue
		}
		if old := visits[visit]; old != "" && old != admitted {
			t.Fatalf("stay %s was admitted at %s and at %s", visit, old, admitted)
		}
		visits[visit] = admitted
	}
}

func TestEverythingHappens(t *testing.T) {
	triggers, dispositions, classes, facilities := map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}
	controls := map[string][]byte{}
	repeated := 0
	for _, m := range play(New(config(), []Span{{0, epoch}}), 30_000, nil) {
		p := parse(t, m)
		id := p.Get("MSH-10").String()
		if old, ok := controls[id]; ok {
			repeated++
			if !bytes.Equal(old, m.Bytes) {
				t.Fatalf("control id %s was used twice", id)
			}
		}
		controls[id] = m.Bytes
		facilities[p.Get("MSH-4").String()]++
		triggers[p.Trigger()]++
		classes[p.Get("PV1-2").String()+p.Get("PV1-18").String()]++
		if p.Trigger() == "A03" {
			dispositions[p.Get("PV1-36").String()]++
		}
	}
	has := func(what string, got map[string]int, want string) {
		for _, w := range strings.Fields(want) {
			if got[w] == 0 {
				t.Errorf("%s %s never happens: %v", what, w, got)
			}
		}
	}
	has("trigger", triggers, "A01 A02 A03 A04 A05 A06 A07 A08 A11 A12 A13 A14 A15 A16 A21 A22 A23 A25 A26 A27 A31 A38 A54")
	has("disposition", dispositions, "01 02 03 04 05 06 07 09 20 21 43 50 51 61 62 63 64 65 66 69 70 GDD")
	has("class", classes, "I E P OBS OOBS B R")
	has("facility", facilities, strings.Join(New(config(), []Span{{0, epoch}}).Facilities(), " "))
	if dispositions[""] == 0 {
		t.Error("no discharge is told without a disposition")
	}
	if repeated < 300 || repeated > 800 {
		t.Errorf("%d of 30,000 messages were repeated", repeated)
	}
}

func TestTheRateIsTheOneAskedFor(t *testing.T) {
	for _, rate := range []float64{.5, 2, 5} {
		c := config()
		c.Rate = rate
		w := New(c, []Span{{0, epoch}})
		list := play(w, 12_000, nil)
		// The second half: by then stays end as often as they begin.
		first, last := list[len(list)/2], list[len(list)-1]
		got := float64(len(list)/2) / (last.Due - first.Due).Seconds()
		if math.Abs(got/rate-1) > .2 {
			t.Errorf("%.2f messages per second, want %.2f", got, rate)
		}
		if !slices.IsSortedFunc(list, func(a, b Message) int { return int(a.Due - b.Due) }) {
			t.Error("messages are not in the order in which they are due")
		}
	}
}

func TestStaysKeepTheirLengthAndDischargesAreNow(t *testing.T) {
	var days []float64
	for _, m := range play(New(config(), []Span{{0, epoch}}), 10_000, nil) {
		p := parse(t, m)
		if p.Trigger() != "A03" || p.Get("PV1-36").String() == "09" {
			continue
		}
		left, told := at(t, p, "PV1-45"), at(t, p, "MSH-7")
		if d := told.Sub(left).Abs(); d > 2*time.Second {
			t.Fatalf("a discharge at %s was told at %s", left, told)
		}
		if p.Get("PV1-2").String() == "I" && p.Get("PV1-44").String() != "" {
			days = append(days, left.Sub(at(t, p, "PV1-44")).Hours()/24)
		}
	}
	slices.Sort(days)
	if median := days[len(days)/2]; median < 2 || median > 7 {
		t.Fatalf("the median stay is %.1f days long, want 2 to 7", median)
	}
}

func TestAStayIsToldInTheOrderOfItsEvents(t *testing.T) {
	last := map[string]time.Time{}
	for _, m := range play(New(config(), []Span{{0, epoch}}), 10_000, nil) {
		p := parse(t, m)
		if p.Trigger() == "A31" || p.Get("EVN-6").String() == "" || strings.Contains("A11 A12 A13 A25 A26 A27 A38", p.Trigger()) {
			continue
		}
		visit, when := m.Facility+p.Get("PID-18.1").String(), at(t, p, "EVN-6")
		if when.Before(last[visit]) {
			t.Fatalf("%s %s happened at %s, before what was told earlier (%s)", visit, p.Trigger(), when, last[visit])
		}
		last[visit] = when
	}
}

func TestPeopleAreFoundAgainAtTheNextFacility(t *testing.T) {
	home := map[string]string{}
	found, total := 0, 0
	for _, m := range play(New(config(), []Span{{0, epoch}}), 20_000, nil) {
		p := parse(t, m)
		receiver := m.Facility != "MERCYWEST" && m.Facility != "OAKHAVEN"
		if receiver {
			total++
		}
		shared := false
		for id := range p.Segment("PID").Field(3).Reps() {
			cx := id.CX()
			if cx.Type == "MR" {
				continue
			}
			if receiver && home[cx.ID] != "" && home[cx.ID] != m.Facility {
				shared = true
			}
			if !receiver {
				home[cx.ID] = m.Facility
			}
		}
		if shared {
			found++
		}
	}
	if total < 200 || float64(found) < .8*float64(total) {
		t.Fatalf("%d of %d arrivals share an identifier with the hospital that sent them", found, total)
	}
}

func BenchmarkNext(b *testing.B) {
	w := New(config(), []Span{{0, epoch}})
	for b.Loop() {
		w.Next(nil)
	}
}

func TestGenerationsShareNoNumber(t *testing.T) {
	numbers := func(generation int) map[string]bool {
		c := config()
		c.Generation = generation
		all := map[string]bool{}
		for _, m := range play(New(c, []Span{{0, epoch}}), 1500, nil) {
			p := parse(t, m)
			for _, path := range []string{"MSH-10", "PID-18.1", "PV1-19.1", "PID-3[1].1", "PID-3[2].1", "PID-3[3].1"} {
				if v := p.Get(path).String(); v != "" {
					all[v] = true
				}
			}
		}
		return all
	}
	first := numbers(1)
	for _, generation := range []int{2, 11, 12, 111, Generations} {
		for n := range numbers(generation) {
			if first[n] {
				t.Errorf("generations 1 and %d both gave out %s", generation, n)
			}
		}
	}
}
