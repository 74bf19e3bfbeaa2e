// Command notification runs the notification service alone.
package main

import (
	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/services/notification"
)

func main() { run.Main(notification.Service()) }
