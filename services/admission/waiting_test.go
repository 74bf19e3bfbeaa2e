package admission

import (
	"context"
	"testing"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/admission/internal/store"
)

// What waits to be compared is counted and has an age, whoever should compare it.
func TestPatientsThatWaitToBeComparedAreCounted(t *testing.T) {
	db := testDB(t)
	waits := &store.Store{DB: db}
	ctx := context.Background()
	if n, oldest, err := waits.Uncompared(ctx); err != nil || n != 0 || oldest != nil {
		t.Fatalf("%d since %v: %v", n, oldest, err)
	}
	org, patient := events.NewID(), events.NewID()
	_, err := db.System.Exec(ctx, `INSERT INTO linkage_due (org_id, patient_id, regroup, since) VALUES ($1, $2, false, now() - interval '1 hour'), ($1, $2, false, now())`, org, patient)
	if err != nil {
		t.Fatal(err)
	}
	n, oldest, err := waits.Uncompared(ctx)
	if err != nil || n != 2 || oldest == nil || time.Since(*oldest) < time.Hour {
		t.Errorf("%d since %v: %v", n, oldest, err)
	}
}
