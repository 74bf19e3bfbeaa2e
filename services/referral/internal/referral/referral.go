package referral

import (
	"maps"
	"slices"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/services/referral/internal/match"
)

// Referral is the search for one next caregiver: what others are told of it, and what only this
// service needs to know. Not safe for concurrent use; whoever changes one holds its row lock.
type Referral struct {
	events.Referral
	Org        events.ID
	Current    bool          // it stands for its need; false once recalled, so that the need can be drafted anew
	Followed   int           // version of the transition it was last decided from
	Criteria   match.Patient // what is known of the patient for matching
	Directory  int64         // version of the directory it was ranked from
	RankingSum uint64        // the fingerprint of its ranking
	Ranking    *match.Ranking
	Plan       Plan
	Arrival    events.ID // the stay at the receiving facility that closed it
	TouchedAt  time.Time // when it last changed
	Entries    []Entry   // what was done to it since it was loaded, oldest first
	Dirty      bool      // something that is not in Entries changed since it was loaded
}

// Entry is one line of a referral's history.
type Entry struct {
	Version  int
	At       time.Time
	By       string
	Action   Action
	State    State // after it
	Provider events.ID
	Asked    []events.ID // asked for the first time
	Reason   string
	Note     string
	Previous map[string]string // what a correction of the stay changed, old values
	Fact     events.Fact
}

// Act says who does something, when, and why. By is empty for the system; Note is a person's own
// words, which stay in the history.
type Act struct {
	At     time.Time
	By     string
	Reason string
	Note   string
	// Place says which facility (its code) a provider is tied to, "" where none; Send
	// needs it, so that whoever tells the provider knows where.
	Place func(provider events.ID) string
	// Able says whether a provider can still be asked when its wave comes; nil: all can.
	Able func(provider events.ID) bool
}

// step moves the referral along the table and writes down what was done. offers and other fields
// must already be as they will be.
func (r *Referral) step(action Action, act Act, e Entry) {
	switch to := moves[action].to; to {
	case same:
	case "":
		r.State = byOffers(r.Offers, r.StartAt != nil)
	default:
		r.State = to
	}
	r.Version++
	r.TouchedAt = act.At
	e.Version, e.At, e.By, e.Action, e.State, e.Reason, e.Note = r.Version, act.At, act.By, action, r.State, act.Reason, act.Note
	told := r.Referral
	told.Offers = slices.Clone(r.Offers)
	e.Fact = moves[action].tell(events.Search{Referral: told, By: act.By, Previous: e.Previous})
	r.Entries = append(r.Entries, e)
}

// may refuses what the table does not allow, and says who won where somebody did.
func (r *Referral) may(action Action) error {
	if Can(action, r.State) {
		return nil
	}
	f := fault.New(fault.Conflict, "a referral that is %s cannot be changed by %s", r.State, action)
	if action == Accept && !r.Provider.IsZero() {
		f = fault.New(fault.Conflict, "another acceptance won: the referral is %s", r.State)
	}
	f.With("state", r.State).With("version", r.Version)
	if !r.Provider.IsZero() {
		f.With("provider_id", r.Provider).With("winner", r.Provider)
	}
	return f
}

// Taken reports whether a provider was chosen, now or before the referral ended.
func (r *Referral) Taken() bool { return !r.Provider.IsZero() }

// Send asks providers, in the order given. One that was asked before and said no, or was let go, is
// asked again; one whose answer is still awaited is refused.
func (r *Referral) Send(providers []events.ID, act Act) error {
	if err := r.may(Send); err != nil {
		return err
	}
	if len(providers) == 0 {
		return fault.New(fault.Invalid, "name at least one provider to ask")
	}
	first, err := r.askable(providers)
	if err != nil {
		return err
	}
	r.ask(providers, first, act)
	return nil
}

// askable says which of providers are asked for the first time, and refuses those that cannot be asked.
func (r *Referral) askable(providers []events.ID) (first []events.ID, err error) {
	for i, p := range providers {
		if slices.Contains(providers[:i], p) {
			return nil, fault.New(fault.Invalid, "a provider is named twice").With("provider_id", p)
		}
		if o := r.offer(p); o == nil {
			first = append(first, p)
		} else if o.State != Declined && o.State != Withdrawn {
			return nil, fault.New(fault.Conflict, "this provider has been asked and its answer is awaited").With("provider_id", p)
		}
	}
	return first, nil
}

// ask asks providers now, as one wave.
func (r *Referral) ask(providers, first []events.ID, act Act) {
	offer := r.Plan.begin(act.At)
	for _, p := range providers {
		offer.Provider = p
		if o := r.offer(p); o != nil {
			*o = offer
		} else {
			r.Offers = append(r.Offers, offer)
		}
	}
	r.place(providers, act.Place)
	r.Reason = ""
	e := Entry{Asked: first}
	if len(providers) == 1 {
		e.Provider = providers[0]
	}
	r.step(Send, act, e)
}

// place notes where the providers that are asked now are to be told.
func (r *Referral) place(providers []events.ID, at func(events.ID) string) {
	if at == nil {
		return
	}
	places := maps.Clone(r.Places) // facts that were told share the old one
	for _, p := range providers {
		if code := at(p); code != "" {
			if places == nil {
				places = map[string]string{}
			}
			places[p.String()] = code
		} else {
			delete(places, p.String())
		}
	}
	r.Places = places
}

// Answer records what one provider says: Acknowledge, Offer, Decline or Accept. provider may be zero
// if only one can be meant. An acceptance lets every other provider go; who accepts second is told who won.
func (r *Referral) Answer(action Action, provider events.ID, act Act) error {
	if err := r.may(action); err != nil {
		return err
	}
	o, err := r.addressed(action, provider)
	if err != nil {
		return err
	}
	o.State, o.Reason, o.Question = answerStates[action], "", false
	if o.AnsweredAt == nil && action != Acknowledge {
		o.AnsweredAt = &act.At
	}
	switch action {
	case Accept:
		r.Provider = o.Provider
		r.letGo("another-accepted", o.Provider)
		r.Plan.Next = nil
	case Decline:
		o.Reason = act.Reason
		if r.Provider == o.Provider {
			r.Provider, r.StartAt, r.Plan.Bed = events.ID{}, nil, ""
		}
	}
	r.step(action, act, Entry{Provider: o.Provider})
	r.goOn(act)
	return nil
}

var answerStates = map[Action]State{Acknowledge: Acknowledged, Offer: Offered, Decline: Declined, Accept: Accepted}

// addressed finds the offer that an answer is about.
func (r *Referral) addressed(action Action, provider events.ID) (*events.Offer, error) {
	if provider.IsZero() {
		for i := range r.Offers {
			if !slices.Contains(answers[r.Offers[i].State], answerStates[action]) {
				continue
			}
			if !provider.IsZero() {
				return nil, fault.New(fault.Invalid, "several providers have been asked: say whose answer this is (provider_id)")
			}
			provider = r.Offers[i].Provider
		}
	}
	o := r.offer(provider)
	switch {
	case o == nil && provider.IsZero():
		return nil, fault.New(fault.Conflict, "no provider can give this answer now").With("state", r.State)
	case o == nil:
		return nil, fault.New(fault.Invalid, "this provider has not been asked").With("provider_id", provider)
	case !slices.Contains(answers[o.State], answerStates[action]):
		return nil, fault.New(fault.Conflict, "this provider's offer is %s", o.State).With("provider_id", provider).With("state", o.State)
	}
	return o, nil
}

func (r *Referral) offer(provider events.ID) *events.Offer {
	for i := range r.Offers {
		if r.Offers[i].Provider == provider {
			return &r.Offers[i]
		}
	}
	return nil
}

// letGo withdraws what was asked of everybody but one.
func (r *Referral) letGo(reason string, but events.ID) {
	for i := range r.Offers {
		if o := &r.Offers[i]; o.Provider != but && o.State != Declined && o.State != Withdrawn {
			o.State, o.Reason, o.Question = Withdrawn, reason, false
		}
	}
}

// Book sets when the accepted provider will take the person; again to change it, also after a no-show.
func (r *Referral) Book(start time.Time, act Act) error {
	if err := r.may(Book); err != nil {
		return err
	}
	r.StartAt, r.Reason = &start, ""
	r.step(Book, act, Entry{Provider: r.Provider})
	return nil
}

// Arrive closes the referral: the person is there. stay is the encounter that shows it; zero when a
// person says so.
func (r *Referral) Arrive(stay events.ID, act Act) error {
	if err := r.may(Arrive); err != nil {
		return err
	}
	r.Arrival, r.Reason = stay, ""
	r.step(Arrive, act, Entry{Provider: r.Provider})
	return nil
}

// CancelArrival opens a closed referral again: the admission that closed it was cancelled, or was
// somebody else's.
func (r *Referral) CancelArrival(act Act) error {
	if err := r.may(CancelArrival); err != nil {
		return err
	}
	r.Arrival, r.Reason = events.ID{}, act.Reason
	r.step(CancelArrival, act, Entry{Provider: r.Provider})
	return nil
}

// MissArrival records that the person did not come.
func (r *Referral) MissArrival(act Act) error {
	if err := r.may(MissArrival); err != nil {
		return err
	}
	r.Reason = act.Reason
	r.step(MissArrival, act, Entry{Provider: r.Provider})
	return nil
}

// Withdraw ends the search by a person's decision. The need is not drafted again for this discharge.
func (r *Referral) Withdraw(act Act) error { return r.end(Withdraw, act) }

// Recall ends the search because the reason for it went away: everybody asked is let go.
func (r *Referral) Recall(act Act) error { return r.end(Recall, act) }

// Expire ends a search that nobody has moved for a long time.
func (r *Referral) Expire(act Act) error { return r.end(Expire, act) }

func (r *Referral) end(action Action, act Act) error {
	if err := r.may(action); err != nil {
		return err
	}
	r.Reason = act.Reason
	r.letGo(act.Reason, events.ID{})
	r.Plan.Next = nil
	r.step(action, act, Entry{Provider: r.Provider})
	return nil
}
