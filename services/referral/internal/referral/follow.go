package referral

import (
	"slices"
	"strconv"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/referral/internal/match"
)

// Rank ranks the directory of an organization for one need of one patient. seed makes the order of
// equals (match.Directory.Rank); version is the directory's.
type Rank func(need string, p match.Patient, seed events.ID) (ranking *match.Ranking, directory int64)

// Follow decides what the newest snapshot of a transition means for its referrals: drafts what it
// newly needs, recalls what it no longer needs, ranks again what it says differently. held are all
// referrals of the transition; what is drafted comes back. It is level-triggered: the same snapshot
// twice changes nothing the second time, and an older one than was already followed is passed over.
func Follow(held []*Referral, org events.ID, t events.Transition, at time.Time, rank Rank) (drafted []*Referral) {
	for _, r := range held {
		if r.Followed > t.Version {
			return nil
		}
	}
	for _, r := range held {
		if !r.Current {
			continue
		}
		r.Dirty = r.Dirty || r.Followed != t.Version
		r.Followed = t.Version
		switch {
		case settled(t.State), slices.Contains(t.Needs, r.Need) && t.State == "active":
			r.refresh(t, at, rank)
		case r.State != Arrived:
			if Can(Recall, r.State) {
				_ = r.Recall(Act{At: at, Reason: recallReason(t)}) // cannot fail: Can says so
			}
			r.Current, r.Dirty = false, true
		default: // the person is there: the search is over, and yet it is theirs
			r.refresh(t, at, rank)
		}
	}
	if t.State != "active" {
		return nil
	}
	for i, need := range t.Needs {
		stands := func(r *Referral) bool { return r.Current && r.Need == need }
		if !slices.ContainsFunc(held, stands) && !slices.Contains(t.Needs[:i], need) {
			drafted = append(drafted, draft(held, org, t, need, at, rank))
		}
	}
	return drafted
}

// settled transitions have nothing left to decide; their referrals go on by themselves.
func settled(state string) bool { return state == "completed" || state == "closed" }

func recallReason(t events.Transition) string {
	switch t.State {
	case "active":
		return "no-longer-needed"
	case "planning":
		return "discharge-cancelled"
	case "expired":
		return "deceased"
	case "cancelled":
		if t.Reason != "" {
			return t.Reason
		}
	}
	return t.State
}

func draft(held []*Referral, org events.ID, t events.Transition, need string, at time.Time, rank Rank) *Referral {
	round := 0 // how often this need was drafted and recalled before
	for _, r := range held {
		if r.Need == need {
			round++
		}
	}
	r := &Referral{
		Referral: events.Referral{
			ID:        events.Derive("referral", t.ID.String(), need, strconv.Itoa(round)),
			Encounter: t.Encounter, Transition: t.ID, Patient: t.Patient, Facility: t.Facility, Unit: t.Unit,
			Need: need, Sensitive: t.Sensitive, Late: t.LateArrival, DischargedAt: t.DischargedAt, SettlesAt: t.SettlesAt,
		},
		Org: org, Current: true, Followed: t.Version, Criteria: criteria(t),
	}
	r.Ranking, r.Directory = rank(need, r.Criteria, r.ID)
	r.RankingSum, r.Candidates = r.Ranking.Sum(), len(r.Ranking.Candidates)
	r.step(Draft, Act{At: at}, Entry{})
	return r
}

// criteria is what a transition tells of its patient for matching.
func criteria(t events.Transition) match.Patient {
	return match.Patient{Age: t.Age, Sex: t.Sex, ZIP3: t.ZIP3, Language: t.Language, Payer: t.Payer, Requires: match.Requires(t.Diagnoses)}
}

// What a correction of the stay was, as those who were asked are told.
const (
	PatientChanged = "patient-changed"        // merged, moved, or parted again
	TimeChanged    = "discharge-time-changed" //
)

// refresh takes over what a snapshot says differently, and tells others only if it concerns them: a
// correction of the person or the day concerns everybody asked.
func (r *Referral) refresh(t events.Transition, at time.Time, rank Rank) {
	was, why := r.correct(t)
	changed := why != "" || r.Unit != t.Unit || r.Sensitive != t.Sensitive || r.Late != t.LateArrival
	r.Dirty = r.Dirty || changed || !sameTime(r.SettlesAt, t.SettlesAt)
	r.Unit, r.Sensitive, r.Late, r.SettlesAt = t.Unit, t.Sensitive, t.LateArrival, t.SettlesAt
	if c := criteria(t); !c.Equal(r.Criteria) {
		r.Criteria, r.Dirty = c, true
		changed = r.rank(rank) || changed
	}
	if changed {
		r.step(Update, Act{At: at, Reason: why}, Entry{Previous: was})
	}
}

// correct points the referral at the person and the day of a snapshot; it returns the old values,
// and why they are not the same any more. An arrival keeps its day while the discharge is called off.
func (r *Referral) correct(t events.Transition) (was map[string]string, why string) {
	set := func(name, old, reason string) {
		if was == nil {
			was, why = map[string]string{}, reason
		}
		was[name] = old
	}
	if r.Patient != t.Patient {
		set("patient_id", r.Patient.String(), PatientChanged)
		r.Patient = t.Patient
	}
	if t.DischargedAt != nil && !sameTime(r.DischargedAt, t.DischargedAt) {
		old := ""
		if r.DischargedAt != nil {
			old = r.DischargedAt.UTC().Format(time.RFC3339Nano)
		}
		set("discharged_at", old, TimeChanged)
		r.DischargedAt = t.DischargedAt
	}
	return was, why
}

// RankAgain ranks by the directory as it is now, as long as nobody has been chosen.
func (r *Referral) RankAgain(at time.Time, rank Rank) {
	if r.rank(rank) {
		r.step(Update, Act{At: at, Reason: "directory-changed"}, Entry{})
	}
}

// rank reports whether the ranking is another than before.
func (r *Referral) rank(rank Rank) bool {
	if !slices.Contains(Asking, r.State) {
		return false
	}
	ranking, directory := rank(r.Need, r.Criteria, r.ID)
	r.Dirty = r.Dirty || r.Directory != directory
	r.Directory = directory
	sum := ranking.Sum()
	if sum == r.RankingSum {
		return false
	}
	r.Ranking, r.RankingSum, r.Candidates = ranking, sum, len(ranking.Candidates)
	return true
}

func sameTime(a, b *time.Time) bool { return a == b || a != nil && b != nil && a.Equal(*b) }
