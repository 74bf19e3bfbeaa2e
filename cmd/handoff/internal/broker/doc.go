// Package broker runs the NATS server of the one-command start, with JetStream on disk.
//
// Guarantee: what JetStream acknowledged is on disk, fsynced: the default of two minutes between
// fsyncs lost every message of that time in a simulated power cut. A service's user may publish
// the service's own facts and no other's. The store stays below a limit taken from the disk, because
// a full disk is not healed until the server restarts. The store holds nothing that cannot be made
// again: it may be deleted while the server is down.
//
// The server listens on nothing unless asked; this process reaches it over a pipe. This is the only
// package of the project that links the server.
package broker
