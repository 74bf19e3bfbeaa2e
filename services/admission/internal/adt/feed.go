package adt

import (
	"slices"
	"strings"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/hl7"
)

// Facility is a hospital as a feed's messages name it.
type Facility struct {
	ID             events.ID
	Org            events.ID
	Code           string // MSH-4
	Name           string
	Zone           string // IANA
	Location       *time.Location
	Aliases        []string // other names and universal ids that MSH-4 may have
	SensitiveUnits []string
	Closures       []string // local closed days, YYYY-MM-DD
	Kind           string   // one of events.FacilityTypes; empty: nobody has said
	Verified       bool
}

// Dialect is how one feed's messages differ from the standard, or choose within it.
type Dialect struct {
	Zone         string            `json:"zone,omitempty" doc:"IANA zone of times without one; default: the facility's"`
	Charset      string            `json:"charset,omitempty" doc:"character set, whatever MSH-18 says"`
	Classes      map[string]string `json:"classes,omitempty" doc:"PV1-2 as sent to class"`
	PatientTypes map[string]string `json:"patient_types,omitempty" doc:"PV1-18 as sent to class; wins over PV1-2"`
	Dispositions map[string]string `json:"dispositions,omitempty" doc:"PV1-36 as sent to UB-04 code"`
	VisitKey     []string          `json:"visit_key,omitempty" doc:"fields that name the visit, best first; default PV1-19, PID-18, PV1-50"`
	Processing   []string          `json:"processing,omitempty" doc:"MSH-11 values allowed; default P, on a development feed all"`
	TLS12        bool              `json:"tls12,omitempty" doc:"accept TLS 1.2"`
	AckMode      string            `json:"ack_mode,omitempty" enum:"auto,original,enhanced" doc:"by MSH-15 and MSH-16, or always so"`
}

// DefaultVisitKey is the order of visit key fields where the feed's settings say nothing.
var DefaultVisitKey = []string{"PV1-19", "PID-18", "PV1-50"}

// Feed is a credential of an organization with the facilities it may speak for. It is immutable: a
// change of settings makes another one.
type Feed struct {
	ID           events.ID
	Org          events.ID
	Name         string
	Development  bool // accepts every facility and every processing id
	Loopback     bool // the plain listener on loopback belongs to it
	Enabled      bool
	Dialect      Dialect
	Location     *time.Location // of Dialect.Zone; nil: the facility's
	Facilities   []*Facility
	Certificates []string // SHA-256 fingerprints (hex) or SANs of its client certificates
	Secret       []byte   // what digests of social security numbers are made with; nil: none are
}

// Facility finds the facility that MSH-4 names: by namespace or universal id. Without a name a feed
// that speaks for one facility means that one.
func (f *Feed) Facility(h hl7.HD) *Facility {
	if h.Namespace == "" && h.UniversalID == "" {
		if len(f.Facilities) == 1 {
			return f.Facilities[0]
		}
		return nil
	}
	for _, name := range [...]string{h.Namespace, h.UniversalID} {
		for _, fac := range f.Facilities {
			if name != "" && (fac.Code == name || slices.Contains(fac.Aliases, name)) {
				return fac
			}
		}
	}
	return nil
}

// Speaks reports whether the feed may speak for a facility.
func (f *Feed) Speaks(fac *Facility) bool {
	return f.Development && f.Org == fac.Org || slices.ContainsFunc(f.Facilities, func(x *Facility) bool { return x.ID == fac.ID })
}

// CheckVisitKey refuses fields that cannot name a visit.
func CheckVisitKey(paths []string) error {
	for _, p := range paths {
		if path, err := hl7.ParsePath(p); err != nil || path.Field == 0 {
			return fault.New(fault.Invalid, "a visit key is a field such as PV1-19")
		}
	}
	return nil
}

// processing reports whether messages of this processing id (MSH-11) are allowed on the feed.
func (f *Feed) processing(id string) bool {
	switch {
	case f.Development || id == "":
		return true
	case len(f.Dialect.Processing) > 0:
		return slices.Contains(f.Dialect.Processing, id)
	}
	return id == "P"
}

func (f *Feed) ackMode() hl7.Mode {
	switch f.Dialect.AckMode {
	case "original":
		return hl7.OriginalMode
	case "enhanced":
		return hl7.EnhancedMode
	}
	return hl7.AutoMode
}

func (f *Feed) zone(fac *Facility) *time.Location {
	if f.Location != nil {
		return f.Location
	}
	return fac.Location
}

// FacilityCode is the code a facility gets when a development feed names it first.
func FacilityCode(h hl7.HD) string {
	code := h.Namespace
	if code == "" {
		code = h.UniversalID
	}
	if code = strings.TrimSpace(code); code == "" {
		return "UNNAMED"
	}
	return code
}
