// Command console runs the console service alone.
package main

import (
	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/services/console"
)

func main() { run.Main(console.Service()) }
