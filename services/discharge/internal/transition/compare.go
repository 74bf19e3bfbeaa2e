package transition

import (
	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/discharge/internal/clock"
	"github.com/handoff-care/handoff/services/discharge/internal/protocol"
)

// by are the rules with another set of protocols, whose tasks are due by these rules' clocks.
func (r *Rules) by(set *protocol.Set) *Rules {
	set = set.With(r.Protocols.Rules())
	if set == r.Protocols {
		return r
	}
	other := *r
	other.Protocols = set
	return &other
}

// Compare gives the plans that sets make for a stay as it stands, each as Decide would
// make it; a plan without tasks where the stay opens no transition. Nothing comes of it.
func (r *Rules) Compare(stay events.Encounter, dead bool, where clock.Where, sets ...*protocol.Set) ([]protocol.Plan, error) {
	plans := make([]protocol.Plan, len(sets))
	open, _ := opens(&stay)
	if stay.State != "finished" || !open || dead || Dead(stay.Disposition) {
		return plans, nil
	}
	lace := *r
	lace.Hospital = nil // protocols do not ask for it
	score, _ := lace.scores(&stay, where.Zone)
	in := protocolStay(&stay, score)
	for i, set := range sets {
		if i > 0 && set == sets[i-1] {
			plans[i] = plans[i-1]
			continue
		}
		var err error
		if plans[i], err = set.With(r.Protocols.Rules()).Plan(in, where); err != nil {
			return nil, err
		}
	}
	return plans, nil
}
