package adt

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/handoff-care/handoff/services/admission/internal/encounter"
)

// acts are what a message does to names, one line each.
func acts(c *Command) (out []string) {
	for part := range c.Parts {
		for _, a := range part.Acts {
			switch {
			case a.Kind == DeletePerson:
				out = append(out, "delete "+part.Identifiers[0].Value.Reveal())
			case a.Kind == MoveAccount:
				out = append(out, a.FromVisit.Key+": "+a.From.Value.Reveal()+" > "+a.To.Value.Reveal())
			case a.FromVisit.Key != "":
				out = append(out, a.FromVisit.Key+" > "+a.ToVisit.Key)
			default:
				out = append(out, a.From.Kind+" "+a.From.Authority+" "+a.From.Value.Reveal()+" > "+a.To.Value.Reveal())
			}
		}
	}
	return out
}

// Which prior identifier stands for which of PID-3, and what else a message about names may say.
func TestMerges(t *testing.T) {
	pv1 := "PV1||I" + strings.Repeat("|", 17) + "V2" + strings.Repeat("|", 31) + "ALT2"
	pid := func(ids, account string) string { return "PID|||" + ids + strings.Repeat("|", 15) + account }
	for name, tt := range map[string]struct {
		trigger  string
		segments []string
		want     []string
		verdict  Verdict
	}{
		"by type and authority":            {"A40", []string{pid("9^^^EPI^PI~2^^^OWN^MR", ""), "MRG|1^^^OWN^MR"}, []string{"MR OWN 1 > 2"}, Verdict{}},
		"in another order":                 {"A40", []string{pid("2^^^OWN^MR~9^^^EPI^PI", ""), "MRG|8^^^EPI^PI~1^^^OWN^MR"}, []string{"PI EPI 8 > 9", "MR OWN 1 > 2"}, Verdict{}},
		"without type, by position":        {"A40", []string{pid("2^^^OWN^MR", ""), "MRG|1"}, []string{"MR OWN 1 > 2"}, Verdict{}},
		"neither side says more":           {"A34", []string{pid("2", ""), "MRG|1"}, []string{"MR GENERAL 1 > 2"}, Verdict{}},
		"several of one type":              {"A40", []string{pid("3^^^OWN^MR", ""), "MRG|1^^^OWN^MR~2^^^OWN^MR"}, []string{"MR OWN 1 > 3", "MR OWN 2 > 3"}, Verdict{}},
		"more on one side":                 {"A40", []string{pid("2^^^OWN^MR~5^^^CMS^MC", ""), "MRG|1^^^OWN^MR~7^^^OTHER^PI"}, []string{"MR OWN 1 > 2"}, Verdict{}},
		"the retired repeated in PID-3":    {"A40", []string{pid("2^^^OWN^MR~1^^^OWN^MR", ""), "MRG|1^^^OWN^MR"}, []string{"MR OWN 1 > 2"}, Verdict{}},
		"an authority spelled otherwise":   {"A40", []string{pid("2^^^OWN&1.2.3&ISO^MR", ""), "MRG|1^^^OWN^MR"}, []string{"MR OWN 1 > 2"}, Verdict{}},
		"one named by MRG-4":               {"A30", []string{pid("2^^^OWN^MR", ""), "MRG||||1^^^OWN^MR"}, []string{"MR OWN 1 > 2"}, Verdict{}},
		"one named by PID-2":               {"A18", []string{"PID||2^^^OWN^MR", "MRG|1^^^OWN^MR"}, []string{"MR OWN 1 > 2"}, Verdict{}},
		"two groups":                       {"A40", []string{pid("2^^^OWN^MR", ""), "MRG|1^^^OWN^MR", "PV1||N", pid("4^^^OWN^MR", ""), "MRG|3^^^OWN^MR"}, []string{"MR OWN 1 > 2", "MR OWN 3 > 4"}, Verdict{}},
		"two groups, one of no use":        {"A40", []string{pid("2^^^OWN^MR", ""), "MRG|", pid("4^^^OWN^MR", ""), "MRG|3^^^OWN^MR"}, []string{"MR OWN 3 > 4"}, Verdict{}},
		"itself":                           {"A40", []string{pid("2^^^OWN^MR", ""), "MRG|2^^^OWN^MR"}, nil, Verdict{Ignored, SameID}},
		"of nothing":                       {"A40", []string{pid("2^^^OWN^MR", "")}, nil, Verdict{Quarantined, NoPrior}},
		"of nobody":                        {"A40", []string{"PID|||", "MRG|1^^^OWN^MR"}, nil, Verdict{Quarantined, NoPatient}},
		"a social security number":         {"A40", []string{pid("2^^^OWN^MR", ""), "MRG|123456789^^^SSA^SS"}, nil, Verdict{Quarantined, NoPrior}},
		"an account and ids":               {"A36", []string{pid("2^^^OWN^MR", "X2"), "MRG|1^^^OWN^MR||X1"}, []string{"MR OWN 1 > 2", "AN:X1 > AN:X2"}, Verdict{}},
		"an account alone":                 {"A35", []string{pid("2^^^OWN^MR", "X2"), "MRG|1^^^OWN^MR||X1"}, []string{"AN:X1 > AN:X2"}, Verdict{}},
		"another account number":           {"A49", []string{pid("2^^^OWN^MR", "X2"), "MRG|||X1"}, []string{"AN:X1 > AN:X2"}, Verdict{}},
		"an account without its prior":     {"A41", []string{pid("2^^^OWN^MR", "X2"), "MRG|1"}, nil, Verdict{Quarantined, NoVisit}},
		"a visit":                          {"A42", []string{pid("2^^^OWN^MR", ""), "MRG|||||V1", pv1}, []string{"VN:V1 > VN:V2"}, Verdict{}},
		"another visit number":             {"A50", []string{pid("2^^^OWN^MR", ""), "MRG|||||V1", pv1}, []string{"VN:V1 > VN:V2"}, Verdict{}},
		"another alternate visit number":   {"A51", []string{pid("2^^^OWN^MR", ""), "MRG||||||ALT1", pv1}, []string{"AV:ALT1 > AV:ALT2"}, Verdict{}},
		"the same visit number":            {"A50", []string{pid("2^^^OWN^MR", ""), "MRG|||||V2", pv1}, nil, Verdict{Ignored, SameID}},
		"an account moved":                 {"A44", []string{pid("2^^^OWN^MR", "X1"), "MRG|1^^^OWN^MR||X1"}, []string{"AN:X1: 1 > 2"}, Verdict{}},
		"a link":                           {"A24", []string{pid("1^^^OWN^MR", ""), "PV1||N", pid("2^^^OWN^MR", "")}, []string{"MR OWN 1 > 2"}, Verdict{}},
		"a link of one":                    {"A37", []string{pid("1^^^OWN^MR", "")}, nil, Verdict{Quarantined, OnePatient}},
		"a swap of one":                    {"A17", []string{pid("1^^^OWN^MR", ""), "PV1||I|3W"}, nil, Verdict{Quarantined, OnePatient}},
		"a person deleted":                 {"A29", []string{pid("1^^^OWN^MR", "")}, []string{"delete 1"}, Verdict{}},
		"a bed status":                     {"A20", nil, nil, Verdict{Ignored, BedStatus}},
		"a query":                          {"A19", nil, nil, Verdict{Ignored, Query}},
		"something that the standard lost": {"A99", nil, nil, Verdict{Ignored, NotHandled}},
	} {
		t.Run(name, func(t *testing.T) {
			c, v := read(t, Dialect{}, append([]string{msh(tt.trigger, "202603021000"), "EVN|" + tt.trigger + "|202603021000"}, tt.segments...)...)
			if v != tt.verdict {
				t.Fatalf("%+v", v)
			}
			if v == (Verdict{}) {
				if diff := cmp.Diff(tt.want, acts(c)); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

// Every visit of an A45 is moved, and both patients of an A17 are.
func TestParts(t *testing.T) {
	c, v := read(t, Dialect{}, msh("A45", "202603021000"), "PID|||2^^^OWN^MR", "MRG|1^^^OWN^MR||||V1", "PV1||N", "MRG|1^^^OWN^MR||||V2", "PV1||N")
	var got []string
	for part := range c.Parts {
		got = append(got, part.Kind.String()+" "+part.Visit.Key+" to "+part.Identifiers[0].Value.Reveal())
	}
	if diff := cmp.Diff([]string{"move VN:V1 to 2", "move VN:V2 to 2"}, got); diff != "" || v != (Verdict{}) {
		t.Error(diff, v)
	}
	visit := func(unit, n string) string { return "PV1||I|" + unit + strings.Repeat("|", 16) + n }
	c, v = read(t, Dialect{}, msh("A17", "202603021000"), "PID|||1^^^OWN^MR", visit("4E", "V1"), "PID|||2^^^OWN^MR", visit("3W", "V2"))
	got = nil
	for part := range c.Parts {
		got = append(got, part.Fact.Kind.String()+" "+part.Visit.Key+" of "+part.Identifiers[0].Value.Reveal()+" to "+part.Fact.Place.Unit)
	}
	if diff := cmp.Diff([]string{"transfer VN:V1 of 1 to 4E", "transfer VN:V2 of 2 to 3W"}, got); diff != "" || v != (Verdict{}) {
		t.Error(diff, v)
	}
}

// What the further events say of a stay.
func TestFurtherValues(t *testing.T) {
	fields := func(set map[int]string) string {
		pv1 := make([]string, 46)
		pv1[0], pv1[2] = "PV1", "I"
		for n, v := range set {
			pv1[n] = v
		}
		return strings.Join(pv1, "|")
	}
	c, _ := read(t, Dialect{}, msh("A09", "202603021000"), pid, fields(map[int]string{3: "3W^1^1", 11: "XR^2"}))
	if f := c.Fact; f.Kind != encounter.Depart || f.Values.Temporary == nil || *f.Values.Temporary != (encounter.Place{Unit: "XR", Room: "2"}) {
		t.Errorf("%+v", f)
	}
	c, _ = read(t, Dialect{}, msh("A08", "202603021000"), pid, fields(map[int]string{9: "11^Doe^Jane~22^Doe^Jane^^^^^^NPI~33^Roe^Rick", 45: `""`}), `PV2||||||||""`, "PR1|1||0DTJ4ZZ", "PR1|2||02703ZZ")
	v := c.Fact.Values
	if diff := cmp.Diff([]string{"22", "33"}, v.Consulting); diff != "" {
		t.Error(diff)
	}
	if !v.Gone.Has(encounter.DischargeTime) || !v.Gone.Has(encounter.PlannedTime) || v.Gone.Has(encounter.AdmitTime) || v.Procedures == nil || *v.Procedures != 2 {
		t.Errorf("%+v", v)
	}
	c, _ = read(t, Dialect{}, msh("A54", "202603021000"), pid, fields(nil), "ROL|1|UP|AT|77^Poe^Ann")
	if c.Fact.Kind != encounter.ChangeAttending || c.Fact.Values.Attending != "77" {
		t.Errorf("%+v", c.Fact)
	}
	c, _ = read(t, Dialect{}, msh("A06", "202603021000"), pid, fields(map[int]string{19: "V2"}), "MRG|||||V1")
	if c.Fact.Values.Prior != "VN:V1" {
		t.Errorf("goes on from %q", c.Fact.Values.Prior)
	}
	c, _ = read(t, Dialect{}, msh("A08", "202603021000"), pid, fields(nil), "DG1|1||I50.9^^I10|||F||||||||||||||D1|U", "DG1|2||J44.9^^I10|||F||||||||||||||D2|D")
	if !c.Fact.Values.DiagnosesChanged || c.Fact.Values.DiagnosesSent || len(c.Fact.Diagnoses) != 2 || !c.Fact.Diagnoses[1].Removed || c.Fact.Diagnoses[0].ID != "D1" {
		t.Errorf("%+v", c.Fact)
	}
}
