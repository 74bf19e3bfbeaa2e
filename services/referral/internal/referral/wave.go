package referral

import (
	"slices"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
)

// Plan is how a search is gone about: whom the patient chose, in which waves providers are asked, how
// long each has to answer. It is data on the referral: waves add no states to contract.md's. Who was
// asked and what they said is in the offers.
type Plan struct {
	Hours  int           `json:"hours,omitempty"`  // how long a wave has to answer; 0: as long as it takes
	Wave   int           `json:"wave,omitempty"`   // waves asked so far
	Next   [][]events.ID `json:"next,omitempty"`   // waves that are not asked yet
	Choice *Wish         `json:"choice,omitempty"` // the patient's, as it was recorded last
	Bed    string        `json:"bed,omitempty"`    // what the chosen provider calls the place it keeps
}

// Wish is what was said by whom when the list of places was shown (42 CFR 482.43(c)).
type Wish struct {
	At        time.Time   `json:"at"`
	By        string      `json:"by"`                  // who showed the list
	To        string      `json:"to"`                  // patient or representative
	Providers []events.ID `json:"providers,omitempty"` // in the order wished
	Declined  bool        `json:"declined,omitempty"`  // they leave the choice to the hospital
}

// ChosenBy lists who may be shown the list.
var ChosenBy = []string{"patient", "representative"}

// Limits of a plan.
const (
	MaxHours = 7 * 24
	maxAsked = 100
)

// begin is the offer of a wave that is asked now.
func (p *Plan) begin(at time.Time) events.Offer {
	p.Wave++
	o := events.Offer{State: Sent, AskedAt: &at, Wave: p.Wave}
	if p.Hours > 0 {
		until := at.Add(time.Duration(p.Hours) * time.Hour)
		o.Until = &until
	}
	return o
}

// SendInWaves asks the first size of providers now, and the others in waves of that size: each when
// everybody asked before said no, or said nothing for hours (0: silence is waited for). size 0 asks
// all at once. What was planned before and not asked yet is replaced.
func (r *Referral) SendInWaves(providers []events.ID, size, hours int, act Act) error {
	switch {
	case size < 0 || hours < 0 || hours > MaxHours:
		return fault.New(fault.Invalid, "hours is between 0 and %d, wave_size not below 0", MaxHours)
	case len(providers) > maxAsked:
		return fault.New(fault.Invalid, "at most %d providers can be asked at once", maxAsked)
	}
	if err := r.may(Send); err != nil {
		return err
	}
	if _, err := r.askable(providers); err != nil {
		return err
	}
	if size == 0 || size > len(providers) {
		size = len(providers)
	}
	r.Plan.Hours, r.Plan.Next = hours, slices.Collect(slices.Chunk(slices.Clone(providers[size:]), max(size, 1)))
	return r.Send(providers[:size], act)
}

// goOn asks the next wave where nobody is left who may still answer.
func (r *Referral) goOn(act Act) {
	for r.State == Declined && len(r.Plan.Next) > 0 {
		wave := slices.DeleteFunc(slices.Clone(r.Plan.Next[0]), func(p events.ID) bool {
			o := r.offer(p)
			return o != nil && (o.State != Withdrawn && o.State != Declined) || act.Able != nil && !act.Able(p)
		})
		r.Plan.Next = r.Plan.Next[1:]
		if len(wave) > 0 {
			first, _ := r.askable(wave) // cannot fail: who is awaited was taken out, and nobody is named twice
			r.ask(wave, first, Act{At: act.At, Place: act.Place})
		}
	}
}

// Deadline is when the next of those asked is let go for saying nothing; nil if nobody is.
func (r *Referral) Deadline() (at *time.Time) {
	for _, o := range r.Offers {
		if silent(o) && o.Until != nil && (at == nil || o.Until.Before(*at)) {
			at = o.Until
		}
	}
	return at
}

// silent: it was asked and has said neither yes nor no. A place that is offered stands.
func silent(o events.Offer) bool { return o.State == Sent || o.State == Acknowledged }

// LetSilenceGo lets everybody go whose time to answer is over at act.At, and asks the next wave if nobody
// is left. It reports whether anything was done.
func (r *Referral) LetSilenceGo(act Act) bool {
	if r.may(Lapse) != nil {
		return false
	}
	e, gone := Entry{}, 0
	for i := range r.Offers {
		o := &r.Offers[i]
		if silent(*o) && o.Until != nil && !o.Until.After(act.At) {
			o.State, o.Reason, o.Question = Withdrawn, NoResponse, false
			e.Provider = o.Provider
			gone++
		}
	}
	if gone == 0 {
		return false
	}
	if gone > 1 {
		e.Provider = events.ID{}
	}
	act.Reason = NoResponse
	at := len(r.Entries)
	r.step(Lapse, act, e)
	r.goOn(act)
	if told, ok := r.Entries[at].Fact.(events.ReferralUpdated); ok && r.State == Declined {
		r.Entries[at].Fact = events.ReferralDeclined(told) // and nobody comes after them
	}
	return true
}

// NoResponse is why an offer ended whose time was over.
const NoResponse = "no-response"

// Choose records what was chosen from the list. Asked lists the choice in the history.
func (r *Referral) Choose(c Wish, act Act) error {
	switch {
	case !slices.Contains(ChosenBy, c.To):
		return fault.New(fault.Invalid, "say who was shown the list: patient or representative")
	case len(c.Providers) == 0 && !c.Declined:
		return fault.New(fault.Invalid, "say what was chosen, or that the choice was left to the hospital")
	case len(c.Providers) > maxAsked:
		return fault.New(fault.Invalid, "at most %d providers can be chosen", maxAsked)
	}
	if err := r.may(Choose); err != nil {
		return err
	}
	c.At, c.By = act.At, act.By
	r.Plan.Choice = &c
	act.Reason = c.To
	if c.Declined {
		act.Reason = c.To + "-left-it-to-us"
	}
	r.step(Choose, act, Entry{Asked: c.Providers})
	return nil
}

// Question notes that a provider asks something (act.Note) before it answers.
func (r *Referral) Question(provider events.ID, act Act) error {
	return r.talk(Question, provider, true, act)
}

// Reply answers it.
func (r *Referral) Reply(provider events.ID, act Act) error {
	return r.talk(Reply, provider, false, act)
}

func (r *Referral) talk(action Action, provider events.ID, open bool, act Act) error {
	if err := r.may(action); err != nil {
		return err
	}
	o := r.offer(provider)
	switch {
	case act.Note == "":
		return fault.New(fault.Invalid, "write what you want to say: note")
	case o == nil:
		return fault.New(fault.Invalid, "this provider has not been asked").With("provider_id", provider)
	case o.State == Declined || o.State == Withdrawn:
		return fault.New(fault.Conflict, "this provider's offer is %s", o.State).With("provider_id", provider).With("state", o.State)
	}
	o.Question = open
	r.step(action, act, Entry{Provider: provider})
	return nil
}

// Keep says what the chosen provider calls the place it keeps for the person.
func (r *Referral) Keep(bed string) { r.Plan.Bed, r.Dirty = bed, true }

// Own is what was asked of a provider; the zero offer where nothing was.
func (r *Referral) Own(provider events.ID) (o events.Offer) {
	if found := r.offer(provider); found != nil {
		o = *found
	}
	return o
}

// AskedOf finds which of somebody's own providers a word about the referral is of: the one that is
// named, else the only one that was asked. To others the referral does not exist.
func (r *Referral) AskedOf(own []events.ID, named events.ID) (events.ID, error) {
	var asked []events.ID
	for _, o := range r.Offers {
		if slices.Contains(own, o.Provider) && (named.IsZero() || named == o.Provider) {
			asked = append(asked, o.Provider)
		}
	}
	switch len(asked) {
	case 0:
		return events.ID{}, fault.New(fault.Unknown, "there is no such referral")
	case 1:
		return asked[0], nil
	}
	return events.ID{}, fault.New(fault.Invalid, "several of your providers were asked: say for which you speak (provider_id)")
}
