package admission

import (
	"context"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/admission/internal/encounter"
	"github.com/handoff-care/handoff/services/admission/internal/hanging"
	"github.com/handoff-care/handoff/services/admission/internal/identity"
	"github.com/handoff-care/handoff/services/admission/internal/store"
)

// encounterView is a stay as the API shows it.
type encounterView struct {
	ID           events.ID  `json:"id"`
	Facility     string     `json:"facility"`
	Visit        string     `json:"visit"`
	PatientID    events.ID  `json:"patient_id"`
	Class        string     `json:"class" enum:"inpatient,observation,emergency,outpatient,recurring,preadmit,obstetrics,newborn,other"`
	State        string     `json:"state" enum:"planned,arrived,in-progress,onleave,finished,cancelled,entered-in-error"`
	Version      int64      `json:"version"`
	Unit         string     `json:"unit"`
	Room         string     `json:"room"`
	Bed          string     `json:"bed"`
	PlannedAt    *time.Time `json:"planned_at"`
	AdmittedAt   *time.Time `json:"admitted_at"`
	InpatientAt  *time.Time `json:"inpatient_at"`
	ObservedAt   *time.Time `json:"observation_at"`
	ExpectedAt   *time.Time `json:"expected_discharge_at"`
	DischargedAt *time.Time `json:"discharged_at"`
	Disposition  string     `json:"disposition"`
	Unmapped     bool       `json:"disposition_unmapped"`
	AdmitType    string     `json:"admit_type"`
	AdmitSource  string     `json:"admit_source"`
	Service      string     `json:"service"`
	Attending    string     `json:"attending"`
	Diagnoses    []string   `json:"diagnoses" doc:"ICD-10-CM, principal first"`
	Age          *int       `json:"age"`
	Payer        string     `json:"payer"`
	PriorED6m    *int       `json:"prior_ed_6m"`
	Zone         string     `json:"zone"`
	Deceased     bool       `json:"deceased"`
	Sensitive    bool       `json:"sensitive"`
	Implicit     bool       `json:"implicit" doc:"nothing said that the stay began"`
	Admissions   *int       `json:"prior_admissions_12m"`
	Procedures   *int       `json:"procedures"`
	Episode      events.ID  `json:"episode_id" doc:"the emergency visit, under a number of its own, that led to this stay"`
	Mother       events.ID  `json:"mother_encounter_id" doc:"of a newborn: the mother's stay"`
	JoinedInto   events.ID  `json:"joined_into" doc:"the stay that it became a part of"`
	HangingSince *time.Time `json:"hanging_since" doc:"since when it should have ended, or been heard of"`
	HangingRule  string     `json:"hanging_rule"`
	HangingWhy   string     `json:"hanging_why"`
}

func viewEncounter(r store.EncounterRow) encounterView {
	v := encounterView{
		ID: r.ID, Facility: r.Facility, Visit: r.Visit, PatientID: r.Patient, Class: r.Class, State: r.State, Version: r.FoldVersion,
		Unit: r.Place.Unit, Room: r.Place.Room, Bed: r.Place.Bed, PlannedAt: utc(r.PlannedAt), AdmittedAt: utc(r.AdmittedAt), InpatientAt: utc(r.InpatientAt), ObservedAt: utc(r.ObservationAt),
		ExpectedAt: utc(r.ExpectedAt), DischargedAt: utc(r.DischargedAt), Disposition: r.Disposition, Unmapped: r.RawDisposition,
		AdmitType: r.AdmitType, AdmitSource: r.AdmitSource, Service: r.Service, Attending: r.Attending, Diagnoses: r.Diagnoses,
		Age: r.Age, Payer: r.Payer, PriorED6m: r.PriorED6m, Zone: r.Zone, Deceased: r.Deceased, Sensitive: r.Sensitive, Implicit: r.Implicit,
		Admissions: r.PriorAdmissions12m, Procedures: r.Procedures, Episode: r.Episode, Mother: r.Mother, JoinedInto: r.Into,
		HangingSince: utc(r.HangingSince), HangingRule: r.HangingRule,
	}
	if rule := hanging.Shipped.Rule(r.HangingRule); rule != nil {
		v.HangingWhy = rule.Why + " (" + rule.Source + ")"
	}
	if v.Diagnoses == nil {
		v.Diagnoses = []string{}
	}
	return v
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}

type listEncountersIn struct {
	web.PageIn
	purposeIn
	Facility string    `query:"facility" doc:"the facility's code (MSH-4)"`
	Class    string    `query:"class"`
	State    string    `query:"state" doc:"one state, or several separated by commas"`
	Unit     string    `query:"unit" doc:"the unit where the patient is (PV1-3.1)"`
	Patient  events.ID `query:"patient"`
}

func (s *service) listEncounters(ctx context.Context, in *listEncountersIn) (*web.Listed[encounterView], error) {
	q := store.EncounterQuery{Class: in.Class, State: in.State, Unit: in.Unit, Patient: in.Patient}
	return s.encounters(ctx, q, in.Facility, in.PageIn, "encounters.list", in.purpose())
}

type searchEncountersIn struct {
	purposeIn
	Body struct {
		Facility  string `json:"facility,omitempty" doc:"the facility's code (MSH-4)"`
		Visit     string `json:"visit,omitempty"`
		MRN       string `json:"mrn,omitempty" doc:"any identifier of the patient"`
		Name      string `json:"name,omitempty" doc:"family or given name, or both, or how they begin"`
		BirthDate string `json:"birth_date,omitempty" doc:"YYYY-MM-DD"`
		Limit     int    `json:"limit,omitempty" minimum:"0" maximum:"500"`
		Cursor    string `json:"cursor,omitempty"`
	}
}

// searchEncounters keeps restricted stays out of what is found by name or birth date alone: that a
// person is here is what the restriction is about.
func (s *service) searchEncounters(ctx context.Context, in *searchEncountersIn) (*web.Listed[encounterView], error) {
	b := in.Body
	q := store.EncounterQuery{Visit: b.Visit, MRN: b.MRN, Birth: b.BirthDate, Names: store.Words(b.Name)}
	if b.Name != "" && len(q.Names) == 0 {
		return nil, fault.New(fault.Invalid, "a name has letters")
	}
	q.HideSensitive = b.Visit == "" && b.MRN == "" && (b.Name != "" || b.BirthDate != "") && !web.From(ctx).Is(web.Privacy)
	page := web.PageIn{Limit: b.Limit, Cursor: b.Cursor}
	if page.Limit == 0 {
		page.Limit = 100
	}
	return s.encounters(ctx, q, b.Facility, page, "encounters.search", in.purpose())
}

func (s *service) encounters(ctx context.Context, q store.EncounterQuery, facility string, page web.PageIn, action, purpose string) (*web.Listed[encounterView], error) {
	var known bool
	if q.Facility, known = s.facilityID(ctx, facility); !known {
		return web.Page([]encounterView(nil), page.Limit, nil), nil
	}
	if _, err := web.DecodeCursor(page.Cursor, &q.Before); err != nil {
		return nil, err
	}
	q.Limit = page.Limit + 1
	var views []encounterView
	err := s.db.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) error {
		rows, err := s.store.Encounters(ctx, tx, q)
		if err != nil {
			return err
		}
		var patients []events.ID
		for _, r := range rows {
			views = append(views, viewEncounter(r))
			patients = append(patients, r.Patient)
		}
		return s.looked(ctx, tx, action, purpose, events.ID{}, patients)
	})
	if err != nil {
		return nil, err
	}
	return web.Page(views, page.Limit, func(v encounterView) any { return v.ID }), nil
}

type encounterOut struct {
	ETag string `header:"ETag"`
	Body encounterView
}

func (s *service) oneEncounter(ctx context.Context, in *byID) (*encounterOut, error) {
	var out *encounterOut
	err := s.db.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) error {
		row, err := s.findEncounter(ctx, tx, in.ID)
		if err != nil {
			return err
		}
		out = &encounterOut{ETag: strconv.Quote(strconv.FormatInt(row.FoldVersion, 10)), Body: viewEncounter(row)}
		return s.looked(ctx, tx, "encounters.read", in.purpose(), in.ID, []events.ID{row.Patient})
	})
	return out, err
}

func (s *service) findEncounter(ctx context.Context, tx pgx.Tx, id events.ID) (store.EncounterRow, error) {
	rows, err := s.store.Encounters(ctx, tx, store.EncounterQuery{ID: id, Limit: 1})
	if err != nil {
		return store.EncounterRow{}, err
	}
	if len(rows) == 0 {
		return store.EncounterRow{}, fault.New(fault.Unknown, "there is no such stay")
	}
	return rows[0], nil
}

// historyView is everything about a stay: what was said, where the patient was, what was announced.
type historyView struct {
	ID        events.ID             `json:"id"`
	Facts     []factView            `json:"facts"`
	Movements []movementView        `json:"movements"`
	Staff     []participantView     `json:"participants"`
	Away      *awayView             `json:"temporary_place" doc:"where the patient is for a while, if not in the bed"`
	Diagnoses []encounter.Diagnosis `json:"diagnoses"`
	Coverage  []coverageView        `json:"coverage"`
	Timeline  []store.Told          `json:"timeline" doc:"what was announced, versions 1..n"`
}

// factView is one message about the stay, and what became of what it said.
type factView struct {
	Message     events.ID `json:"message_id"`
	Kind        string    `json:"kind"`
	OccurredAt  time.Time `json:"occurred_at"`
	RecordedAt  time.Time `json:"recorded_at"`
	SentAt      time.Time `json:"sent_at"`
	ReceivedAt  time.Time `json:"received_at"`
	Class       string    `json:"class"`
	Unit        string    `json:"unit"`
	Disposition string    `json:"disposition"`
	Void        bool      `json:"void" doc:"taken back"`
	VoidBy      events.ID `json:"void_by" doc:"the message that took it back"`
	Waiting     bool      `json:"waiting" doc:"a cancel of something that has not come"`
}

type movementView struct {
	Unit string     `json:"unit"`
	Room string     `json:"room"`
	Bed  string     `json:"bed"`
	From time.Time  `json:"from"`
	To   *time.Time `json:"to"`
}

type participantView struct {
	ID   string     `json:"id"`
	Role string     `json:"role" enum:"attending,consulting"`
	From time.Time  `json:"from"`
	To   *time.Time `json:"to"`
}

type awayView struct {
	Unit  string    `json:"unit"`
	Room  string    `json:"room"`
	Since time.Time `json:"since"`
}

// coverageView leaves out member and policy numbers: they name the patient.
type coverageView struct {
	Order int    `json:"order"`
	Payer string `json:"payer"`
	Plan  string `json:"plan"`
	Class string `json:"class" enum:"medicare,medicaid,commercial,self-pay,other"`
}

type historyOut struct{ Body historyView }

func (s *service) history(ctx context.Context, in *byID) (*historyOut, error) {
	out := &historyOut{}
	err := s.db.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) error {
		row, err := s.findEncounter(ctx, tx, in.ID)
		if err != nil {
			return err
		}
		facts, err := s.store.Facts(ctx, tx, in.ID)
		if err != nil {
			return err
		}
		patients, err := s.store.PatientsByID(ctx, tx, []events.ID{row.Patient})
		if err != nil {
			return err
		}
		told, err := s.store.Timeline(ctx, tx, in.ID)
		if err != nil {
			return err
		}
		out.Body = viewHistory(in.ID, facts, patients, told)
		return s.looked(ctx, tx, "encounters.history", in.purpose(), in.ID, []events.ID{row.Patient})
	})
	return out, err
}

func viewHistory(id events.ID, facts encounter.Facts, patients []store.PatientRow, told []store.Told) historyView {
	v := historyView{ID: id, Facts: []factView{}, Movements: []movementView{}, Staff: []participantView{}, Diagnoses: facts.Fold().Diagnoses, Coverage: []coverageView{}, Timeline: told}
	for _, r := range facts.Remarks() {
		f := r.Fact
		v.Facts = append(v.Facts, factView{
			Message: f.Message, Kind: f.Kind.String(), OccurredAt: f.Occurred.UTC(), RecordedAt: f.Recorded.UTC(), SentAt: f.Sent.UTC(), ReceivedAt: f.Received.UTC(),
			Class: f.Values.Class, Unit: f.Place.Unit, Disposition: shown(f.Values.Disposition), Void: r.Void, VoidBy: r.By, Waiting: r.Open,
		})
	}
	for _, m := range facts.Movements() {
		v.Movements = append(v.Movements, movementView{Unit: m.Unit, Room: m.Room, Bed: m.Bed, From: m.From.UTC(), To: utc(m.To)})
	}
	for _, p := range facts.Participants() {
		v.Staff = append(v.Staff, participantView{ID: p.ID, Role: p.Role, From: p.From.UTC(), To: utc(p.To)})
	}
	if at, since := facts.Tracked(); at != (encounter.Place{}) {
		v.Away = &awayView{Unit: at.Unit, Room: at.Room, Since: since.UTC()}
	}
	if v.Diagnoses == nil {
		v.Diagnoses = []encounter.Diagnosis{}
	}
	if v.Timeline == nil {
		v.Timeline = []store.Told{}
	}
	for i := range patients {
		for _, c := range identity.Items[identity.Coverage](&patients[i].Record, identity.Coverages) {
			v.Coverage = append(v.Coverage, coverageView{Order: c.Order, Payer: c.Name, Plan: c.Plan, Class: c.Class})
		}
	}
	return v
}

// shown hides how a deleted value is stored.
func shown(v string) string {
	if v == encounter.Deleted {
		return ""
	}
	return v
}

type censusIn struct {
	Facility string `query:"facility" doc:"the facility's code (MSH-4)"`
}

// censusView counts the patients in one unit of one class.
type censusView struct {
	Facility string `json:"facility"`
	Unit     string `json:"unit"`
	Class    string `json:"class"`
	Present  int    `json:"present"`
	Arrived  int    `json:"arrived" doc:"of these, registered and without a bed"`
	OnLeave  int    `json:"on_leave"`
	Leaving  int    `json:"expected_discharges"`
}

func (s *service) census(ctx context.Context, in *censusIn) (*web.Listed[censusView], error) {
	facility, known := s.facilityID(ctx, in.Facility)
	var views []censusView
	if !known {
		return web.Page(views, 0, nil), nil
	}
	err := s.db.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) error {
		rows, err := s.store.Census(ctx, tx, facility)
		for _, r := range rows {
			views = append(views, censusView{Facility: s.facilityName(r.Facility), Unit: r.Unit, Class: r.Class, Present: r.Present, Arrived: r.Arrived, OnLeave: r.OnLeave, Leaving: r.Leaving})
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return web.Page(views, len(views), nil), nil
}
