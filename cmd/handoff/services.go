package main

import (
	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/services/admission"
	"github.com/handoff-care/handoff/services/console"
	"github.com/handoff-care/handoff/services/discharge"
	"github.com/handoff-care/handoff/services/notification"
	"github.com/handoff-care/handoff/services/referral"
)

// services are what this program is: each services/x/cmd/x lists one of them.
func services() []run.Service {
	return []run.Service{admission.Service(), discharge.Service(), referral.Service(), notification.Service(), console.Service()}
}

func serviceNames() []string {
	var names []string
	for _, s := range services() {
		names = append(names, s.Name)
	}
	return names
}
