// Package mllp carries HL7 v2 messages over a byte stream: VT, the message, FS, CR.
//
// Guarantee: a frame is given out whole or not at all. Frames may arrive in any number of reads, several in one; what a
// careless sender does around them is tolerated (no CR after FS, LF, heartbeat bytes, some noise before VT), and what is
// not is a *FrameError that says whether the connection is still in step. Memory per connection is bounded by
// Options.MaxFrame, time inside a frame by Options.InFrame; between frames a connection may be silent for ever.
//
// Reader and WriteFrame are for one goroutine each; a connection's replies go out in order through one writer. Client
// is the sending side: one message in flight, its reply matched by control id.
package mllp
