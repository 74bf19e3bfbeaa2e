package identity

import "testing"

func BenchmarkEncode(b *testing.B) {
	name := PersonName{Family: "Canarydale", Given: "Nightingale", Middle: "Q"}
	home := []PostalAddress{{Street: "1204 Barlow Street", City: "Kelton", State: "IL", Zip: "60123", Country: "USA", Use: "H"}}
	phones := []Telecom{{Use: "PRN", Number: "1 217 2005501"}}
	b.ReportAllocs()
	for b.Loop() {
		_, _, _ = Encode(name), Encode(home), Encode(phones)
		_ = Encode([]Contact{{Name: name, Relation: "SPO", Role: "EP", Phones: phones}})
		_ = Encode([]Coverage{{Order: 1, Plan: "MCR", Payer: "MCR", Name: "Medicare", Member: "P0000012", Class: "medicare"}})
	}
}
