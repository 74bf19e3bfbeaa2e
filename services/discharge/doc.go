// Package discharge is the transition of care: from the moment a stay begins it
// plans, and the moment it ends the follow-up that good care and regulation ask for
// exists as tasks, with owners, due times and reasons.
//
// Guarantee (G4): a finished stay that opens a transition, as contract.md has it,
// has exactly one current transition with exactly the tasks its protocols say; one
// that does not has no open follow-up task. It follows the stay through every
// correction, in whatever order the news arrives, and never throws away what people
// did. Tasks fall due by timers on the database's clock, never early.
//
// A person who comes back to any hospital within 30 days of a discharge is noticed at
// the arrival, once for each discharge and arrival, whatever order the news comes in and
// whichever facility's record it is under; what proves to be none is taken back, and an
// admission ends the transition for as long as it stands.
//
// No name, identifier, address or phone of a patient is kept here. Notes that
// people write on tasks stay in this schema and leave it only by its API.
package discharge
