// Package transition decides what becomes of a transition of care and its tasks.
//
// What it promises:
//
//   - Level-triggered: [Rules.Decide] looks at the stay as it is now, the transition
//     and tasks as they are, and gives the difference to what they should be. It
//     does not ask which message brought the change, so any order, repetition or
//     loss of intermediate facts ends in the same transition and the same open
//     tasks, and deciding twice changes nothing the second time.
//   - What should be is the table of contract.md, "What opens a transition", one
//     line of [Rules.want] each.
//   - Work that people did is never thrown away: tasks that a person ended stay as
//     they are, and an open task whose due time moved keeps its owner and attempts.
//   - An encounter has one transition, ever; its id, and those of its tasks, follow
//     from the encounter's. Open tasks of an encounter have distinct codes.
//   - Every change of state is a row of a table ([transitionMoves], [taskMoves]); a
//     move that is in no row is refused with an error.
//   - Pure: time, facts and rows come in, new rows and facts come out.
package transition
