// Command admission runs the admission service on its own.
package main

import (
	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/services/admission"
)

func main() { run.Main(admission.Service()) }
