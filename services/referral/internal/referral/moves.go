package referral

import (
	"slices"

	"github.com/handoff-care/handoff/pkg/events"
)

// State is where a referral is (contract.md, "Words and states").
type State = string

// The states of a referral. An offer is sent, acknowledged, offered, declined, accepted or withdrawn.
const (
	Drafted      State = "drafted"
	Sent         State = "sent"
	Acknowledged State = "acknowledged"
	Offered      State = "offered"
	Declined     State = "declined"
	Accepted     State = "accepted"
	Booked       State = "booked"
	Arrived      State = "arrived"
	NoShow       State = "no-show"
	Withdrawn    State = "withdrawn"
	Expired      State = "expired"
)

// States lists all of them, in the order of a referral's life.
var States = []State{Drafted, Sent, Acknowledged, Offered, Declined, Accepted, Booked, Arrived, NoShow, Withdrawn, Expired}

// OfferStates lists the states of one provider's offer.
var OfferStates = []State{Sent, Acknowledged, Offered, Declined, Accepted, Withdrawn}

// Groups of states.
var (
	// Asking: nobody has been chosen yet.
	Asking = []State{Drafted, Sent, Acknowledged, Offered, Declined}
	// Chosen: one provider holds an accepted offer and the person is not there yet.
	Chosen = []State{Accepted, Booked, NoShow}
	// pending: at least one provider has been asked and may still answer.
	pending = []State{Sent, Acknowledged, Offered}
	// open: not at an end.
	open = append(slices.Clone(Asking), Chosen...)
)

// Action is something that is done to a referral.
type Action string

// The actions.
const (
	Draft         Action = "draft"
	Update        Action = "update" // what is known of the stay, or the ranking, changed
	Send          Action = "send"
	Acknowledge   Action = "acknowledge"
	Offer         Action = "offer"
	Decline       Action = "decline"
	Accept        Action = "accept"
	Book          Action = "book"
	Arrive        Action = "arrive"
	CancelArrival Action = "cancel-arrival" // the admission that closed it was a mistake
	MissArrival   Action = "no-show"
	Withdraw      Action = "withdraw"
	Recall        Action = "recall"
	Expire        Action = "expire"
	Choose        Action = "choose"   // the patient, or who speaks for them, was shown the list
	Question      Action = "question" // a provider asks something before it answers
	Reply         Action = "reply"
	Lapse         Action = "lapse" // the time to answer is over: who said nothing is let go
)

// same stands in the table for "where it was".
const same State = "="

// move is one row of the table: what may be done from where, where it leads (empty: where the offers
// say, see byOffers) and what is told.
type move struct {
	from []State
	to   State
	tell func(events.Search) events.Fact
}

var moves = map[Action]move{
	Draft:         {[]State{""}, Drafted, func(s events.Search) events.Fact { return events.ReferralDrafted{Search: s} }},
	Update:        {States, same, func(s events.Search) events.Fact { return events.ReferralUpdated{Search: s} }},
	Send:          {Asking, "", func(s events.Search) events.Fact { return events.ReferralSent{Search: s} }},
	Acknowledge:   {pending, "", func(s events.Search) events.Fact { return events.ReferralAcknowledged{Search: s} }},
	Offer:         {pending, "", func(s events.Search) events.Fact { return events.ReferralOffered{Search: s} }},
	Decline:       {[]State{Sent, Acknowledged, Offered, Accepted, Booked}, "", func(s events.Search) events.Fact { return events.ReferralDeclined{Search: s} }},
	Accept:        {pending, "", func(s events.Search) events.Fact { return events.ReferralAccepted{Search: s} }},
	Book:          {Chosen, "", func(s events.Search) events.Fact { return events.ReferralBooked{Search: s} }},
	Arrive:        {Chosen, Arrived, func(s events.Search) events.Fact { return events.ArrivalConfirmed{Search: s} }},
	CancelArrival: {[]State{Arrived}, "", func(s events.Search) events.Fact { return events.ReferralUpdated{Search: s} }},
	MissArrival:   {[]State{Accepted, Booked}, NoShow, func(s events.Search) events.Fact { return events.ReferralUpdated{Search: s} }},
	Withdraw:      {open, Withdrawn, func(s events.Search) events.Fact { return events.ReferralWithdrawn{Search: s} }},
	Recall:        {open, Withdrawn, func(s events.Search) events.Fact { return events.ReferralRecalled{Search: s} }},
	Expire:        {Asking, Expired, func(s events.Search) events.Fact { return events.ReferralRecalled{Search: s} }},
	Choose:        {Asking, same, func(s events.Search) events.Fact { return events.ChoiceRecorded{Search: s} }},
	Question:      {pending, same, updated},
	Reply:         {open, same, updated},
	Lapse:         {pending, "", updated},
}

func updated(s events.Search) events.Fact { return events.ReferralUpdated{Search: s} }

// Can reports whether action may be done to a referral in state.
func Can(action Action, state State) bool { return slices.Contains(moves[action].from, state) }

// answers says which answers a provider may give while its offer is in a state.
var answers = map[State][]State{
	Sent:         {Acknowledged, Offered, Declined, Accepted},
	Acknowledged: {Offered, Declined, Accepted},
	Offered:      {Declined, Accepted},
	Accepted:     {Declined}, // it finds out that it cannot after all
}

// byOffers is the state that the offers of an unfinished referral add up to: the furthest that any
// provider has come. All of them having declined (or been let go) is declined.
func byOffers(offers []events.Offer, booked bool) State {
	best := Drafted
	if len(offers) > 0 {
		best = Declined
	}
	for _, o := range offers {
		switch {
		case o.State == Accepted && booked:
			return Booked
		case o.State == Accepted:
			return Accepted
		case o.State == Offered:
			best = Offered
		case o.State == Acknowledged && best != Offered:
			best = Acknowledged
		case o.State == Sent && best != Offered && best != Acknowledged:
			best = Sent
		}
	}
	return best
}
