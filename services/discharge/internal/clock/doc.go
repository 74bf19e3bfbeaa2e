// Package clock turns a due rule into a due instant, and says how.
//
// Rules are data (rules.yaml): an id, a version with its effective dates, what
// starts the clock, a length in business days, calendar days or hours, and where
// the rule comes from. No due time in this service is computed anywhere else.
//
// What it promises:
//
//   - Pure: the trigger, the zone and the calendar come in, a [Trace] comes out.
//     The same arguments give the same trace, for ever.
//   - Rules counted in days are due at the end of the last day in the facility's
//     zone: the next local midnight, exclusive. Day 0 is the local day of the
//     trigger. Rules counted in hours are elapsed time and cross changes of
//     clocks unharmed.
//   - Every trace can be read by a nurse ([Trace.Steps]) and checked by a machine
//     ([Trace.Check]): it carries rule, version, source, trigger, zone and
//     calendar, and from these the same due instant follows again.
//   - The version of a rule is the one in force on the local day of its trigger,
//     so loading an old feed applies the rules of its time.
package clock
