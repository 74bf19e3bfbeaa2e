// Package run turns services into programs. A service is a value (Service), a program is a list of
// them (Main): cmd/handoff lists all five, each services/x/cmd/x lists one, and there is no other
// difference.
//
// Guarantee: services start after their schema is migrated; a program is ready (/readyz) when every
// service in it is. On SIGTERM or Ctrl-C readiness turns false first, then what was started stops
// in reverse order, once, by a deadline; nothing accepted is lost by stopping.
package run
