package fault

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestTheCauseStaysInside(t *testing.T) {
	err := fmt.Errorf("while saving: %w", Wrap(Conflict, errors.New("secret detail"), "somebody was first"))
	if Public(err) != "somebody was first" || KindOf(err) != Conflict {
		t.Errorf("%q, %q", Public(err), KindOf(err))
	}
	if !strings.Contains(err.Error(), "secret detail") {
		t.Error("the operator does not see the cause")
	}
}

func TestUnknownErrorsAreInternalAndSaySoKindly(t *testing.T) {
	if err := errors.New("pq: relation does not exist"); KindOf(err) != Internal || strings.Contains(Public(err), "relation") {
		t.Errorf("%q, %q", KindOf(err), Public(err))
	}
	if KindOf(nil) != "" {
		t.Error("no error has a kind")
	}
}
