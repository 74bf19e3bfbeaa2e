package hospital

import (
	"math/rand/v2"
	"slices"
	"strconv"
)

// facility is one sender: its code in MSH-4 and how it writes HL7.
type facility struct {
	code, name   string
	app, oid     string
	prefix       string // of its control ids and numbers
	version      string // MSH-12
	charset      string // MSH-18
	zoned        bool   // all timestamps carry the offset, not MSH-7 alone
	structured   bool   // MSH-9.3 is sent
	occurred     bool   // EVN-6 is sent
	accountVisit bool   // stays are named by PID-18, PV1-19 is empty
	bareCodes    bool   // ICD-10 without dot, old telephone numbers, local words now and then
	admitsAnew   bool   // an admission from the emergency department gets a number of its own
	need         string // post-acute facilities: what they give
	units        map[string]unit
	beds         map[string]int
}

type unit struct {
	name string
	beds int
}

// hospitals are the senders of stays that end with a discharge.
func hospitals() []*facility {
	return []*facility{
		{
			code: "MERCYWEST", name: "Mercy West Medical Center", app: "MWADT", oid: "2.25.3021", prefix: "MW", version: "2.5.1", charset: "UNICODE UTF-8", zoned: true, structured: true, occurred: true,
			beds: map[string]int{}, units: map[string]unit{
				"emergency": {"ED", 40}, "observation": {"OBS3", 24}, "medical": {"4WEST", 36}, "cardiac": {"5CARD", 30}, "surgical": {"3SURG", 32}, "icu": {"ICU", 20},
				"neuro": {"5NEURO", 24}, "behavioral": {"7BHU", 22}, "maternity": {"2LDR", 18}, "nursery": {"2NSY", 18}, "dialysis": {"DIAL", 14},
			},
		},
		{
			code: "OAKHAVEN", name: "Oakhaven Community Hospital", app: "OHREG", oid: "2.25.3022", prefix: "OH", version: "2.3", charset: "8859/1", accountVisit: true, bareCodes: true, admitsAnew: true,
			beds: map[string]int{}, units: map[string]unit{
				"emergency": {"EMER", 26}, "observation": {"CDU", 12}, "medical": {"M2", 28}, "cardiac": {"TELE", 20}, "surgical": {"S1", 24}, "icu": {"CCU", 12},
				"neuro": {"M3", 20}, "behavioral": {"BH1", 16}, "maternity": {"OB", 12}, "nursery": {"NUR", 12}, "dialysis": {"HD", 10},
			},
		},
	}
}

// receivers are facilities that tell of a patient's arrival by an A01 or A04 of their own: those of
// the demonstration directory that are tied to a feed.
func receivers() []*facility {
	var list []*facility
	for i, r := range []struct{ code, name, need, unit string }{
		{"CEDARGROVE", "Cedar Grove Care Center", "snf", "SHORTSTAY"},
		{"LAKESIDE", "Lakeside Rehabilitation and Nursing", "snf", "REHAB2"},
		{"LINCOLNREHAB", "Lincoln Rehabilitation Hospital", "irf", "REHAB"},
		{"MERIDIANLTCH", "Meridian Long-Term Acute Hospital", "ltch", "LT1"},
		{"GENTLEPASSAGE", "Gentle Passage Hospice", "hospice", "INPT"},
		{"CLEARWATER", "Clearwater Behavioral Hospital", "psych", "ADULT"},
		{"HARBORHOME", "Harbor Home Health", "home-health", "VISITS"},
	} {
		list = append(list, &facility{
			code: r.code, name: r.name, app: "PCADT", oid: "2.25.31" + strconv.Itoa(10+i), prefix: r.code[:2] + strconv.Itoa(i), version: "2.5.1", charset: "UNICODE UTF-8", zoned: true, structured: true,
			need: r.need, units: map[string]unit{"bed": {r.unit, 60}}, beds: map[string]int{},
		})
	}
	return list
}

// Place is what a receiver should know of a facility before it sends.
type Place struct {
	Code, Name, Zone string
	SensitiveUnits   []string
}

// Places are all facilities that send.
func Places() []Place {
	var list []Place
	for _, f := range slices.Concat(hospitals(), receivers()) {
		p := Place{Code: f.code, Name: f.name, Zone: zone.String()}
		if u, ok := f.units["behavioral"]; ok {
			p.SensitiveUnits = []string{u.name}
		}
		list = append(list, p)
	}
	return list
}

// needs are who takes patients that leave with a discharge status.
var needs = map[string]string{"03": "snf", "61": "snf", "64": "snf", "62": "irf", "63": "ltch", "65": "psych", "51": "hospice", "06": "home-health"}

func (f *facility) receives(need string) bool { return f.need == need }

// bed assigns the next bed of a kind of unit.
func (f *facility) bed(kind string) location {
	u, ok := f.units[kind]
	if !ok {
		u = f.units["medical"]
		if f.need != "" {
			u = f.units["bed"]
		}
	}
	n := f.beds[u.name] % u.beds
	f.beds[u.name]++
	return location{u.name, strconv.Itoa(101 + n/2), string(rune('A' + n%2))}
}

type location struct{ unit, room, bed string }

func chance(r *rand.Rand, percent float64) bool { return r.Float64()*100 < percent }
