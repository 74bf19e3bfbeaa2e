// Package telemetry is how a program is watched: structured logs with trace ids, Prometheus metrics
// in a registry of its own, OpenTelemetry traces configured by the standard OTEL_* variables.
//
// Guarantee (G8): a log attribute is written only if its key is on the list in log.go; phi values
// print as "[phi]". Metric labels are service, stream, type, code, state - never a person.
package telemetry
