package admission

import (
	"cmp"
	"strconv"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/admission/internal/adt"
	"github.com/handoff-care/handoff/services/admission/internal/encounter"
	"github.com/handoff-care/handoff/services/admission/internal/store"
)

// That an account was given to another patient (A44) is kept under the account's own key, and with
// every stay that something said of names the account. Which stays it moved follows from all that was
// said: those that were of the account, and the former patient's, when it was written down.

// moveAccount gives an account's stays to another patient.
func (w *work) moveAccount(it *item, a *adt.Act, p *store.Patient, place int) {
	account := w.row(it, p, a.FromVisit)
	q := w.holder(a.From.Key, p.Facility)
	if q == nil {
		q = w.newPatient(it)
		w.identify(it, q, a.From, true)
	}
	f := it.cmd.Fact
	f.Kind, f.Message, f.Patient, f.Place, f.Diagnoses = encounter.Move, it.in.ID, p.ID, encounter.Place{}, nil
	f.Values = encounter.Values{From: q.ID, Of: account.VisitKey, Part: place}
	if place > 1 { // of several accounts that one message moves
		f.Message = events.Derive("account", it.in.ID.String(), strconv.Itoa(place))
	}
	if w.add(account, f) {
		w.moving = true
		w.refoldAll(it, append(w.everOf(p, q), account))
	}
}

// adopt keeps with the rows of a stay what was said of their accounts as a whole.
func (w *work) adopt(e *store.Encounter) {
	if !w.moving {
		return
	}
	for _, x := range w.rows(e) {
		for _, key := range accountsOf(x) {
			account := w.byVisit[store.Visit{Facility: x.Facility, Key: key}]
			if account == nil {
				continue
			}
			for _, y := range w.tied(account) {
				for i := range y.Facts {
					if m := y.Facts[i]; y != x && m.Values.Of == y.VisitKey {
						w.add(x, m)
					}
				}
			}
		}
	}
}

// accountsOf are the keys of the accounts that something said under a visit key names.
func accountsOf(e *store.Encounter) (keys []string) {
	last := ""
	for i := range e.Facts {
		if v := e.Facts[i].Values.Account; v != last {
			if last = v; v != "" && v != encounter.Deleted {
				keys = append(keys, accountKey(&e.Facts[i]))
			}
		}
	}
	return keys
}

// moved leaves out of what was said of a stay the moves of accounts that did not move it.
func (w *work) moved(e *store.Encounter, rows []*store.Encounter, facts encounter.Facts) encounter.Facts {
	if !w.moving {
		return facts
	}
	var keys []string
	for _, x := range rows {
		keys = append(append(keys, x.VisitKey), accountsOf(x)...)
	}
	of := func(account string, at time.Time) bool {
		for _, k := range keys {
			if k == account {
				return true
			}
			x, y := w.byVisit[store.Visit{Facility: e.Facility, Key: k}], w.byVisit[store.Visit{Facility: e.Facility, Key: account}]
			if x != nil && y != nil && w.names.RootAt(x.ID, at) == w.names.RootAt(y.ID, at) {
				return true
			}
		}
		return false
	}
	return facts.Moved(of, w.one)
}

// one: two names meant one patient by what was written down until then.
func (w *work) one(a, b events.ID, at time.Time) bool {
	return a == b || w.names.RootAt(a, at) == w.names.RootAt(b, at)
}

// movedWith are the stays that the moves of some accounts may be about.
func (w *work) movedWith(accounts []*store.Encounter) []*store.Encounter {
	var whose []*store.Patient
	for _, a := range accounts {
		for i := range a.Facts {
			if m := &a.Facts[i]; m.Values.Of == a.VisitKey {
				for _, id := range []events.ID{m.Patient, m.Values.From} {
					if p := w.Patients[id]; p != nil {
						whose = append(whose, p)
					}
				}
			}
		}
	}
	return w.everOf(whose...)
}

// moreOfAccounts asks for the accounts that something said of a stay names, where they matter beside
// those that messages name themselves: of a stay of several patients or accounts, or whose patients'
// names change or have changed. many says that this batch makes it one, names that it is about names.
func (w *work) moreOfAccounts(e *store.Encounter, many, names bool, m *store.More) {
	many = many || names
	account := ""
	for i := range e.Facts {
		f := &e.Facts[i]
		p := w.Patients[f.Patient]
		many = many || f.Patient != e.Facts[0].Patient || p != nil && !p.Cluster.IsZero() || account != "" && f.Values.Account != "" && f.Values.Account != account
		account = cmp.Or(account, f.Values.Account)
		if f.Values.Of == "" {
			continue
		}
		many = true
		w.moreVisit(store.Visit{Facility: e.Facility, Key: f.Values.Of}, m)
		if names && f.Values.Of == e.VisitKey {
			for _, id := range []events.ID{f.Patient, f.Values.From} {
				if p := w.Patients[id]; p != nil {
					w.staysOf(p, m)
				}
			}
		}
	}
	if many {
		for _, key := range accountsOf(e) {
			w.moreVisit(store.Visit{Facility: e.Facility, Key: key}, m)
		}
	}
}

// moreVisit asks for the row of a visit key.
func (w *work) moreVisit(v store.Visit, m *store.More) {
	if w.ask("visit "+v.Key, v.Facility) {
		m.Visits = append(m.Visits, v)
	}
}
