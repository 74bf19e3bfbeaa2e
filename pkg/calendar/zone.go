package calendar

import (
	"fmt"
	"sync"
	"time"

	_ "time/tzdata" // the same zones on every machine
)

var zones sync.Map // IANA name -> *time.Location; only ever grows by known names

// Zone is the location of an IANA zone name. Unlike [time.LoadLocation] it reads
// each zone once, and it refuses the two names whose meaning is the machine's:
// "" and "Local". Safe for concurrent use.
func Zone(name string) (*time.Location, error) {
	if z, ok := zones.Load(name); ok {
		return z.(*time.Location), nil
	}
	if name == "" || name == "Local" {
		return nil, fmt.Errorf("calendar: zone %q does not name a place", name)
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("calendar: unknown zone %q", name)
	}
	zones.Store(name, loc)
	return loc, nil
}
