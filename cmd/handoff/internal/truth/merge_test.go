package truth

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/cmd/handoff/internal/truth/course"
	"github.com/handoff-care/handoff/cmd/handoff/internal/truth/picture"
	"github.com/handoff-care/handoff/cmd/handoff/internal/truth/rig"
	"github.com/handoff-care/handoff/pkg/web"
)

// object is something an API shows.
type object map[string]any

func (o object) text(name string) string { s, _ := o[name].(string); return s }

// office is the people who work on what the merged stays ask for, and what they see.
type office struct {
	*rig.Tenant
	t                *testing.T
	liaison, auditor string
}

func (o *office) list(path string) (items []object) {
	o.t.Helper()
	var out struct {
		Items []object `json:"items"`
		Next  any      `json:"next"`
	}
	if err := o.Call(o.t.Context(), o.auditor, "GET", path, nil, &out); err != nil {
		o.t.Fatalf("%s: %v", path, err)
	}
	if out.Next != nil {
		o.t.Fatalf("%s: there is more than one page", path)
	}
	return out.Items
}

// stay is the encounter of a visit.
func (o *office) stay(m *course.Merge, visit string) object {
	o.t.Helper()
	var out struct {
		Items []object `json:"items"`
	}
	if err := o.Call(o.t.Context(), o.liaison, "POST", "/admission/encounters/search", map[string]string{"facility": m.Sender.Code, "visit": visit}, &out); err != nil {
		o.t.Fatal(err)
	}
	if len(out.Items) != 1 {
		o.t.Fatalf("%s: visit %s is %d stays", m.Tag, visit, len(out.Items))
	}
	return out.Items[0]
}

// work does something to each task: claim it, try, complete it, or nothing; and asks a provider.
func (o *office) work(n int, encounter string) {
	o.t.Helper()
	do := func(path string, version any, body any) {
		if err := o.Call(o.t.Context(), o.liaison, "POST", path, body, nil, "If-Match", fmt.Sprintf(`"%v"`, version)); err != nil {
			o.t.Fatalf("%s: %v", path, err)
		}
	}
	for i, task := range o.list("/discharge/tasks?encounter=" + encounter) {
		path := "/discharge/tasks/" + task.text("id")
		switch (n + i) % 4 {
		case 1:
			do(path+"/claim", task["version"], map[string]any{})
		case 2:
			do(path+"/attempt", task["version"], map[string]any{"channel": "phone", "outcome": "no-answer", "duration_s": 40, "note": "nobody there"})
		case 3:
			do(path+"/complete", task["version"], map[string]any{"outcome": "done", "note": "it is done"})
		}
	}
	for _, r := range o.list("/referral/referrals?encounter=" + encounter) {
		var whole struct {
			Candidates []object `json:"candidates"`
		}
		if err := o.Call(o.t.Context(), o.auditor, "GET", "/referral/referrals/"+r.text("id"), nil, &whole); err != nil {
			o.t.Fatal(err)
		}
		if len(whole.Candidates) > 0 && n%2 == 0 {
			do("/referral/referrals/"+r.text("id")+"/send", r["version"], map[string]any{"providers": []string{whole.Candidates[0].text("provider_id")}})
		}
	}
}

// desk is everything on people's desks about one stay, without what a merge is allowed to change: whose
// it is, versions, and when that was written.
func (o *office) desk(encounter string) (lines []string) {
	o.t.Helper()
	put := func(kind string, items []object, members ...string) {
		for _, x := range items {
			kept := object{}
			for _, m := range members {
				kept[m] = x[m]
			}
			b, err := json.Marshal(kept)
			if err != nil {
				o.t.Fatal(err)
			}
			lines = append(lines, kind+" "+string(b))
		}
	}
	put("transition", o.list("/discharge/transitions?encounter="+encounter), "id", "encounter_id", "state", "reason", "disposition", "class", "discharged_at", "protocols", "needs")
	put("task", o.list("/discharge/tasks?encounter="+encounter), "id", "code", "title", "state", "reason", "owner", "owner_role", "due_at", "attempts", "outcome", "closed_at", "closed_by", "created_at")
	put("referral", o.list("/referral/referrals?encounter="+encounter), "id", "need", "state", "reason", "provider_id", "offers")
	put("alert", o.list("/notification/alerts?all=true&encounter="+encounter), "id", "kind", "state", "severity")
	slices.Sort(lines)
	return lines
}

// whose are the patients that the rows about a stay name.
func (o *office) whose(encounter string) map[string]bool {
	o.t.Helper()
	found := map[string]bool{}
	for _, path := range []string{"/discharge/transitions?encounter=", "/discharge/tasks?encounter="} {
		for _, x := range o.list(path + encounter) {
			if x["state"] != "completed" && x["state"] != "cancelled" || x.text("code") == "" {
				found[x.text("patient_id")] = true
			}
		}
	}
	return found
}

// trails are the tables that record what was done, by whom, and what was told.
var trails = []string{
	"admission.access_log", "admission.event_log", "discharge.transition_history", "discharge.task_log", "discharge.event_log",
	"referral.history", "referral.event_log", "notification.ledger", "notification.ledger_link", "notification.event_log",
}

// trail is every row of them, as text.
func trail(t *testing.T, r *rig.Rig, org string) map[string]int {
	t.Helper()
	out := map[string]int{}
	for _, table := range trails {
		rows, err := r.DB.Query(t.Context(), `SELECT to_jsonb(x)::text FROM `+table+` x WHERE org_id = $1`, org)
		if err != nil {
			t.Fatal(err)
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range lines {
			out[table+" "+l]++
		}
	}
	return out
}

// unchanged fails if a row of an earlier trail is gone or different in a later one.
func unchanged(t *testing.T, when string, before, after map[string]int) {
	t.Helper()
	lost := 0
	for line, n := range before {
		if after[line] < n {
			if lost++; lost <= 3 {
				t.Errorf("%s: gone from the trail: %.300s", when, line)
			}
		}
	}
	if lost > 0 {
		t.Errorf("%s: %d rows of the trail are gone or were changed", when, lost)
	}
	if len(after) <= len(before) {
		t.Errorf("%s: the trail did not grow", when)
	}
}

// TestAMergeAndItsInverseKeepWorkAndTrail: random stays of two records, with people's work on both, are merged by
// every trigger there is for it; then the merge is taken back, by hand, or by being told the other way
// round; or somebody tries to with a message that is of links. No task is lost, doubled or changed in anything
// but whose it is, and nothing that was written down is written otherwise.
func TestAMergeAndItsInverseKeepWorkAndTrail(t *testing.T) {
	r := rig.Start(t)
	tenant := r.Tenant("merges")
	o := &office{Tenant: tenant, t: t, liaison: r.Token(tenant.Org, "lia", web.Liaison), auditor: r.Token(tenant.Org, "aud", web.Auditor)}
	var cases []*course.Merge
	for n := range 24 * max(1, setting(t, "TRUTH_CASES", 1000)/1000) {
		cases = append(cases, course.MakeMerge(uint64(setting(t, "TRUTH_SEED", 1)), n, picture.Tag('m', n), time.Now()))
	}
	o.hear(cases, func(m *course.Merge) []course.Message { return m.Messages })
	stays := map[*course.Merge][2]object{}
	for _, m := range cases {
		stays[m] = [2]object{o.stay(m, m.Surviving), o.stay(m, m.Moving)}
		if a, b := stays[m][0].text("patient_id"), stays[m][1].text("patient_id"); a == b {
			t.Fatalf("%s: the two records are one patient from the start", m.Tag)
		}
		o.work(m.Number, stays[m][0].text("id"))
		o.work(m.Number+1, stays[m][1].text("id"))
	}
	r.Noticed(restWithin)
	desks := o.desks(stays)
	before := trail(t, r, tenant.Org.String())

	o.hear(cases, func(m *course.Merge) []course.Message { return []course.Message{m.Told} })
	merged := trail(t, r, tenant.Org.String())
	unchanged(t, "merged", before, merged)
	for _, m := range cases {
		survivor := stays[m][0].text("patient_id")
		o.belong(m, "merged by "+m.Trigger, stays[m], survivor, survivor)
	}
	same(t, "merged", desks, o.desks(stays))

	o.takeBack(cases, stays)
	unchanged(t, "taken back", merged, trail(t, r, tenant.Org.String()))
	for _, m := range cases {
		survivor, retired := stays[m][0].text("patient_id"), stays[m][1].text("patient_id")
		switch m.Back {
		case course.ByHand:
			o.belong(m, "parted by hand", stays[m], survivor, retired)
		case course.OtherWay:
			o.belong(m, "merged the other way round", stays[m], retired, retired)
		case course.Unlink:
			o.belong(m, "unlinked, and merged all the same", stays[m], survivor, survivor)
		}
	}
	same(t, "taken back", desks, o.desks(stays))
	r.Balanced("merges", tenant.Org)
	r.NothingParked(tenant.Org)
}

// takeBack takes every merge back in its way.
func (o *office) takeBack(cases []*course.Merge, stays map[*course.Merge][2]object) {
	o.t.Helper()
	privacy := o.Token(o.Org, "pri", web.Privacy)
	ways := map[string]int{}
	for _, m := range cases {
		ways[m.Back]++
		if m.Back != course.ByHand {
			continue
		}
		path := "/admission/patients/" + stays[m][1].text("patient_id") + "/unmerge"
		if err := o.Call(o.t.Context(), privacy, "POST", path, map[string]any{}, nil); err != nil {
			o.t.Fatalf("%s %s: %v", m.Tag, m.Trigger, err)
		}
	}
	if len(ways) != 3 {
		o.t.Fatalf("merges are taken back in these ways only: %v", ways)
	}
	o.hear(cases, func(m *course.Merge) []course.Message { return m.Untold })
}

// belong checks whose the two stays are, and all that is asked for about them.
func (o *office) belong(m *course.Merge, when string, stays [2]object, patients ...string) {
	o.t.Helper()
	for i, visit := range []string{m.Surviving, m.Moving} {
		if got := o.stay(m, visit).text("patient_id"); got != patients[i] {
			o.t.Errorf("%s %s: visit %s is of patient %s, want %s", m.Tag, when, visit, got, patients[i])
		}
		if got := slices.Collect(maps.Keys(o.whose(stays[i].text("id")))); !slices.Equal(got, []string{patients[i]}) {
			o.t.Errorf("%s %s: what is asked for of visit %s is of patients %v, want %s alone", m.Tag, when, visit, got, patients[i])
		}
	}
}

// hear sends some messages of all cases, and waits until everything is at rest.
func (o *office) hear(cases []*course.Merge, which func(*course.Merge) []course.Message) {
	o.t.Helper()
	var lists [][]rig.Delivery
	for _, m := range cases {
		var list []rig.Delivery
		for _, msg := range which(m) {
			list = append(list, rig.Delivery{Sender: m.Sender, Body: msg.Body})
		}
		lists = append(lists, list)
	}
	ctx, cancel := context.WithTimeout(o.t.Context(), restWithin)
	defer cancel()
	if err := o.Play(ctx, lists); err != nil {
		o.t.Fatal(err)
	}
	o.Noticed(restWithin)
}

func (o *office) desks(stays map[*course.Merge][2]object) map[string][]string {
	out := map[string][]string{}
	for m, pair := range stays {
		out[m.Tag+" "+m.Trigger+", the survivor's stay"] = o.desk(pair[0].text("id"))
		out[m.Tag+" "+m.Trigger+", the stay that moves"] = o.desk(pair[1].text("id"))
	}
	return out
}

func same(t *testing.T, when string, want, got map[string][]string) {
	t.Helper()
	tasks, shown := 0, 0
	for name, lines := range want {
		for _, l := range lines {
			if strings.HasPrefix(l, "task ") {
				tasks++
			}
		}
		if diff := cmp.Diff(lines, got[name]); diff != "" {
			if shown++; shown <= 3 {
				t.Errorf("%s: %s: other work than before: %s", when, name, diff)
			}
		}
	}
	if shown > 0 {
		t.Errorf("%s: %d of %d stays have other work than before", when, shown, len(want))
	}
	if tasks < len(want) {
		t.Errorf("%s: %d tasks of %d stays: the test proves nothing", when, tasks, len(want))
	}
}
