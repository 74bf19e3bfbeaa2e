package web

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/board"
	"github.com/handoff-care/handoff/services/console/internal/live"
	"github.com/handoff-care/handoff/services/console/internal/page"
	"github.com/handoff-care/handoff/services/console/internal/store"
	"github.com/handoff-care/handoff/services/console/internal/text"
)

// encounter is a stay as admission answers.
type encounter struct {
	ID           events.ID  `json:"id"`
	Facility     string     `json:"facility"`
	PatientID    events.ID  `json:"patient_id"`
	Class        string     `json:"class"`
	State        string     `json:"state"`
	Visit        string     `json:"visit"`
	Unit         string     `json:"unit"`
	Room         string     `json:"room"`
	Bed          string     `json:"bed"`
	ExpectedAt   *time.Time `json:"expected_discharge_at"`
	Age          *int       `json:"age"`
	PlannedAt    *time.Time `json:"planned_at"`
	AdmittedAt   *time.Time `json:"admitted_at"`
	DischargedAt *time.Time `json:"discharged_at"`
	Disposition  string     `json:"disposition"`
	Sensitive    bool       `json:"sensitive"`
}

// load puts an episode together: the read model, and admission's word where there is no transition.
func (c *Console) load(ctx context.Context, id events.ID) (page.Episode, error) {
	viewer := web.From(ctx)
	m, err := c.Store.Episode(ctx, viewer.Org, id)
	if err != nil {
		return page.Episode{}, err
	}
	t := m.Transition
	if t.ID.IsZero() && len(m.Entries) == 0 && len(m.Tasks) == 0 {
		return page.Episode{}, refuse(fault.Unknown, "Nothing is known of this stay (yet).")
	}
	work := board.Work{Task: events.Task{Encounter: id, Patient: t.Patient, Facility: t.Facility, Sensitive: t.Sensitive, OwnerRole: string(web.Liaison)}, Episode: t, Zone: t.Zone}
	if t.ID.IsZero() {
		var e encounter
		if err := c.call(ctx, http.MethodGet, "admission", "/encounters/"+id.String(), nil, &e); err == nil {
			work.Task.Patient, work.Task.Facility, work.Task.Sensitive = e.PatientID, e.Facility, e.Sensitive
			work.Episode.Class, work.Episode.DischargedAt, work.Episode.Disposition = e.Class, e.DischargedAt, e.Disposition
		}
	}
	places, err := c.Store.Places(ctx, viewer.Org)
	if err != nil {
		return page.Episode{}, err
	}
	place := placeOf(places, work.Task.Facility)
	work.Place, work.Zone = place.Name, cmp.Or(work.Zone, place.Zone)
	head, err := c.rows(ctx, []board.Work{work}, nil)
	if err != nil {
		return page.Episode{}, err
	}
	e := page.Episode{ID: id, Transition: t.ID, State: t.State, Why: t.Reason, Referrals: m.Referrals, Alerts: m.Alerts}
	e.Describe(ctx, head[0])
	e.Patient = work.Task.Patient
	if !e.Hidden || head[0].Age != nil || t.Age == nil {
		e.Expected = t.ExpectedAt
	}
	if e.Tasks, err = c.rows(ctx, m.Tasks, nil); err != nil {
		return page.Episode{}, err
	}
	for i := range e.Tasks {
		e.Tasks[i].Name = head[0].Name
	}
	return e, c.tell(ctx, &e, m)
}

// tell makes the story, newest first, with the names of staff.
func (c *Console) tell(ctx context.Context, e *page.Episode, m store.Episode) error {
	var err error
	if e.Staff, err = c.staff(ctx); err != nil {
		return err
	}
	var all []board.Happening
	for _, x := range m.Entries {
		h := board.Happening{
			Type: x.Type, Occurred: x.Occurred, Received: x.Received, Title: x.Detail.Title, Code: x.Detail.Code, State: x.Detail.State,
			Reason: x.Detail.Reason, Outcome: x.Detail.Outcome, Owner: x.Detail.Owner, By: x.Detail.By, Unit: x.Detail.Unit,
			Class: x.Detail.Class, Disposition: x.Detail.Disposition, Previous: x.Detail.Previous, To: x.Detail.To,
		}
		all = append(all, h)
		l := board.Tell(ctx, h, e.Staff, e.Zone)
		l.Source = strconv.Itoa(int(x.Source))
		if x.Source != store.Admission {
			l.Late = "" // the hospital's line says it
		} else if !x.Cause.IsZero() {
			l.Message = "/episodes/" + e.ID.String() + "/messages/" + x.Cause.String()
		}
		if strings.HasPrefix(x.Type, "care.request.") {
			e.Asked = max(e.Asked, x.Version)
		}
		e.Story = append(e.Story, l)
		if board.Milestone(x.Type) {
			e.Milestones = append(e.Milestones, h)
		}
	}
	e.Chart = board.Draw(ctx, all, e.Tasks, e.Alerts, time.Now())
	e.Story = append(e.Story, board.Made(ctx, m.Tasks)...)
	slices.Reverse(e.Story) // newest first; of one moment, what followed from the other
	slices.SortStableFunc(e.Story, func(a, b board.Line) int {
		return cmp.Or(b.At.Compare(a.At), strings.Compare(b.Source, a.Source))
	})
	return nil
}

func (c *Console) episode(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r, "encounter")
	if err != nil {
		return err
	}
	e, err := c.load(r.Context(), id)
	if err != nil {
		return err
	}
	if r.URL.Query().Get("for") == "family" {
		r = c.spoken(w, r)
		p := c.page(r, text.Message(page.FamilyTitle(r.Context())))
		p.Query = "for=family"
		c.render(w, r, http.StatusOK, page.FamilyPage(p, e))
		return nil
	}
	e.Others, e.Asks = c.otherStays(r.Context(), e), c.asks(r.Context(), e)
	c.render(w, r, http.StatusOK, page.EpisodePage(c.page(r, "The patient’s journey"), e))
	return nil
}

// otherStays are the patient's other stays, newest first, as far as admission tells; none of a
// confidential one.
func (c *Console) otherStays(ctx context.Context, e page.Episode) []page.OtherStay {
	if e.Hidden || e.Patient.IsZero() {
		return nil
	}
	var answer web.List[encounter]
	if err := c.call(ctx, http.MethodGet, "admission", "/encounters?limit=20&patient="+e.Patient.String(), nil, &answer); err != nil {
		c.Log.WarnContext(ctx, "other stays are not known now", "error", err)
		return nil
	}
	places, err := c.Store.Places(ctx, web.From(ctx).Org)
	if err != nil {
		c.Log.WarnContext(ctx, "hospitals are named by their codes", "error", err)
	}
	var out []page.OtherStay
	for _, s := range answer.Items {
		if s.ID != e.ID && !s.Sensitive {
			out = append(out, page.OtherStay{ID: s.ID, Facility: cmp.Or(placeOf(places, s.Facility).Name, s.Facility), Unit: s.Unit, Class: s.Class, State: s.State, Came: s.AdmittedAt, Left: s.DischargedAt, Disposition: s.Disposition})
		}
	}
	return out
}

// liveEpisode keeps an episode's page up to date.
func (c *Console) liveEpisode(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r, "encounter")
	if err != nil {
		return err
	}
	first, asked := true, r.URL.Query().Get("asked")
	return c.follow(w, r, web.TransitionsRead, func(ctx context.Context, s *stream, touched map[events.ID]live.News) error {
		if _, mine := touched[id]; !mine && !first && len(touched) > 0 {
			return nil
		}
		first = false
		e, err := c.load(ctx, id)
		if err != nil {
			return err
		}
		if err := s.part(ctx, page.EpisodePush(c.page(r, ""), e)); err != nil {
			return err
		}
		now := strconv.FormatInt(e.Asked, 10)
		if now == asked {
			return nil
		}
		l := c.asks(ctx, e)
		if !l.Known || l.Away {
			return nil // with what happens next it is asked again
		}
		asked = now
		return s.part(ctx, page.AsksPush(c.page(r, ""), l))
	})
}

func (c *Console) taskWhy(w http.ResponseWriter, r *http.Request) error {
	row, _, err := c.row(r)
	if err != nil {
		return err
	}
	var t page.Task
	if err := c.call(r.Context(), http.MethodGet, "discharge", "/tasks/"+row.ID.String(), nil, &t); err != nil {
		return err
	}
	var why page.Trace
	if len(t.Trace) == 0 || json.Unmarshal(t.Trace, &why) != nil || why.Rule == "" {
		c.sheet(w, r, "Why this time?", page.NoWhy(t, say(r.Context(), "No rule set this time: a person did, or the task has none.")))
		return nil
	}
	c.sheet(w, r, "Why this time?", page.WhySheet(why, t, row, c.protocolTitles(r.Context())))
	return nil
}

func (c *Console) message(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	id, err := pathID(r, "message")
	if err != nil {
		return err
	}
	stay, err := pathID(r, "encounter")
	if err != nil {
		return err
	}
	e, err := c.load(ctx, stay)
	if err != nil {
		return err
	}
	if e.Hidden {
		return refuse(fault.Forbidden, "This stay is confidential. Its messages are not shown here.")
	}
	var m page.Message
	if err := c.call(ctx, http.MethodGet, "admission", "/messages/"+id.String(), nil, &m); err != nil {
		return err
	}
	if m.Lost != "" { // whose it was is lost, too
		return refuse(fault.Gone, "What this message said cannot be read any more.")
	}
	if m.Encounter != stay { // the address names a stay; what is shown is of that stay
		return refuse(fault.Unknown, "This message is not one of this stay.")
	}
	if m.Content, err = c.content(ctx, id); err != nil {
		return err
	}
	way, err := c.way(ctx, id, stay, m.ReceivedAt, m.KeptAt)
	if err != nil {
		return err
	}
	m.Way = &way
	c.sheet(w, r, "The hospital’s message", page.MessageSheet(m))
	return nil
}
