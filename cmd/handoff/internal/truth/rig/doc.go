// Package rig runs all of handoff inside a test, on a PostgreSQL and a NATS server of its own, with as
// many organizations as the test likes, and says when everything is at rest.
//
// Guarantee: Rest returns when no message waits to be applied, no event to be published or handled, no
// timer to fire, and nothing was parked; or the test fails and says what did not come to rest.
package rig
