// Package events is the vocabulary of handoff: the facts that services tell each other, one Go type
// per fact, one subject per type.
//
// Guarantee: a fact is a past-tense value with a stable name (Type) and a key (Key). Facts with one
// key from one producer are numbered 1..n without a gap (Version) and every consumer handles them in
// that order. Facts of different producers may arrive in either order. On the wire an event is a
// CloudEvents 1.0 JSON document; the bytes in the producer's log are the bytes on the stream. Fields
// are only ever added, and optional; any other change is a new type beside the old one, and every
// version ever published decodes for ever (testdata holds one golden document of each).
//
// Documents are written and read by code made from the declarations (codec.go has its guarantee); who
// adds a fact or a field runs `make generate`.
//
// Events carry opaque ids, codes, times, age, sex, ZIP3, language and payer code - never a name, an
// identifier, an address, a phone number or free text (G8).
//
// Three times are never mixed: Occurred (in the world), Sent (MSH-7, in the snapshot that needs it),
// Received (when the frame that started it all was complete at our door).
//
// The package imports the standard library only.
package events
