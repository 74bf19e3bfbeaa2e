package alias

import (
	"flag"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/handoff-care/handoff/pkg/events"
)

// TestMain tries properties with 1,000 cases unless -rapid.checks says otherwise.
func TestMain(m *testing.M) {
	flag.Parse()
	asked := false
	flag.Visit(func(f *flag.Flag) { asked = asked || f.Name == "rapid.checks" })
	if !asked {
		if err := flag.Set("rapid.checks", "1000"); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

var day = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

func id(name string) (id events.ID) {
	copy(id[:], name)
	return id
}

// say reads "a>b" (a stands for b) or "a>" (a stands for itself), written down at an hour.
func say(hour int, what string) Statement {
	from, to, merged := strings.Cut(what, ">")
	if !merged {
		from, to, _ = strings.Cut(what, "=")
		return Statement{From: id(from), To: id(to), Recorded: day.Add(time.Duration(hour) * time.Hour), Message: events.Derive(what, strconv.Itoa(hour)), Reason: Renamed}
	}
	return Statement{From: id(from), To: id(to), Recorded: day.Add(time.Duration(hour) * time.Hour), Message: events.Derive(what, strconv.Itoa(hour)), Reason: what}
}

func TestSet(t *testing.T) {
	for name, tt := range map[string]struct {
		said string // in the order they were written down
		want string // what a, b, c and d stand for
	}{
		"nothing":                                 {"", "a b c d"},
		"a merge":                                 {"a>b", "b b c d"},
		"a merge told again":                      {"a>b a>b", "b b c d"},
		"a chain":                                 {"a>b b>c", "c c c d"},
		"a chain from its end":                    {"b>c a>b", "c c c d"},
		"a merge into a retired name":             {"b>c a>b d>a", "c c c c"},
		"the inverse":                             {"a>b b>a", "a a c d"},
		"there and back and there":                {"a>b b>a a>b", "b b c d"},
		"a circle of three":                       {"a>b b>c c>a", "a a a d"},
		"a circle, and somebody else":             {"a>b b>c c>a d>b", "a a a a"},
		"itself":                                  {"a>a", "a b c d"},
		"taken back":                              {"a>b a>", "a b c d"},
		"taken back, and told again":              {"a>b a> a>b", "b b c d"},
		"taken back in the middle":                {"a>b b>c b>", "b b c d"},
		"another survivor":                        {"a>b a>c", "c b c d"},
		"taken back before it was":                {"a> a>b", "b b c d"},
		"the inverse, then taken back":            {"a>b b>a b>", "a b c d"},
		"another name, then a merge of it":        {"a=b b>c", "c c c d"},
		"another name, then a merge of the old":   {"a=b a>c", "c c c d"},
		"a merge, then another name":              {"a>c a=b", "c c c d"},
		"a merge into a name that was changed":    {"a=b d>a", "a a c a"},
		"another name, and back":                  {"a=b b=a", "a a c d"},
		"another name for the survivor of itself": {"a>b a=b", "a a c d"},
	} {
		t.Run(name, func(t *testing.T) {
			var s Set
			for i, what := range strings.Fields(tt.said) {
				s.Add(say(i, what))
			}
			for i, want := range strings.Fields(tt.want) {
				if n := string(rune('a' + i)); s.Root(id(n)) != id(want) {
					t.Errorf("%s does not stand for %s", n, want)
				}
			}
		})
	}
}

func TestRootAt(t *testing.T) {
	var s Set
	s.Add(say(3, "a>"))
	s.Add(say(1, "a>b"))
	for hour, want := range map[int]string{0: "a", 1: "b", 2: "b", 3: "a"} {
		if s.RootAt(id("a"), day.Add(time.Duration(hour)*time.Hour)) != id(want) {
			t.Errorf("at %d not %s", hour, want)
		}
	}
	if s.Reason(id("a")) != "" {
		t.Error("a reason for nothing")
	}
}

// Any statements, in any order and repeated, resolve alike and to an end, and one that is taken back
// last leaves its name standing for itself.
func TestResolvesAlike(t *testing.T) {
	names := []string{"a", "b", "c", "d", "e"}
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Statement {
			sign := rapid.SampledFrom([]string{">", ">", "="}).Draw(t, "what")
			what := rapid.SampledFrom(names).Draw(t, "from") + sign + rapid.SampledFrom(append(names, "")).Draw(t, "to")
			return say(rapid.IntRange(0, 5).Draw(t, "hour"), what)
		}), 1, 10).Draw(t, "statements")
		var want, got Set
		for _, st := range list {
			want.Add(st)
		}
		for _, st := range append(rapid.Permutation(list).Draw(t, "order"), list[0]) {
			got.Add(st)
		}
		for _, n := range names {
			if want.Root(id(n)) != got.Root(id(n)) {
				t.Fatalf("%s differs", n)
			}
			if want.Name(id(n)) != got.Name(id(n)) {
				t.Fatalf("%s is called otherwise", n)
			}
			if r := got.Root(id(n)); got.Root(r) != r || got.Root(got.Name(r)) != r {
				t.Fatalf("%s has no end", n)
			}
		}
		back := say(9, rapid.SampledFrom(names).Draw(t, "back")+">")
		got.Add(back)
		if r := got.Root(back.From); got.Reason(back.From) != "" && got.Reason(back.From) != Renamed || got.first(back.From) != r {
			t.Fatal("not taken back")
		}
	})
}

func TestName(t *testing.T) {
	for said, want := range map[string]string{"": "a", "a=b": "b", "a=b b=c": "c", "b=c a=b": "c", "a=b b=a": "a", "a=b a=c": "c", "a>b b=c": "c"} {
		var s Set
		for i, what := range strings.Fields(said) {
			s.Add(say(i, what))
		}
		if got := s.Name(id("a")); got != id(want) {
			t.Errorf("%s: called %s, not %s", said, got[:1], want)
		}
	}
}
