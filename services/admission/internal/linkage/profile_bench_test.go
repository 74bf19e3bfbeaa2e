package linkage

import (
	"testing"

	"github.com/handoff-care/handoff/pkg/phi"
	"github.com/handoff-care/handoff/services/admission/internal/identity"
)

// BenchmarkProfile is what the linker makes of a patient before it compares: profile, keys, terms.
func BenchmarkProfile(b *testing.B) {
	var r identity.Record
	r.Values[identity.Name] = identity.Encode(identity.PersonName{Family: "Canarydale", Given: "Nightingale", Middle: "Q"})
	r.Values[identity.Birth], r.Values[identity.Sex] = phi.Of("1941-05-07"), phi.Of("F")
	r.Values[identity.Address] = identity.Encode([]identity.PostalAddress{{Street: "1204 Barlow Street", City: "Kelton", State: "IL", Zip: "60123", Country: "USA", Use: "H"}})
	r.Values[identity.Phones] = identity.Encode([]identity.Telecom{{Use: "PRN", Number: "1 217 2005501"}})
	d := NewDigester([]byte("a key"))
	b.ReportAllocs()
	for b.Loop() {
		p := Read(&r)
		n := len(p.Encode()) + len(p.Keys(d, "org"))
		for _, t := range p.Terms() {
			n += int(t.Digest(d, "org") & 1)
		}
		if n == 0 {
			b.Fatal("there is nothing to compare")
		}
	}
}
