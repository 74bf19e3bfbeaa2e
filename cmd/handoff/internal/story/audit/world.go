package audit

import (
	"context"
	"fmt"

	"github.com/handoff-care/handoff/cmd/handoff/internal/story/api"
)

// world is all that the APIs say of one facility, and of the whole organization where they do not
// tell facilities apart.
type world struct {
	messages    map[string][]api.Message    // by control id
	encounters  map[string][]api.Encounter  // by visit number
	transitions map[string][]api.Transition // by encounter
	tasks       map[string][]api.Task       // by encounter
	referrals   map[string][]api.Referral   // by encounter
	alerts      map[string][]api.Alert      // by encounter, those of openings
	accounts    []api.Reconciled
	parked      []string
}

// Accounting are the services that keep accounts.
var Accounting = []string{"admission", "discharge", "referral", "notification"}

func (a *Audit) read(ctx context.Context) (*world, error) {
	w := &world{}
	var err error
	if w.messages, err = by(func(m api.Message) string { return m.ControlID })(a.Messages(ctx)); err != nil {
		return nil, err
	}
	if w.encounters, err = by(func(e api.Encounter) string { return e.Visit })(a.Encounters(ctx)); err != nil {
		return nil, err
	}
	if w.transitions, err = by(func(t api.Transition) string { return t.EncounterID })(
		api.List[api.Transition](ctx, a.auditor, "discharge", "/transitions", "facility", a.Facility)); err != nil {
		return nil, err
	}
	if w.tasks, err = by(func(t api.Task) string { return t.EncounterID })(
		api.List[api.Task](ctx, a.auditor, "discharge", "/tasks", "facility", a.Facility)); err != nil {
		return nil, err
	}
	if w.referrals, err = by(func(r api.Referral) string { return r.EncounterID })(
		api.List[api.Referral](ctx, a.auditor, "referral", "/referrals", "facility", a.Facility)); err != nil {
		return nil, err
	}
	if w.alerts, err = by(func(t api.Alert) string { return t.EncounterID })(
		api.List[api.Alert](ctx, a.auditor, "notification", "/alerts", "facility", a.Facility, "kind", "transition-opened")); err != nil {
		return nil, err
	}
	return w, a.accounts(ctx, w)
}

func (a *Audit) accounts(ctx context.Context, w *world) error {
	for _, service := range Accounting {
		var r api.Reconciled
		if err := a.auditor.Get(ctx, service, "/reconcile", &r); err != nil {
			return err
		}
		w.accounts = append(w.accounts, r)
	}
	for _, service := range append([]string{"console"}, Accounting...) {
		list, err := api.List[api.Parked](ctx, a.auditor, service, "/parked")
		if err != nil {
			return err
		}
		for _, p := range list {
			w.parked = append(w.parked, fmt.Sprintf("%s has parked key %s of %s: %s", service, p.Key, p.Stream, p.Reason))
		}
	}
	return nil
}

// Messages lists what became of the facility's messages.
func (a *Audit) Messages(ctx context.Context) ([]api.Message, error) {
	return api.List[api.Message](ctx, a.engineer, "admission", "/messages", "facility", a.Facility)
}

// Encounters lists the facility's stays.
func (a *Audit) Encounters(ctx context.Context) ([]api.Encounter, error) {
	return api.List[api.Encounter](ctx, a.engineer, "admission", "/encounters", "facility", a.Facility)
}

// by groups a list, when it could be read.
func by[T any](key func(T) string) func([]T, error) (map[string][]T, error) {
	return func(list []T, err error) (map[string][]T, error) {
		m := map[string][]T{}
		for _, item := range list {
			m[key(item)] = append(m[key(item)], item)
		}
		return m, err
	}
}
