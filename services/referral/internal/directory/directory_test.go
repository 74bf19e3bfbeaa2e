package directory

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/referral/internal/match"
)

var (
	org  = events.Derive("org")
	noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
)

func readAll(t *testing.T, text string, known ...*Provider) ([]*Provider, []LineError) {
	t.Helper()
	s, err := Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	byID := map[events.ID]*Provider{}
	for _, p := range known {
		byID[p.ID] = p
	}
	return s.Merge(org, byID, noon), s.Errors
}

func TestTheDemonstrationDirectoryIsWholeAndCoversEveryNeed(t *testing.T) {
	s, err := Demo()
	if err != nil {
		t.Fatal(err)
	}
	list := s.Merge(org, nil, noon)
	if len(s.Errors) > 0 || len(list) != 34 {
		t.Fatalf("%d providers, errors %v", len(list), s.Errors)
	}
	tied := map[string]int{}
	for _, need := range match.Needs {
		tied[need] = 0
	}
	for _, p := range list {
		for _, n := range p.Needs {
			if p.Facility != "" {
				tied[n]++
			}
		}
	}
	for need, n := range tied {
		if n == 0 {
			t.Errorf("no %s is tied to a facility", need)
		}
	}
}

func TestCareCompareColumns(t *testing.T) {
	for _, c := range []struct {
		name, file string
		want       Provider
	}{
		{"home health", `"State","CMS Certification Number (CCN)","Provider Name","Address","City/Town","ZIP Code","Telephone Number","Type of Ownership","Offers Nursing Care Services","Certification Date","Quality of patient care star rating"
"IL","147001","GOOD HANDS","5 ROAD","CHICAGO","60601","(312) 555-0100","PROPRIETARY","Yes","01/01/1990","4.5"`,
			Provider{Name: "GOOD HANDS", CCN: "147001", Needs: []string{"home-health"}, Address: "5 ROAD", City: "CHICAGO", State: "IL", ZIP: "60601", Phone: "(312) 555-0100", Rating: new(float32(4.5))}},
		{"nursing homes of earlier years", "Federal Provider Number,Provider Name,Provider State,Provider Zip Code,Number of Certified Beds,Overall Rating\n15001,A HOME,AL,35653,57,Not Available",
			Provider{Name: "A HOME", CCN: "015001", Needs: []string{"snf"}, State: "AL", ZIP: "35653", Beds: new(57)}},
		{"hospice", "CMS Certification Number (CCN),Facility Name,Address Line 1,State,ZIP Code\n141500,REST,1 WAY,MA,1001",
			Provider{Name: "REST", CCN: "141500", Needs: []string{"hospice"}, Address: "1 WAY", State: "MA", ZIP: "01001"}},
		{"dialysis", "CMS Certification Number (CCN),Facility Name,State,ZIP Code,# of Dialysis Stations,Five Star\n142500,KIDNEYS,IL,60601,16,3",
			Provider{Name: "KIDNEYS", CCN: "142500", Needs: []string{"dialysis"}, State: "IL", ZIP: "60601", Beds: new(16), Rating: new(float32(3))}},
		{"a rehabilitation unit of a hospital", "CMS Certification Number (CCN),Provider Name,State,ZIP Code\n14T001,UNIT,IL,60601",
			Provider{Name: "UNIT", CCN: "14T001", Needs: []string{"irf"}, State: "IL", ZIP: "60601"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, wrong := readAll(t, c.file)
			if len(got) != 1 || len(wrong) > 0 {
				t.Fatalf("%d providers, %v", len(got), wrong)
			}
			c.want.ID = got[0].ID
			c.want.tidy()
			if diff := cmp.Diff(&c.want, got[0]); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCertificationNumbersTellTheKind(t *testing.T) {
	for ccn, want := range map[string]string{
		"140001": "", "141500": "hospice", "142000": "ltch", "142299": "ltch", "142300": "dialysis", "142899": "dialysis", "143025": "irf",
		"143100": "home-health", "143500": "dialysis", "144000": "psych", "144499": "psych", "145000": "snf", "146499": "snf", "146500": "",
		"147000": "home-health", "149799": "home-health", "14S001": "psych", "14R001": "irf", "14U001": "snf",
	} {
		if got := needOf(ccn); got != want {
			t.Errorf("%s: %q, want %q", ccn, got, want)
		}
	}
}

func TestAFileSaysOnlyWhatItsCellsSay(t *testing.T) {
	old, _ := readAll(t, "name,needs,ccn,areas,payers,languages,open_beds,capacity_at,agreement_until\nHome,snf,145001,606;607,medicare;commercial,en;es,3,2026-03-01T00:00:00Z,2030-01-01")
	got, wrong := readAll(t, "CMS Certification Number (CCN),Provider Name,Provider Type,Overall Rating\n145001,HOME INC,Medicaid,5", old...)
	if len(wrong) > 0 || len(got) != 1 {
		t.Fatalf("%v", wrong)
	}
	p := got[0]
	if p.Name != "HOME INC" || !slices.Equal(p.Areas, []string{"606", "607"}) || !slices.Equal(p.Payers, []string{"commercial", "medicaid"}) || *p.OpenBeds != 3 || *p.AgreementUntil != "2030-01-01" {
		t.Errorf("%+v", p)
	}
	got, _ = readAll(t, "name,ccn,areas,payers,open_beds,agreement_until\nHome,145001,,-,5,-", p)
	if q := got[0]; len(q.Payers) != 0 || len(q.Areas) != 2 || q.AgreementUntil != nil || *q.OpenBeds != 5 || !q.CapacityAt.Equal(noon) {
		t.Errorf("%+v", q)
	}
}

func TestBadLinesAreNamedAndTheOthersKept(t *testing.T) {
	got, wrong := readAll(t, strings.Join([]string{
		"name,needs,areas,rating,min_age,max_age,agreement_from,agreement_until,capacity_at,interpreter,zip",
		"One,snf,606,5,,,,,,yes,60601",
		"Two,spa,6060,9,90,20,2026-13-01,,yesterday,maybe,6",
		",snf,,,,,,,,,",
		"Three,snf,,,,,2026-02-01,2026-01-01,,,",
		"Four,snf,1,2,3,4,5,6,7,8,9,10,11",
		"Five,hospice,,,,,,,,,",
	}, "\n"))
	var names []string
	for _, p := range got {
		names = append(names, p.Name)
	}
	if diff := cmp.Diff([]string{"One", "Five"}, names); diff != "" {
		t.Error(diff)
	}
	want := []LineError{
		{3, `capacity_at: "yesterday" is no RFC 3339 time; interpreter: "maybe" is neither yes nor no; agreement: a date is YYYY-MM-DD; areas: "6060" is neither three digits nor *; min_age: is above max_age; needs: "spa" is none of snf, home-health, irf, ltch, hospice, psych, dialysis; rating: is not between 1 and 5`},
		{4, "name: 1 to 200 characters are needed"},
		{5, "agreement_until: is before agreement_from"},
		{6, "has 13 cells, the header 11"},
	}
	if diff := cmp.Diff(want, wrong); diff != "" {
		t.Error(diff)
	}
}

func TestAFileWithoutUsefulColumnsIsRefused(t *testing.T) {
	for _, text := range []string{"", "a,b\n1,2", "name\nX", "needs\nsnf"} {
		if _, err := Read(strings.NewReader(text)); err != ErrHeader {
			t.Errorf("%q: %v", text, err)
		}
	}
}
