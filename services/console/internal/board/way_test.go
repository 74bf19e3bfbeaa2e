package board

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoff-care/handoff/pkg/events"
)

func TestAMessagesWayIsFollowedThroughTheServices(t *testing.T) {
	start := time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	id := func(name string) events.ID { return events.Derive(name) }
	kept, pushed := at(3), at(90)
	w := Follow(t.Context(), Facts{
		Message: id("message"), Received: start, Kept: &kept, Pushed: &pushed,
		Said: []By{
			{"admission", []Said{{id("left"), id("message"), "care.encounter.discharged.v1", at(9)}, {id("earlier"), id("another message"), "care.encounter.admitted.v1", at(-900)}}},
			{"discharge", []Said{
				{id("opened"), id("left"), "care.transition.opened.v1", at(21)}, {id("t1"), id("left"), "care.task.created.v1", at(21)}, {id("t2"), id("left"), "care.task.created.v1", at(22)},
				{id("claim"), events.ID{}, "care.task.assigned.v1", at(60_000)},
			}},
			{"notification", []Said{{id("alert"), id("opened"), "care.alert.raised.v1", at(30)}}},
		},
		Heard: map[events.ID]time.Time{id("left"): at(40), id("opened"): at(55), id("alert"): at(70)},
	})
	ms := func(from, to int) (time.Duration, time.Duration) {
		return time.Duration(from) * time.Millisecond, time.Duration(to) * time.Millisecond
	}
	span := func(who, what string, from, to int) Span {
		a, b := ms(from, to)
		return Span{who, what, a, b}
	}
	want := Way{Total: 90 * time.Millisecond, Spans: []Span{
		span("admission", "Kept safely; the sender is answered", 0, 3),
		span("admission", "encounter discharged", 3, 9),
		span("discharge", "transition opened, task created ×2", 9, 22),
		span("console", "On the pages: what admission said", 9, 40),
		span("notification", "alert raised", 21, 30),
		span("console", "On the pages: what discharge said", 21, 55),
		span("console", "On the pages: what notification said", 30, 70),
		span("console", "Pushed to an open page", 70, 90),
	}}
	if diff := cmp.Diff(want, w); diff != "" {
		t.Error(diff)
	}
}

func TestAMessageThatLedToNothingHasAShortWay(t *testing.T) {
	if w := Follow(t.Context(), Facts{Message: events.NewID(), Received: time.Now()}); len(w.Spans) != 0 || w.Total != 0 {
		t.Errorf("%+v", w)
	}
}
