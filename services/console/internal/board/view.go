package board

import "net/url"

// View is what a person chose to see of the worklist: codes only, so that it may be part of an address.
type View struct {
	Name        string // "", mine, unclaimed, overdue, today, done
	Facility    string // code
	Unit        string // of Facility
	Risk        string // band
	Disposition string
	Protocol    string // without its version
	Group       string // "", due, patient
}

// params are the view's parts by the names they have in an address.
func (v *View) params() map[string]*string {
	return map[string]*string{
		"view": &v.Name, "facility": &v.Facility, "unit": &v.Unit, "risk": &v.Risk, "to": &v.Disposition, "protocol": &v.Protocol, "group": &v.Group,
	}
}

// ViewOf reads a view from an address.
func ViewOf(q url.Values) (v View) {
	for name, field := range v.params() {
		if text := q.Get(name); len(text) <= 64 {
			*field = text
		}
	}
	if v.Facility == "" {
		v.Unit = "" // a unit's name means something within its facility
	}
	return v
}

// Query is the view as the query part of an address, "" for the plain worklist.
func (v View) Query(more ...string) string {
	q := url.Values{}
	for name, field := range v.params() {
		if *field != "" {
			q.Set(name, *field)
		}
	}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

// Named is the view with another name: the same filters.
func (v View) Named(name string) View { v.Name = name; return v }

// Narrow says how many filters there are beside the name.
func (v View) Narrow() (n int) {
	for _, text := range []string{v.Facility, v.Unit, v.Risk, v.Disposition, v.Protocol} {
		if text != "" {
			n++
		}
	}
	return n
}

// OfEpisodes reports whether the view asks for something that only an episode knows.
func (v View) OfEpisodes() bool { return v.Unit+v.Risk+v.Disposition+v.Protocol != "" }
