package referral

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/referral/internal/match"
	"github.com/handoff-care/handoff/services/referral/internal/referral"
	"github.com/handoff-care/handoff/services/referral/internal/store"
)

// directories keeps organizations' directories in memory, ready for matching. Each use asks the
// database for their versions and reads again what changed, in any process. Safe for concurrent use.
type directories struct {
	metrics *metrics
	mu      sync.Mutex
	held    map[events.ID]*held
}

// held is one organization's directory at one version. It is immutable.
type held struct {
	*match.Directory
	places map[events.ID]referral.Place // of tied providers
	ids    map[events.ID]bool           // of tied facilities
	codes  map[string]bool
	names  map[events.ID]string
}

func newDirectories(m *metrics) *directories {
	return &directories{metrics: m, held: map[events.ID]*held{}}
}

// none is the directory of an organization without providers.
var none = hold(0, nil)

// of returns the directories of organizations as they are now.
func (d *directories) of(ctx context.Context, tx pgx.Tx, orgs ...events.ID) (map[events.ID]*held, error) {
	versions, err := store.Versions(ctx, tx, orgs)
	if err != nil {
		return nil, err
	}
	out := make(map[events.ID]*held, len(orgs))
	for _, org := range orgs {
		if versions[org] == 0 {
			out[org] = none
			continue
		}
		if out[org], err = d.at(ctx, tx, org, versions[org]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (d *directories) at(ctx context.Context, tx pgx.Tx, org events.ID, version int64) (*held, error) {
	d.mu.Lock()
	h := d.held[org]
	d.mu.Unlock()
	if h != nil && h.Version == version {
		return h, nil
	}
	list, err := store.Directory(ctx, tx, org)
	if err != nil {
		return nil, err
	}
	h = hold(version, list)
	d.mu.Lock()
	d.held[org] = h
	d.mu.Unlock()
	return h, nil
}

func hold(version int64, list []*provider) *held {
	h := &held{places: map[events.ID]referral.Place{}, ids: map[events.ID]bool{}, codes: map[string]bool{}, names: make(map[events.ID]string, len(list))}
	ready := make([]match.Provider, len(list))
	for i, p := range list {
		ready[i] = p.ForMatch()
		h.names[p.ID] = p.Name
		place := referral.Place{Facility: p.Facility}
		if p.FacilityID != nil {
			place.FacilityID = *p.FacilityID
			h.ids[place.FacilityID] = true
		}
		if place.Facility != "" {
			h.codes[place.Facility] = true
		}
		if place != (referral.Place{}) {
			h.places[p.ID] = place
		}
	}
	h.Directory = match.NewDirectory(version, ready)
	return h
}

// help tells an act on a referral what the directory knows of those who are asked: where they are, and
// whether they can be asked at all.
func (h *held) help(a *referral.Act, r *referral.Referral) {
	a.Place = func(provider events.ID) string { return h.places[provider].Facility }
	a.Able = func(provider events.ID) bool {
		why, known := h.Licensed(provider, r.Need)
		return known && why == 0
	}
}

// tied reports whether a provider of the directory is the facility.
func (h *held) tied(id events.ID, code string) bool { return h.ids[id] || h.codes[code] }

// ranker ranks for referrals of one organization, at a time.
func (d *directories) ranker(h *held, at time.Time) referral.Rank {
	return func(need string, p match.Patient, seed events.ID) (*match.Ranking, int64) {
		begun := time.Now()
		r := h.Rank(need, p, at, seed)
		d.metrics.matched(time.Since(begun), r)
		return r, h.Version
	}
}
