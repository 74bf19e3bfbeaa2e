package admission

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/handoff-care/handoff/pkg/run"
)

// TestLinksFollowMerges: a record that another stands for is compared as that one; taken back, as itself.
func TestLinksFollowMerges(t *testing.T) {
	h := start(t)
	names := &about{facility: "NORTH"}
	pid := func(mr string) string { return "PID=PID|1||" + mr + "^^^OWN&1.2.3&ISO^MR" }
	h.send(
		somebody("NORTH", 1, "Okonkwo^Margaret^Rose", "19440511", "F", walnut, phone, ssn, "PID-3=A^^^OWN&1.2.3&ISO^MR"),
		somebody("NORTH", 2, "Adeyemi^Folake", "19710203", "F", "PID-3=B^^^OWN&1.2.3&ISO^MR"),
		somebody("SOUTH", 3, "Okonkwo^Peggy^R", "19440511", "F", walnut, phone))
	h.compared()
	if diff := cmp.Diff(map[string]string{"A": "A SOUTH3", "B": "B", "SOUTH3": "A SOUTH3"}, h.persons()); diff != "" {
		t.Fatal(diff)
	}
	h.agreed()
	h.send(names.say("A40", 40, "B", "", mrg("A"), pid("B")))
	h.compared()
	h.agreed()
	if got := h.persons()["A"]; !strings.HasPrefix(got, "A B") {
		t.Errorf("merged, A is one person with %s", got)
	}
	var pairs int
	h.scan(`SELECT count(*) FROM patient_link l JOIN patient p ON p.id IN (l.low_id, l.high_id) WHERE p.into_id IS NOT NULL AND l.state <> 'none'`, nil, &pairs)
	if pairs != 0 {
		t.Errorf("%d pairs are of a record that another stands for", pairs)
	}
	var counted, alive int
	h.scan(`SELECT (SELECT n FROM linkage_term ORDER BY n DESC LIMIT 1), (SELECT count(*) FROM patient WHERE into_id IS NULL)`, nil, &counted, &alive)
	if counted != alive {
		t.Errorf("%d patients are counted of %d", counted, alive)
	}
}

// TestAHospitalsWordOutranksAScore: linked by A24, parted by A37, whichever comes first; and a person's word both.
func TestAHospitalsWordOutranksAScore(t *testing.T) {
	pid := func(mr string) string { return "PID|1||" + mr + "^^^OWN&1.2.3&ISO^MR" }
	for name, tt := range map[string]struct {
		words []string
		want  string
	}{
		"linked":                     {[]string{"A24 40"}, "A B"},
		"linked and parted":          {[]string{"A24 40", "A37 41"}, "A"},
		"linked and parted, reverse": {[]string{"A37 41", "A24 40"}, "A"},
		"parted and linked":          {[]string{"A37 40", "A24 41"}, "A B"},
		"parted and linked, reverse": {[]string{"A24 41", "A37 40"}, "A B"},
	} {
		t.Run(name, func(t *testing.T) {
			h := start(t)
			names := &about{facility: "NORTH"}
			h.send(
				somebody("NORTH", 1, "Okonkwo^Margaret", "19440511", "F", walnut, "PID-3=A^^^OWN&1.2.3&ISO^MR"),
				somebody("NORTH", 2, "Adeyemi^Folake", "19710203", "F", "PID-3=B^^^OWN&1.2.3&ISO^MR"))
			h.compared()
			for _, w := range tt.words {
				trigger, hour, _ := strings.Cut(w, " ")
				h.send(names.say(trigger, 40+int(hour[1]-'0'), "A", "", "PID="+pid("A"), pid("B")))
			}
			h.compared()
			if got := h.persons()["A"]; got != tt.want {
				t.Errorf("A is one person with %s", got)
			}
			h.agreed()
		})
	}
}

// TestAPatientThatCannotBeComparedHoldsNobodyUp: it is left out, said so without a name, and the others are compared.
func TestAPatientThatCannotBeComparedHoldsNobodyUp(t *testing.T) {
	h := startOn(t, testDB(t), run.Config{Dev: true, MLLP: "127.0.0.1:0"}, func(s *service) { s.linker.model = nil }) // scoring a pair panics
	h.send(
		somebody("NORTH", 1, "Okonkwo^Margaret^Rose", "19440511", "F", walnut, phone, ssn),
		somebody("SOUTH", 2, "Okonkwo^Margaret^Rose", "19440511", "F", walnut, phone, ssn),
		somebody("SOUTH", 3, "Adeyemi^Folake", "19710203", "F"))
	h.compared()
	var profiles int
	h.scan(`SELECT count(*) FROM linkage_profile`, nil, &profiles)
	log := string(h.logged.Bytes())
	if profiles != 2 || !strings.Contains(log, "cannot be compared") || strings.Contains(strings.ToLower(log), "okonkwo") {
		t.Errorf("%d of three are compared; %s", profiles, log)
	}
	h.agreed()
}
