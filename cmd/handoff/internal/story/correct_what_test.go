package story

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/handoff-care/handoff/cmd/handoff/internal/story/api"
)

// tasksAfter: what is open was cancelled, re-dated or moved, with the reason and what it was before; work
// that was done is kept and shown.
func (p *plan) tasksAfter(c correction) {
	p.Helper()
	p.await(func() error {
		now := p.tasks(p.e)
		if got := openTasks(now); !slices.Equal(got, c.open) {
			return fmt.Errorf("open tasks %v, want %v", got, c.open)
		}
		if t := now[done]; t.State != "completed" || t.ID != p.before[done].ID {
			return fmt.Errorf("what was done is %+v", t)
		}
		dated := 0
		for code, was := range p.before {
			if code == done {
				continue
			}
			t := now[code]
			if slices.Contains(c.open, code) && c.tasks == "cancelled" { // the new plan asks for it, too
				continue
			}
			if t.ID != was.ID || t.Owner != was.Owner && c.tasks != "cancelled" {
				return fmt.Errorf("task %s is %+v; it was %+v", code, t, was)
			}
			log := p.log(t)
			last := log[len(log)-1]
			changed := ""
			switch c.tasks {
			case "cancelled":
				if t.State != "cancelled" || t.Reason != c.why {
					return fmt.Errorf("task %s is %s because of %q, want cancelled because of %s", code, t.State, t.Reason, c.why)
				}
				changed = "state"
			case "moved":
				if t.PatientID != p.e.PatientID {
					return fmt.Errorf("task %s is of patient %s, want %s", code, t.PatientID, p.e.PatientID)
				}
				changed = "patient_id"
			case "re-dated":
				if t.DueAt.Equal(*was.DueAt) {
					continue
				}
				dated++
				changed = "due_at"
			}
			if last.Outcome != c.why || last.By != "" || last.Cause == "" || last.Previous[changed] == "" {
				return fmt.Errorf("the log of task %s ends with %+v, want %s, and the old %s", code, last, c.why, changed)
			}
		}
		if c.tasks == "re-dated" && dated == 0 {
			return fmt.Errorf("no task has another due time")
		}
		return nil
	})
}

// log is what was done to a task: there is something.
func (p *plan) log(t api.Task) []api.Change {
	p.Helper()
	var detail struct {
		Log []api.Change `json:"log"`
	}
	if err := p.liaison.Get(p.ctx, "discharge", "/tasks/"+t.ID, &detail); err != nil {
		p.Fatal(err)
	}
	return append([]api.Change{{}}, detail.Log...)
}

// referralAfter: the one that asked a facility was recalled, or points at the corrected patient and day, and says why.
func (p *plan) referralAfter(c correction) {
	p.Helper()
	p.await(func() error {
		var now api.Referral
		if err := p.liaison.Get(p.ctx, "referral", "/referrals/"+p.referral.ID, &now); err != nil {
			return err
		}
		if now.State != c.referral || now.PatientID != p.e.PatientID || len(now.Offers) != 1 || now.Offers[0].State != c.referral {
			return fmt.Errorf("the referral is %+v, want %s, of patient %s", now, c.referral, p.e.PatientID)
		}
		lines, err := api.List[api.Change](p.ctx, p.auditor, "referral", "/referrals/"+p.referral.ID+"/history")
		if err != nil {
			return err
		}
		if last := lines[len(lines)-1]; last.Reason != c.recalled || last.By != "" || c.referral == "sent" && len(last.Previous) == 0 {
			return fmt.Errorf("the history of the referral ends with %+v, want %s", last, c.recalled)
		}
		return nil
	})
}

// toldAfter: everybody who was told of the discharge, and whoever was asked, hears of the correction on the
// same thread and by the same roads; each is a row of the ledger.
func (p *plan) toldAfter(c correction) {
	p.Helper()
	p.mailed(p.opened, p.reader, 2)
	p.mailed(p.asked, p.there, 2)
	for _, x := range []struct {
		a    api.Alert
		why  string
		whom []string
	}{
		{p.opened, c.why, []string{p.reader + " console", p.reader + " email", "role:liaison console"}},
		{p.asked, c.recalled, []string{p.there + " console", p.there + " email"}},
	} {
		p.await(func() error {
			t := p.thread(x.a)
			if got := owed(t.Thread, x.why); !slices.Equal(got, x.whom) {
				return fmt.Errorf("of %s, on the thread of %s, were told: %v, want %v; the thread: %+v", x.why, x.a.Kind, got, x.whom, t.Thread)
			}
			rows, err := api.List[api.Told](p.ctx, p.auditor, "notification", "/ledger", "event", p.e.ID)
			if err != nil {
				return err
			}
			mine := slices.DeleteFunc(rows, func(r api.Told) bool { return r.AlertID != x.a.ID })
			if got := owed(mine, x.why); !slices.Equal(got, x.whom) {
				return fmt.Errorf("the ledger counts %v, want %v", got, x.whom)
			}
			return nil
		})
	}
}

// owed are those whom a correction was owed, as "recipient channel".
func owed(rows []api.Told, why string) (out []string) {
	for _, r := range rows {
		if r.Decision == "corrected" && r.Reason == why && r.Recipient != "" {
			out = append(out, r.Recipient+" "+r.Channel)
		}
	}
	slices.Sort(out)
	return out
}

// everything is all that hangs on the stay, with its versions and history.
func (p *plan) everything() string {
	p.Helper()
	all := map[string]any{}
	get := func(service, path string) {
		p.Helper()
		var got any
		if err := p.auditor.Get(p.ctx, service, path, &got); err != nil {
			p.Fatal(err)
		}
		all[service+path] = got
	}
	get("discharge", "/transitions?encounter="+p.e.ID)
	get("discharge", "/tasks?encounter="+p.e.ID)
	for _, t := range p.tasks(p.e) {
		all[t.ID] = p.log(t)
	}
	get("referral", "/referrals?encounter="+p.e.ID)
	get("notification", "/alerts?all=true&encounter="+p.e.ID)
	alerts, err := api.List[api.Alert](p.ctx, p.auditor, "notification", "/alerts", "all", "true", "encounter", p.e.ID)
	if err != nil {
		p.Fatal(err)
	}
	for _, a := range alerts {
		all[a.ID] = p.thread(a).Thread
	}
	text, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		p.Fatal(err)
	}
	return string(text)
}

// balanced: the books of every service balance.
func (s *scene) balanced() {
	s.Helper()
	for _, service := range []string{"admission", "discharge", "referral", "notification"} {
		s.await(func() error {
			var account api.Reconciled
			if err := s.auditor.Get(s.ctx, service, "/reconcile", &account); err != nil {
				return err
			}
			if account.Difference != 0 || len(account.Laws) == 0 {
				return fmt.Errorf("%s differs by %d: %+v", service, account.Difference, account.Laws)
			}
			return nil
		})
	}
}
