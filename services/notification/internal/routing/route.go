package routing

import (
	"slices"
	"strings"
	"time"

	"github.com/handoff-care/handoff/services/notification/internal/notice"
)

// Question is all that a route may depend on. It is comparable: equal questions share an answer.
type Question struct {
	Kind, Facility, Unit string
	Severity             notice.Severity
	Owner, OwnerRole     string
	Target               string // of an escalation: instead of the kind's rule
	Sensitive            bool
	Handed               bool      // Target is whom a person handed it to; notice.OnDuty: whom the rule names
	At                   time.Time // who is on call then is told; it matters where somebody is on call at all
}

// What was decided about a candidate.
const (
	Selected   = "selected"
	Excluded   = "excluded"
	Suppressed = "suppressed"
)

// The channels.
const (
	Console = "console"
	Email   = "email"
	Webhook = "webhook"
	Push    = "push" // to a person's own devices
)

// Decision is what became of one candidate and why. Recipient is a person id, "role:x" or
// "endpoint:<id>"; "" stands for a target that named nobody.
type Decision struct {
	What, Recipient, Channel, Reason string
}

// Answer is who is told. Audience are the recipients whose console shows the alert.
type Answer struct {
	Audience  []string
	Decisions []Decision
}

// Route answers a question. The answer is shared: do not change it.
func (d *Directory) Route(q Question) *Answer {
	key := q
	key.At = time.Time{}
	if m, ok := d.memo.Load(key); ok {
		if m := m.(memo); m.until.IsZero() || !q.At.Before(m.from) && q.At.Before(m.until) {
			return m.answer
		}
	}
	a, until := d.route(q)
	d.memo.Store(key, memo{a, q.At, until})
	return a
}

// memo is an answer and when it holds; without an end at any time.
type memo struct {
	answer      *Answer
	from, until time.Time
}

// route answers a question, and says until when the answer holds.
func (d *Directory) route(q Question) (*Answer, time.Time) {
	targets := d.rule(q.Kind)
	if q.Target != "" && q.Target != notice.OnDuty {
		targets = []string{q.Target}
	}
	w := &walk{d: d, q: q, seen: map[[2]string]bool{}}
	if q.Sensitive {
		w.confidential(targets)
		return &w.Answer, w.until
	}
	for _, t := range targets {
		if w.try(t) {
			break
		}
	}
	if len(w.Audience) == 0 {
		w.role("liaison", "no rule named anyone")
	}
	if q.Target == "" && !notice.Quiet(q.Kind) { // programs hear of it by its facts
		w.endpoints()
	}
	return &w.Answer, w.until
}

// walk collects one answer.
type walk struct {
	Answer
	d    *Directory
	q    Question
	why  []string // why earlier targets named nobody
	seen map[[2]string]bool

	named bool      // the present target named somebody
	until time.Time // when somebody else will be on call; zero: it does not matter
}

func (w *walk) add(what, recipient, channel, reason string) {
	key := [2]string{recipient, channel}
	if w.seen[key] {
		return
	}
	w.seen[key] = true
	w.Decisions = append(w.Decisions, Decision{what, recipient, channel, reason})
	if what == Selected && channel == Console {
		w.Audience = append(w.Audience, recipient)
	}
}

// try walks one target and reports whether it named anyone. The owners of what was open are told
// beside whoever comes next.
func (w *walk) try(target string) bool {
	w.named = false
	switch target {
	case "owners":
		for _, id := range strings.Split(w.q.Owner, notice.OwnersSeparator) {
			if id != "" {
				w.person(id, "owns an open task")
			}
		}
		return false
	case "owner":
		if w.q.Owner == "" {
			return false
		}
		w.person(w.q.Owner, "owns the task")
	case "owner-role":
		if w.q.OwnerRole == "" {
			return false
		}
		w.role(w.q.OwnerRole, w.because("the task is this role's"))
	case "unit":
		if w.q.Unit == "" {
			w.why = append(w.why, "no unit given")
			return false
		}
		w.roster(w.q.Facility, w.q.Unit, "unit "+w.q.Unit+" of "+w.q.Facility)
	case "facility":
		w.roster(w.q.Facility, "", "facility "+w.q.Facility)
	default:
		if role, ok := strings.CutPrefix(target, "role:"); ok {
			w.role(role, w.because("role of the organization"))
		} else {
			w.person(target, w.because("named by the rule"))
		}
	}
	return w.named
}

// because adds why nobody nearer was chosen.
func (w *walk) because(reason string) string {
	if w.q.Handed {
		return "handed over"
	}
	if w.q.Target != "" {
		return "escalation"
	}
	if len(w.why) == 0 {
		return reason
	}
	return reason + "; " + strings.Join(w.why, ", ")
}

func (w *walk) roster(facility, unit, name string) {
	r, ok := w.d.rosters[[2]string{facility, unit}]
	if !ok {
		w.why = append(w.why, "no roster for "+name)
		return
	}
	if len(r.Shifts) > 0 {
		w.onCall(r, name)
	}
	w.members(r.Members, "roster of "+name)
	if !w.named && (len(r.Members) > 0 || len(r.Shifts) == 0) {
		w.why = append(w.why, "nobody active on the roster of "+name)
	}
}

// members selects those whom a roster names.
func (w *walk) members(list []string, reason string) {
	for _, m := range list {
		if role, isRole := strings.CutPrefix(m, "role:"); isRole {
			w.role(role, reason)
		} else {
			w.person(m, reason)
		}
	}
}

// role selects everyone who works in a role: their consoles at once, their outside channels one by one.
func (w *walk) role(role, reason string) {
	w.add(Selected, "role:"+role, Console, reason)
	w.named = true
	for _, id := range w.d.order {
		if p := w.d.people[id]; p.Active && slices.Contains(p.Roles, role) {
			w.outside(p, "has role "+role)
		}
	}
	for _, p := range w.d.phones {
		if slices.Contains(p.Roles, role) {
			w.phone(p.Person, "has role "+role)
		}
	}
}

// person selects one person. Somebody the directory does not know (an owner known by a token alone)
// has a console and nothing else.
func (w *walk) person(id, reason string) {
	p, known := w.d.people[id]
	if known && !p.Active {
		w.add(Excluded, id, Console, "not active; "+reason)
		return
	}
	w.add(Selected, id, Console, reason)
	w.named = true
	if known {
		w.outside(p, reason)
	} else {
		w.phone(id, reason)
	}
}

// outside adds the person's own channels beyond the console.
func (w *walk) outside(p Person, reason string) {
	w.phone(p.ID, reason)
	if p.Email == "" || notice.Quiet(w.q.Kind) {
		return
	}
	from := p.EmailFrom
	if from == "" {
		from = notice.Urgent
	}
	if w.q.Severity.Rank() < from.Rank() {
		w.add(Suppressed, p.ID, Email, "email from "+string(from)+" on; this is "+string(w.q.Severity))
		return
	}
	w.add(Selected, p.ID, Email, reason)
}

// phone tells somebody on their own devices, where they asked for it: of what is urgent, and of nothing else, so
// that there is nothing to say where it is not.
func (w *walk) phone(person, reason string) {
	if p, known := w.d.people[person]; known && !p.Active || !w.d.told[person] || notice.Quiet(w.q.Kind) || w.q.Severity.Rank() < notice.Urgent.Rank() {
		return
	}
	w.add(Selected, person, Push, reason)
}

func (w *walk) endpoints() {
	for _, e := range w.d.endpoints {
		id := "endpoint:" + e.ID.String()
		switch {
		case len(e.Kinds) > 0 && !slices.Contains(e.Kinds, w.q.Kind):
		case len(e.Facilities) > 0 && !slices.Contains(e.Facilities, w.q.Facility):
		case !e.Active:
			w.add(Excluded, id, Webhook, "disabled")
		default:
			w.add(Selected, id, Webhook, "subscribed")
		}
	}
}

// confidential selects the owning role's console, and says of everyone else that they are not told.
func (w *walk) confidential(targets []string) {
	owning := owning(w.q, targets)
	if p, known := w.d.people[w.q.Target]; known && w.q.Handed && p.Active && slices.Contains(p.Roles, owning) {
		w.add(Selected, p.ID, Console, "handed over; confidential: the console only")
		return
	}
	w.add(Selected, "role:"+owning, Console, "confidential: the owning role's console only")
	open := &walk{d: w.d, q: w.q, seen: map[[2]string]bool{}}
	for _, t := range targets {
		if open.try(t) {
			break
		}
	}
	if w.q.Target == "" {
		open.endpoints()
	}
	w.until = open.until
	for _, c := range open.Decisions {
		if c.What == Selected {
			w.add(Suppressed, c.Recipient, c.Channel, "confidential")
		}
	}
}

// owning is the role whose console shows what is confidential.
func owning(q Question, targets []string) string {
	role := "liaison"
	if q.OwnerRole != "" {
		role = q.OwnerRole
	}
	for _, t := range targets {
		if named, ok := strings.CutPrefix(t, "role:"); ok {
			role = named
		}
	}
	return role
}

// Refuses says why somebody cannot be handed an alert; "" means that they can. What is confidential
// stays with the role that owns it.
func (d *Directory) Refuses(q Question) string {
	person, known := d.people[q.Target]
	role, isRole := strings.CutPrefix(q.Target, "role:")
	mine := owning(q, d.rule(q.Kind))
	switch {
	case q.Target == "":
		return "say to whom"
	case q.Target == notice.OnDuty:
		return ""
	case known && !person.Active:
		return person.Name + " is not on duty here any more"
	case !q.Sensitive:
		return ""
	case isRole && role != mine, !isRole && !slices.Contains(person.Roles, mine):
		return "this patient is confidential: only somebody whose role owns the work can take it"
	}
	return ""
}
