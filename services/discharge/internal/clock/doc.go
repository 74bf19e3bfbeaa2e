// Package clock turns a due rule into a due instant, runs the clocks of a stay, and
// says how.
//
// Rules are data (packs/*.yaml, one file for each programme): an id, a version with
// its effective dates, what starts the clock, a length in business days, calendar
// days, hours or midnights, whose stays it is for, what counts as evidence, where the
// rule comes from, and examples that have to come true or the pack is refused. No due
// time in this service is computed anywhere else.
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
//     ([Trace.Check], [Clock.Check]): it carries rule, version, source, trigger, zone,
//     calendar and every step, and following the steps ends at the same instant and
//     the same state.
//   - The version of a rule is the one in force on the local day of its trigger,
//     so loading an old feed applies the rules of its time. A clock that runs keeps
//     its version when a newer one comes, until it is moved or its trigger changes.
//   - The clocks of a stay ([Table.Start], [Table.Judge]) follow from the stay, its
//     tasks and what was recorded, in whatever order these came.
package clock
