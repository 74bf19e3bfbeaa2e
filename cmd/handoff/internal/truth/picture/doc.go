// Package picture says what an organization's services hold, in words that do not depend on the order
// in which its messages came.
//
// # Which equality
//
// Two orders of the same messages are equal when they leave the same picture at rest. A picture is
// every row of every table of every service, as JSON, with two changes:
//
//   - Ids become what they stand for. Most ids are random, or follow from random ones; a stay is "stay
//     NORTHLAKE VN:..." and a task "task tcm-contact of stay ...".
//   - Columns that record the way and not the place are left out: counters of versions, the times of
//     reception and of writing. Each is named in [tables] with the reason.
//
// Whole tables that are history (what was told, done and seen, in the order it was) are left out as
// well, each with its reason. Of rows that end, only those that stand are compared:
//
//   - A transition that is cancelled, a task that is closed, a referral that was recalled and an alert
//     that is resolved exist where the wrong picture was once believed, and not where it was never
//     seen. That is right: what was never believed needs no correction. What must be equal is what asks
//     for somebody's work or attention: current transitions, open tasks, standing referrals and open
//     alert threads, with everything they say.
//
//   - What was told and does not stand must have been taken back to everybody it was told to. That is no
//     equality of two orders but a property of each; [Unretracted] checks it.
//
//   - While a stay is only planned for, its transition keeps what a planner acts on and nothing else
//     (services/discharge says so): place, diagnoses and the like are the admission's to compare.
//
//   - A patient is whoever stands for itself, with every name that stands for it, and a stay is known by
//     all the numbers it ever had: whether another number was first heard of as a change, or as a record of
//     its own that was merged later, makes other rows and the same meaning. Other services must name the
//     survivor; a retired one is called so, and differs.
//
//   - What was open when a patient came back, and the day on which it was noticed that nobody ended a stay,
//     are of the moment when that was seen.
//
//   - Whether a task is overdue follows from its due time, which is compared, and from when one looks.
//
//   - How sure a link of two records is, and why, is as of when they were compared: it depends on how
//     common their values were then. What was stated or decided is compared, and who is one person.
//
// A table or column that is not known here is compared like any other; a table that cannot be given to
// a case is an error. So nothing is left out by being new.
package picture
