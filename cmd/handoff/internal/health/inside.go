package health

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// silent is how long a feed may say nothing before it is worth a look.
const silent = time.Hour

// feeds finds those that have stopped.
func feeds(ctx context.Context, o Options) []Finding {
	items, err := o.Get(ctx, "admission", "/feeds?limit=500")
	if err != nil {
		return []Finding{{Watch, "feeds", err.Error(), "look at the instance's log"}}
	}
	if len(items) == 0 {
		return []Finding{{Watch, "feeds", "there is none", "add one: handoff feed add NAME --facility CODE"}}
	}
	var list []Finding
	for _, f := range items {
		list = append(list, feed(f, time.Now()))
	}
	return list
}

func feed(f map[string]any, now time.Time) Finding {
	name := fmt.Sprintf("feed %v", f["name"])
	if enabled, ok := f["enabled"].(bool); ok && !enabled {
		return Finding{Fine, name, "switched off", ""}
	}
	text, _ := f["last_received_at"].(string)
	last, err := time.Parse(time.RFC3339, text)
	switch {
	case err != nil:
		return Finding{Watch, name, "has never sent", "send a first message: handoff send --to HOST:PORT FILE"}
	case now.Sub(last) > silent:
		return Finding{Watch, name, "silent for " + now.Sub(last).Round(time.Minute).String(), "ask the sender; messages it kept come by themselves"}
	}
	return Finding{Fine, name, "last message " + now.Sub(last).Round(time.Second).String() + " ago", ""}
}

// backbone finds parked keys, laws that do not balance, and facts that are not published.
func backbone(ctx context.Context, o Options) []Finding {
	var list []Finding
	keys, lost := 0, 0
	for _, service := range o.Services {
		items, err := o.Get(ctx, service, "/parked?limit=500")
		if err != nil {
			list = append(list, Finding{Watch, service, err.Error(), "look at the instance's log"})
			continue
		}
		keys += len(items)
		reconcile, err := o.Get(ctx, service, "/reconcile")
		if err != nil {
			list = append(list, Finding{Watch, service, err.Error(), "look at the instance's log"})
			continue
		}
		for _, r := range reconcile {
			if d := number(r["difference"]); d != 0 {
				lost++
				list = append(list, Finding{Wrong, service + " laws", unbalanced(r), "wait until it is at rest; if it stays, something was lost: keep the data and report it"})
			}
		}
	}
	if keys > 0 {
		list = append(list, Finding{Wrong, "parked keys", fmt.Sprint(keys), "handoff parked list says why; then handoff parked replay"})
	} else {
		list = append(list, Finding{Fine, "parked keys", "none", ""})
	}
	if lost == 0 {
		list = append(list, Finding{Fine, "laws", "all balance", ""})
	}
	return list
}

func unbalanced(reconcile map[string]any) string {
	var texts []string
	laws, _ := reconcile["laws"].([]any)
	for _, l := range laws {
		law, _ := l.(map[string]any)
		if number(law["difference"]) != 0 {
			texts = append(texts, fmt.Sprintf("%v: %v against %v", law["law"], law["left"], law["right"]))
		}
	}
	return strings.Join(texts, "; ")
}
