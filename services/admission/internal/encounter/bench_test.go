package encounter

import "testing"

// usual is a stay of five messages, as it was known before the last one and as it is now.
func usual() (facts Facts) {
	return set(say(Admit, "9", class(Inpatient), bed("3W", "1"), admitAt("9")), say(Transfer, "12", bed("4E", "1")),
		say(Update, "13", class(Inpatient)), say(Update, "14", class(Inpatient)), say(Discharge, "2d11", dischargeAt("2d11"), disposition("03")))
}

func BenchmarkFold(b *testing.B) {
	facts := usual()
	b.ReportAllocs()
	for b.Loop() {
		if facts.Fold().State != Finished {
			b.Fatal("the stay has ended")
		}
	}
}

func BenchmarkChanges(b *testing.B) {
	facts := usual()
	before := Know(facts[0].Message, facts[:4].Fold(), Whose{}, Where{}, Past{})
	before.FoldVersion = 4
	now := Know(facts[0].Message, facts.Fold(), Whose{}, Where{}, Past{})
	b.ReportAllocs()
	for b.Loop() {
		next := now
		if len(Changes(&before, &next, false)) != 1 {
			b.Fatal("one fact tells of the discharge")
		}
	}
}
