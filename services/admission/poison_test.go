package admission

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/outbox"
	"github.com/handoff-care/handoff/pkg/postgres"
	"github.com/handoff-care/handoff/pkg/postgres/pgtest"
	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/admission/internal/store"
)

// A message that cannot be applied, for whatever fault of ours, is quarantined alone: those before and
// after it are applied, and nothing that names the patient leaves the schema.
func TestPoisonHoldsNobodyUp(t *testing.T) {
	ctx := context.Background()
	url := pgtest.URL(t, Name, postgres.MigrationSet{Name: Name, FS: store.Migrations()}, outbox.Migrations(), web.Migrations())
	admin, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(ctx)
	// The fault: the database refuses one stay.
	if _, err := admin.Exec(ctx, `ALTER TABLE admission.encounter ADD CHECK (visit <> 'V7')`); err != nil {
		t.Fatal(err)
	}
	db, err := postgres.Open(ctx, url, Name, postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	h := startOn(t, db, run.Config{Dev: true, MLLP: "127.0.0.1:0"})
	var list [][]byte
	for i := range 20 {
		list = append(list, adtMessage(fmt.Sprint(i), "A01", "202603021000", fmt.Sprintf("CANARYMRN%d", i), fmt.Sprintf("V%d", i)))
	}
	for _, c := range h.send(list...) {
		if c != "AA" {
			t.Errorf("answered %s", c)
		}
	}
	h.settle()
	got := map[outcome]int{}
	for _, o := range h.outcomes() {
		got[o]++
	}
	want := map[outcome]int{
		{State: "applied", Facility: "GENERAL", Copies: 1}:                             19,
		{State: "quarantined", Reason: "cannot-apply", Facility: "GENERAL", Copies: 1}: 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if n := len(h.facts("care.feed.")); n != 1 {
		t.Errorf("operations were told %d times", n)
	}
	h.balanced()
	var out bytes.Buffer
	for _, e := range h.events() {
		doc, err := json.Marshal(e.Fact)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(doc)
	}
	for _, secret := range []string{"Canary", "Nightingale", "CANARYMRN", "Main St", "1950-01-01"} {
		if bytes.Contains(out.Bytes(), []byte(secret)) {
			t.Errorf("%q is in an event", secret)
		}
		if bytes.Contains(h.logged.Bytes(), []byte(secret)) {
			t.Errorf("%q is in the log", secret)
		}
	}
	if len(h.logged.Bytes()) == 0 || out.Len() == 0 {
		t.Error("nothing was logged or announced: the test looks at nothing")
	}
}
