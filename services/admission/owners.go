package admission

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/admission/internal/store"
)

// owners loads the patients whose stays are at hand and whom no message of the batch names: a late
// message may name the record that a stay was moved from. Usually there are none.
func (s *service) owners(ctx context.Context, tx pgx.Tx, w *work) error {
	var ids []events.ID
	missing := map[events.ID]bool{}
	want := func(id events.ID) {
		if !id.IsZero() && w.Patients[id] == nil && !missing[id] {
			missing[id] = true
			ids = append(ids, id)
		}
	}
	for _, e := range w.Encounters {
		want(e.Known.Patient)
		for i := range e.Facts {
			want(e.Facts[i].Patient)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	if err := s.store.LoadPatients(ctx, tx, w.Loaded, ids); err != nil {
		return err
	}
	m := store.More{}
	for _, id := range ids {
		if p := w.Patients[id]; p != nil {
			m.Persons = append(m.Persons, p.Person)
		}
	}
	visits, err := s.store.LoadMore(ctx, tx, w.Loaded, m)
	w.ed = append(w.ed, visits...)
	return err
}
