// Package protocol decides which tasks a finished stay needs.
//
// Protocols are data (shipped/*.yaml): each has a version with its effective
// dates, a CEL condition over the stay, and tasks, each with an owner role, a due
// rule of package clock, a priority, instructions and its source.
//
// What it promises:
//
//   - [Set.Plan] is pure: the same stay, set, zone and calendar give the same plan,
//     its tasks in the same order.
//   - A stay that is not an emergency visit gets exactly one base protocol and from
//     it at least one task ([Load] refuses a set that could break this), then every
//     add-on that applies. An emergency visit gets every emergency protocol that
//     applies, and an empty plan where none does.
//   - A code occurs once in a plan. Where several protocols ask for it, the earliest
//     due and the highest priority win, and the task names them all.
//   - The version of a protocol is the one in force on the local day of discharge.
//
// Beside the protocols stand cases (*_test.yaml): a stay, and the tasks it is expected
// to get. [Set.Test] runs them; a case does not see what other files than its own and
// the shipped ones add. A condition may use only what gives an answer for every
// stay, and a text in it must be one that its variable can be: [Load] refuses others.
//
// Conditions are compiled once, by [Load]. A [Set] is immutable and safe for
// concurrent use; planning a discharge takes tens of microseconds.
package protocol
