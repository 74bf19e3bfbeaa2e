// Command discharge runs the discharge service alone.
package main

import (
	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/services/discharge"
)

func main() { run.Main(discharge.Service()) }
