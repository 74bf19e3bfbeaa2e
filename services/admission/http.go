package admission

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/admission/internal/adt"
	"github.com/handoff-care/handoff/services/admission/internal/encounter"
	"github.com/handoff-care/handoff/services/admission/internal/store"
)

// routes is what can be asked of admission. Identifiers and names are never part of a URL.
func (s *service) routes(r *web.Router) {
	r.Raw(web.MessagesSend, "POST", "/hl7v2", s.postHL7)
	r.Raw(web.MessagesSend, "POST", "/events", s.postEvent)
	web.Handle(r, web.EncountersRead, "GET", "/encounters", "Stays, newest first", s.listEncounters)
	web.Handle(r, web.EncountersRead, "POST", "/encounters/search", "Find stays by visit, identifier, name or birth date", s.searchEncounters)
	web.Handle(r, web.EncountersRead, "GET", "/encounters/{id}", "One stay", s.oneEncounter)
	web.Handle(r, web.EncountersRead, "GET", "/encounters/{id}/history", "What was said of a stay, what became of it, and what was announced", s.history)
	web.Handle(r, web.EncountersRead, "GET", "/census", "Who is in the hospitals now, by unit and class", s.census)
	web.Handle(r, web.NamesRead, "GET", "/patients/{id}", "A patient", s.onePatient)
	web.Handle(r, web.NamesRead, "POST", "/patients/names", "What patients are called", s.names)
	web.Handle(r, web.PatientsUnmerge, "POST", "/patients/{id}/unmerge", "Take the merge of a retired patient back: its own stays are its own again", s.unmerge)
	web.Handle(r, web.MessagesRead, "GET", "/messages", "Messages received, newest first", s.listMessages)
	web.Handle(r, web.MessagesRead, "POST", "/messages/search", "Find messages by control id", s.searchMessages)
	web.Handle(r, web.MessagesTry, "POST", "/messages/explain", "How a message would be understood, field by field; nothing is kept of it", s.explain)
	web.Handle(r, web.MessagesRead, "GET", "/messages/{id}", "One message: what became of it, and why", s.oneMessage)
	r.Raw(web.MessageContent, "GET", "/messages/{id}/content", s.messageContent)
	web.Handle(r, web.MessagesReapply, "POST", "/messages/{id}/reapply", "Apply a quarantined or ignored message again", s.reapply)
	s.identityRoutes(r)
	s.setupRoutes(r)
}

// purposeIn is embedded by inputs of reads about patients.
type purposeIn struct {
	Purpose string `header:"Purpose-Of-Use" doc:"why, as an HL7 PurposeOfUse code; default TREAT"`
}

func (p purposeIn) purpose() string {
	if p.Purpose == "" {
		return "TREAT"
	}
	return p.Purpose
}

// looked notes who saw what about whom, in the transaction that shows it.
func (s *service) looked(ctx context.Context, tx pgx.Tx, action, purpose string, subject events.ID, patients []events.ID) error {
	who := web.From(ctx)
	roles := make([]string, len(who.Roles))
	for i, r := range who.Roles {
		roles[i] = string(r)
	}
	return s.store.Log(ctx, tx, store.Access{Org: who.Org, Who: who.Subject, Roles: roles, Action: action, Purpose: purpose, Patients: patients, Subject: subject})
}

type byID struct {
	purposeIn
	ID events.ID `path:"id"`
}

// facilityID finds a facility of the caller's organization by code. An unknown code finds nothing: a
// list of it is empty.
func (s *service) facilityID(ctx context.Context, code string) (id events.ID, known bool) {
	if code == "" {
		return id, true
	}
	if f := s.directory.Setup().Facility(web.From(ctx).Org, code); f != nil {
		return f.ID, true
	}
	return id, false
}

// facilityName is a facility's code.
func (s *service) facilityName(id events.ID) string {
	if f := s.directory.Setup().Facilities[id]; f != nil {
		return f.Code
	}
	return ""
}

// laws are the conservation laws of an organization, from counters that each transaction keeps.
func (s *service) laws(ctx context.Context, org web.OrgID) ([]web.Law, error) {
	var n map[string]int64
	err := s.db.Tx(ctx, org, func(tx pgx.Tx) (err error) {
		n, err = s.store.Counts(ctx, tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	var stays int64
	for _, state := range encounter.States {
		stays += n["encounter:"+state]
	}
	return []web.Law{
		web.Balance("messages received = kept + applied + ignored + quarantined + rejected", n["received"],
			n[adt.Kept]+n[adt.Applied]+n[adt.Ignored]+n[adt.Quarantined]+n[adt.Rejected]),
		web.Balance("encounters created = "+strings.Join(encounter.States, " + "), n["encounters"], stays),
	}, nil
}
