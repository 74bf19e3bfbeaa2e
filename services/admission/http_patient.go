package admission

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/admission/internal/identity"
	"github.com/handoff-care/handoff/services/admission/internal/store"
)

// nameView is what a patient is called. Of a restricted patient nothing is said but that.
type nameView struct {
	ID         events.ID `json:"id"`
	Name       string    `json:"name"`
	Given      string    `json:"given"`
	Family     string    `json:"family"`
	BirthDate  string    `json:"birth_date"`
	Restricted bool      `json:"restricted"`
}

// viewName shows a name, unless it is restricted and the caller is not there to guard it.
func viewName(ctx context.Context, p *store.PatientRow) nameView {
	v := nameView{ID: p.ID, Restricted: p.Restricted}
	if p.Restricted && !web.From(ctx).Is(web.Privacy) {
		return v
	}
	n := identity.Read[identity.PersonName](&p.Record, identity.Name)
	v.Given, v.Family, v.BirthDate = n.Given, n.Family, p.Value(identity.Birth)
	v.Name = strings.TrimSpace(strings.Join(strings.Fields(n.Given+" "+n.Middle+" "+n.Family+" "+n.Suffix), " "))
	return v
}

type namesIn struct {
	purposeIn
	Body struct {
		IDs []events.ID `json:"ids" maxItems:"500"`
	}
}

func (s *service) names(ctx context.Context, in *namesIn) (*web.Listed[nameView], error) {
	var views []nameView
	err := s.db.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) error {
		rows, err := s.store.PatientsByID(ctx, tx, in.Body.IDs)
		if err != nil {
			return err
		}
		var seen []events.ID
		for i := range rows {
			views = append(views, viewName(ctx, &rows[i]))
			seen = append(seen, rows[i].ID)
		}
		return s.looked(ctx, tx, "patients.names", in.purpose(), events.ID{}, seen)
	})
	if err != nil {
		return nil, err
	}
	return web.Page(views, len(views), nil), nil
}

// patientView is a patient.
type patientView struct {
	nameView
	Facility    string                   `json:"facility"`
	PersonID    events.ID                `json:"person_id" doc:"equal for patients who are linked"`
	Linked      []events.ID              `json:"linked_patient_ids"`
	Sex         string                   `json:"sex"`
	Language    string                   `json:"language"`
	Deceased    bool                     `json:"deceased"`
	DeceasedAt  *time.Time               `json:"deceased_at"`
	Identifiers []store.IdentifierRow    `json:"identifiers"`
	Addresses   []identity.PostalAddress `json:"addresses"`
	Phones      []identity.Telecom       `json:"phones"`
	Contacts    []identity.Contact       `json:"contacts"`
	Practice    identity.Provider        `json:"primary_care"`
	Coverage    []identity.Coverage      `json:"coverage"`
	Allergies   []identity.Allergy       `json:"allergies"`
	MergedInto  events.ID                `json:"merged_into" doc:"the patient who has its stays; what is said of it later is said of that one"`
	Deleted     bool                     `json:"entered_in_error" doc:"the hospital took the person back (A29)"`
}

type patientOut struct{ Body patientView }

func (s *service) onePatient(ctx context.Context, in *byID) (*patientOut, error) {
	out := &patientOut{}
	err := s.db.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) error {
		rows, err := s.store.PatientsByID(ctx, tx, []events.ID{in.ID})
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return fault.New(fault.Unknown, "there is no such patient")
		}
		linked, err := s.store.Identifiers(ctx, tx, &rows[0])
		if err != nil {
			return err
		}
		out.Body = s.viewPatient(ctx, &rows[0], linked)
		return s.looked(ctx, tx, "patients.read", in.purpose(), in.ID, []events.ID{in.ID})
	})
	return out, err
}

func (s *service) viewPatient(ctx context.Context, p *store.PatientRow, linked []events.ID) patientView {
	v := patientView{
		nameView: viewName(ctx, p), Facility: s.facilityName(p.Facility), PersonID: p.Person, Linked: list(linked),
		Sex: p.Value(identity.Sex), Language: p.Value(identity.Language),
		Identifiers: []store.IdentifierRow{}, Addresses: []identity.PostalAddress{}, Phones: []identity.Telecom{}, Contacts: []identity.Contact{}, Coverage: []identity.Coverage{}, Allergies: []identity.Allergy{},
		MergedInto: p.Into, Deleted: len(p.Deletions()) > 0,
	}
	v.Deceased, v.DeceasedAt = p.Deceased()
	if p.Restricted && !web.From(ctx).Is(web.Privacy) {
		return v
	}
	v.Identifiers = list(p.Identifiers)
	v.Addresses = list(identity.Read[[]identity.PostalAddress](&p.Record, identity.Address))
	v.Phones = list(identity.Read[[]identity.Telecom](&p.Record, identity.Phones))
	v.Contacts = list(identity.Read[[]identity.Contact](&p.Record, identity.Contacts))
	v.Practice = identity.Read[identity.Provider](&p.Record, identity.Practice)
	v.Coverage = list(identity.Items[identity.Coverage](&p.Record, identity.Coverages))
	v.Allergies = list(identity.Items[identity.Allergy](&p.Record, identity.Allergies))
	return v
}

// list is never null in an answer.
func list[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}
