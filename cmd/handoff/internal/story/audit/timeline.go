package audit

import (
	"context"
	"errors"
	"sync"
)

// timelines: I6. What was told of a stay has versions 1..n without a gap, and so has its transition.
// They are many: each is looked at once, when everything else holds.
func (a *Audit) timelines(ctx context.Context, w *world) error {
	if len(a.findings) > 0 {
		return nil
	}
	type page struct {
		Timeline []version `json:"timeline"`
		Items    []version `json:"items"`
	}
	type look struct{ service, path, what string }
	var todo []look
	for visit, list := range w.encounters {
		todo = append(todo, look{"admission", "/encounters/" + list[0].ID + "/history", "stay " + visit})
		for _, t := range w.transitions[list[0].ID] {
			todo = append(todo, look{"discharge", "/transitions/" + t.ID + "/history", "the transition of stay " + visit})
		}
	}
	errs := make([]error, len(todo))
	gaps := make([]int, len(todo))
	var wg sync.WaitGroup
	next := make(chan int)
	for range 4 {
		wg.Go(func() {
			for i := range next {
				var p page
				errs[i] = a.auditor.Get(ctx, todo[i].service, todo[i].path, &p)
				gaps[i] = gap(append(p.Timeline, p.Items...))
			}
		})
	}
	for i := range todo {
		next <- i
	}
	close(next)
	wg.Wait()
	for i, at := range gaps {
		if errs[i] == nil && at != 0 {
			a.find("%s: what was told has no version %d, or not in its place", todo[i].what, at)
		}
	}
	return errors.Join(errs...)
}

type version struct {
	Version int `json:"version"`
}

// gap is the first version that is not where it should be; 0 where all are.
func gap(list []version) int {
	if len(list) == 0 {
		return 1
	}
	for i, v := range list {
		if v.Version != i+1 {
			return i + 1
		}
	}
	return 0
}
