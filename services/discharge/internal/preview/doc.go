// Package preview counts what a change of protocols would do to stays that were
// recorded, side by side with what is done today.
//
// What it promises:
//
//   - Nothing comes of it: stays and plans come in, figures go out.
//   - Every stay is counted once, and every task of both plans: in the figures of each
//     code, tasks of today = tasks both have + lost, tasks of the candidate = tasks both
//     have + gained.
//   - Figures of parts, merged in any order, are the figures of the whole.
package preview
