// Command referral runs the referral service by itself.
package main

import (
	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/services/referral"
)

func main() { run.Main(referral.Service()) }
