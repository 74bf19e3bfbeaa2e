package discharge

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/discharge/internal/preview"
	"github.com/handoff-care/handoff/services/discharge/internal/store"
)

// previewBody asks what a candidate would do.
type previewBody struct {
	candidateBody
	Days     int    `json:"days"`     // back from now; 30 if it is not given
	Facility string `json:"facility"` // code (MSH-4): its stays alone
	Patients string `json:"patients"` // changed (or empty): tell of each whose tasks differ; none: figures only
}

// previewLine is one line of a preview as it is sent: exactly one field is there.
type previewLine struct {
	Progress *previewProgress `json:"progress,omitempty"`
	Patient  *preview.Patient `json:"patient,omitempty"`
	Result   *previewView     `json:"result,omitempty"`
	Error    string           `json:"error,omitempty"`
}

type previewProgress struct {
	Done    int     `json:"done"`
	Of      int     `json:"of"`
	Seconds float64 `json:"seconds"`
}

// previewView is a preview as the API shows it.
type previewView struct {
	ID       events.ID `json:"id"`
	Digest   string    `json:"digest" doc:"of the candidate"`
	Against  string    `json:"against" doc:"digest of the organization's set in force"`
	Facility string    `json:"facility"`
	Since    time.Time `json:"since"`
	Until    time.Time `json:"until"`
	By       string    `json:"by"`
	At       time.Time `json:"at"`
	preview.Result
}

func viewPreview(p store.Preview) previewView {
	return previewView{
		ID: p.ID, Digest: p.Digest, Against: p.Against, Facility: p.Facility, Since: p.Since.UTC(), Until: p.Until.UTC(),
		By: p.By, At: p.At.UTC(), Result: p.Result,
	}
}

// streamPreview answers POST /protocols/preview: one JSON document a line, first how far
// it is and whose tasks would differ, at last the figures, or an error.
func (a *api) streamPreview(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(15 * time.Second))
	var body previewBody
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&body); err != nil {
		web.WriteProblem(w, fault.New(fault.Malformed, "the request cannot be read: want files, set_id or shipped, and days, facility, patients"))
		return
	}
	c, err := a.previewed(r.Context(), body)
	if err != nil {
		web.WriteProblem(w, err)
		return
	}
	select {
	case a.previews <- struct{}{}:
		defer func() { <-a.previews }()
	default:
		w.Header().Set("Retry-After", "10")
		web.WriteProblem(w, fault.New(fault.TooMany, "another preview is running here; wait until it is done"))
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/x-ndjson")
	h.Set("X-Accel-Buffering", "no")
	_ = control.SetReadDeadline(time.Time{}) // the server's limits are for requests, not for streams
	out := &previewStream{json: json.NewEncoder(w), control: control, start: time.Now(), patients: body.Patients != "none"}
	ctx, stop := context.WithCancel(r.Context())
	defer stop()
	if a.closing != nil {
		defer context.AfterFunc(a.closing, stop)()
	}
	view, err := a.preview(ctx, body, c, out)
	if err != nil {
		a.service.shelf.log.WarnContext(ctx, "a preview failed", "error", err)
		out.line(previewLine{Error: fault.Public(err)})
		return
	}
	out.line(previewLine{Result: &view})
}

// previewed reads the candidate and checks the rest of the request.
func (a *api) previewed(ctx context.Context, body previewBody) (candidate, error) {
	switch {
	case body.Days < 0 || body.Days > previewDays:
		return candidate{}, fault.New(fault.Invalid, "days: a preview looks back at most %d", previewDays)
	case body.Patients != "" && body.Patients != "changed" && body.Patients != "none":
		return candidate{}, fault.New(fault.Invalid, "patients: want changed or none")
	}
	return a.sound(ctx, body.candidateBody)
}

// preview runs a preview and stores what it said.
func (a *api) preview(ctx context.Context, body previewBody, c candidate, out *previewStream) (previewView, error) {
	who, now := web.From(ctx), a.service.now()
	days := body.Days
	if days == 0 {
		days = 30
	}
	if err := a.service.shelf.fresh(ctx); err != nil {
		return previewView{}, err
	}
	book := a.service.shelf.look().book(who.Org)
	p := store.Preview{
		ID: events.NewID(), Org: who.Org, Digest: c.set.Digest(), Against: book.At(body.Facility, now).Digest(), Facility: body.Facility,
		Since: now.AddDate(0, 0, -days), Until: now, By: who.Subject, At: now,
	}
	run := &whatIf{
		s: a.service, db: a.db, window: store.Window{Org: who.Org, Facility: body.Facility, Since: p.Since, Until: p.Until},
		candidate: c.set, book: book, at: now, each: out.patient, progress: out.progress,
	}
	var err error
	if p.Result, err = run.run(ctx); err != nil {
		return previewView{}, err
	}
	err = a.db.Tx(ctx, who.Org, func(tx pgx.Tx) error { return store.AddPreview(ctx, tx, p) })
	return viewPreview(p), err
}

// previewStream writes the lines of a preview.
type previewStream struct {
	json     *json.Encoder
	control  *http.ResponseController
	patients bool
	start    time.Time
	said     time.Time // when the last progress was told
}

const (
	previewTells = 250 * time.Millisecond
	previewWrite = 10 * time.Second
)

func (s *previewStream) line(l previewLine) error {
	_ = s.control.SetWriteDeadline(time.Now().Add(previewWrite)) // not every writer has one
	if err := s.json.Encode(l); err != nil {
		return err
	}
	if l.Patient == nil {
		return s.control.Flush()
	}
	return nil
}

func (s *previewStream) patient(p preview.Patient) error {
	if !s.patients {
		return nil
	}
	return s.line(previewLine{Patient: &p})
}

func (s *previewStream) progress(done, of int) {
	if now := time.Now(); done == 0 || done == of || now.Sub(s.said) >= previewTells {
		s.said = now
		_ = s.line(previewLine{Progress: &previewProgress{Done: done, Of: of, Seconds: time.Since(s.start).Seconds()}}) // a reader who left is seen by the next patient, or by the request's end
	}
}

func (a *api) listPreviews(ctx context.Context, _ *struct{}) (*web.Listed[previewView], error) {
	var list []previewView
	err := a.db.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) error {
		found, err := store.Previews(ctx, tx, web.From(ctx).Org, events.ID{}, 50)
		for _, p := range found {
			p.Result.Load = []preview.Load{} // the whole is with each one
			list = append(list, viewPreview(p))
		}
		return err
	})
	return web.Page(list, len(list), nil), err
}

type previewOut struct {
	Body previewView
}

func (a *api) onePreview(ctx context.Context, in *byID) (*previewOut, error) {
	out := &previewOut{}
	err := a.db.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) error {
		found, err := store.Previews(ctx, tx, web.From(ctx).Org, in.ID, 1)
		if err == nil && len(found) == 0 {
			return fault.New(fault.Unknown, "there is no such preview")
		}
		if err == nil {
			out.Body = viewPreview(found[0])
		}
		return err
	})
	return out, err
}
