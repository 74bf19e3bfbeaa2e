// Package audit compares what a system says through its public APIs with what a ledger says was sent
// to it and answered.
//
// What it checks, by the names of the promises:
//
//	I1  every accepted message is there, once, with the same bytes; a refused one had no effect
//	I3  every stay has become what its shape demands, and has the one transition and exactly the
//	    tasks that an undisturbed stay of the same shape had; a cancelled one has no open task
//	I4  every service's laws of conservation balance, and its lists agree with each other
//	I5  every opening raised one alert; nobody was told of one twice
//	    and no key is parked
//
// Guarantee: an empty list of findings means that all of this was looked at and held; what could not
// be read is an error, never a pass. It reads only, as an auditor and an interface engineer would.
package audit
