package referral

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/timer"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/referral/internal/directory"
	"github.com/handoff-care/handoff/services/referral/internal/store"
)

type provider = directory.Provider

func (s *service) providerRoutes(r *web.Router) {
	web.Handle(r, web.ProvidersRead, http.MethodGet, "/providers", "List providers by name", s.listProviders)
	web.Handle(r, web.ProvidersRead, http.MethodGet, "/providers/{id}", "One provider", s.getProvider)
	web.Handle(r, web.ProvidersWrite, http.MethodPost, "/providers", "Add a provider", s.addProvider)
	web.Handle(r, web.ProvidersWrite, http.MethodPut, "/providers/{id}", "Change a provider", s.putProvider)
	r.Raw(web.ProvidersWrite, http.MethodPost, "/providers/import", s.importProviders)
}

type providersIn struct {
	web.PageIn
	Need     string `query:"need"`
	Facility string `query:"facility" doc:"the code of the facility it is tied to"`
}

func (s *service) listProviders(ctx context.Context, in *providersIn) (*web.Listed[*provider], error) {
	after := &store.ProviderPosition{}
	more, err := web.DecodeCursor(in.Cursor, after)
	if err != nil {
		return nil, err
	}
	if !more {
		after = nil
	}
	var list []*provider
	err = s.db.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) error {
		list, err = store.ListProviders(ctx, tx, in.Need, in.Facility, after, in.Limit+1)
		return err
	})
	return web.Page(list, in.Limit, func(p *provider) any { return store.ProviderPosition{Name: p.Name, ID: p.ID} }), err
}

type providerOut struct {
	ETag string `header:"ETag"`
	Body *provider
}

func (s *service) getProvider(ctx context.Context, in *one) (out *providerOut, err error) {
	err = s.db.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) error {
		p, err := store.Provider(ctx, tx, in.ID)
		if err == nil {
			out = &providerOut{etag(p.Version), p}
		}
		return err
	})
	return out, err
}

type addedOut struct {
	Status int
	ETag   string `header:"ETag"`
	Body   *provider
}

type addProviderIn struct {
	Key  string `header:"Idempotency-Key"`
	Body provider
}

func (s *service) addProvider(ctx context.Context, in *addProviderIn) (*addedOut, error) {
	p := in.Body
	if wrong := p.Check(); len(wrong) > 0 {
		return nil, refused(wrong)
	}
	org := web.From(ctx).Org
	p.ID = p.Key(org)
	out, err := s.store(ctx, requested("add", p), p.ID, func(tx pgx.Tx) error {
		p.Report(nil, now())
		known, err := store.ProvidersByID(ctx, tx, org, []events.ID{p.ID})
		if err == nil && len(known) > 0 {
			return fault.New(fault.Conflict, "this provider is in the directory").With("provider_id", p.ID)
		}
		if err == nil {
			_, err = store.SaveProviders(ctx, tx, org, []*provider{&p})
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &addedOut{http.StatusCreated, out.ETag, out.Body}, nil
}

type putProviderIn struct {
	ID      events.ID `path:"id"`
	IfMatch string    `header:"If-Match"`
	Key     string    `header:"Idempotency-Key" doc:"the same answer for the same request, for 24 hours"`
	Body    provider
}

func (s *service) putProvider(ctx context.Context, in *putProviderIn) (*providerOut, error) {
	version, err := web.IfMatch(in.IfMatch)
	if err != nil {
		return nil, err
	}
	p := in.Body
	if wrong := p.Check(); len(wrong) > 0 {
		return nil, refused(wrong)
	}
	p.ID = in.ID
	return s.store(ctx, requested("put", p), p.ID, func(tx pgx.Tx) error {
		old, err := store.Provider(ctx, tx, in.ID)
		switch {
		case err != nil:
			return err
		case old.Version != version:
			return fault.New(fault.Stale, "the provider is at version %d now", old.Version).With("version", old.Version)
		case old.CCN != p.CCN:
			return fault.New(fault.Invalid, "a certification number is fixed: add another provider")
		}
		p.Report(old, now())
		_, err = store.SaveProviders(ctx, tx, web.From(ctx).Org, []*provider{&p})
		return err
	})
}

// requested is what makes two requests under one Idempotency-Key the same.
func requested(what string, body any) string {
	b, err := json.Marshal(body)
	if err != nil {
		panic(err) // bodies are plain structs that were read from JSON
	}
	return what + " " + string(b)
}

func refused(wrong []string) error {
	return fault.New(fault.Invalid, "the provider cannot be stored: %s", strings.Join(wrong, "; ")).With("wrong", wrong)
}

// store changes the directory: its version is raised first, which holds others up who change it.
func (s *service) store(ctx context.Context, request string, id events.ID, save func(tx pgx.Tx) error) (out *providerOut, err error) {
	org := web.From(ctx).Org
	var p *provider
	err = s.outbox.Tx(ctx, org, func(tx pgx.Tx) error {
		p, err = web.Once(ctx, tx, request, func() (*provider, error) {
			if err := s.changed(ctx, tx, org); err != nil {
				return nil, err
			}
			if err := save(tx); err != nil {
				return nil, err
			}
			return store.Provider(ctx, tx, id)
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return &providerOut{etag(p.Version), p}, nil
}

// changed counts a change of an organization's directory, and has what it ranked ranked again.
func (s *service) changed(ctx context.Context, tx pgx.Tx, org events.ID) error {
	if _, err := store.Bump(ctx, tx, org); err != nil {
		return err
	}
	return timer.Set(ctx, tx, timer.Timer{Name: rankTimer, Key: org, Org: org, Due: now()})
}

// maxImport is the largest file in bytes: all of CMS's nursing homes are about 12 MB.
const maxImport = 32 << 20

// imported is what became of a file.
type imported struct {
	Lines   int                   `json:"lines"`   // that name a provider
	Stored  int                   `json:"stored"`  // good ones
	Changed int                   `json:"changed"` // that said something new
	Errors  []directory.LineError `json:"errors"`
}

// importProviders takes a CSV file. Good lines are kept whatever the others are; the answer names each bad one.
func (s *service) importProviders(w http.ResponseWriter, r *http.Request) {
	if t, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); strings.TrimSpace(t) != "text/csv" {
		web.WriteProblem(w, fault.New(fault.Malformed, "send text/csv"))
		return
	}
	sheet, err := directory.Read(http.MaxBytesReader(w, r.Body, maxImport))
	var big *http.MaxBytesError
	switch {
	case errors.As(err, &big):
		err = fault.New(fault.TooLarge, "a file has at most %d bytes", big.Limit)
	case errors.Is(err, directory.ErrHeader):
		err = fault.New(fault.Invalid, "%s", err.Error())
	case err != nil:
		err = fault.Wrap(fault.Malformed, err, "the file cannot be read to its end; nothing was stored")
	}
	var out *imported
	if err == nil {
		out, err = s.importSheet(r.Context(), web.From(r.Context()).Org, sheet)
	}
	if err != nil {
		web.WriteProblem(w, err)
		return
	}
	s.metrics.importLines.WithLabelValues("stored").Add(float64(out.Stored))
	s.metrics.importLines.WithLabelValues("refused").Add(float64(len(out.Errors)))
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(out)
}

func (s *service) importSheet(ctx context.Context, org events.ID, sheet *directory.Sheet) (*imported, error) {
	out := &imported{Lines: len(sheet.Lines)}
	ids := make([]events.ID, len(sheet.Lines))
	for i, l := range sheet.Lines {
		ids[i] = l.ID(org)
	}
	err := s.outbox.Tx(ctx, org, func(tx pgx.Tx) error {
		if err := s.changed(ctx, tx, org); err != nil {
			return err
		}
		known, err := store.ProvidersByID(ctx, tx, org, ids)
		if err != nil {
			return err
		}
		list := sheet.Merge(org, known, now())
		out.Stored = len(list)
		out.Changed, err = store.SaveProviders(ctx, tx, org, list)
		return err
	})
	out.Errors = sheet.Errors
	if out.Errors == nil {
		out.Errors = []directory.LineError{}
	}
	return out, err
}
