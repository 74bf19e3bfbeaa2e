// Package postgres is a service's only door to its schema.
//
// # What it guarantees
//
//   - A service sees its own schema and nothing else. Its two roles,
//     handoff_<service> and handoff_<service>_system, own nothing, may use that
//     one schema, are not superusers and do not bypass row-level security. What
//     the schema holds belongs to handoff_<service>_owner, which nobody logs in as.
//   - Inside [DB.Tx] only rows of one organization exist: reading finds no
//     others, writing others is refused by the database. Without an organization
//     no row exists at all. The organization ends with the transaction, so a
//     pooled connection never carries it to the next user.
//   - [DB.SystemTx] crosses organizations, for the work that has none: relays,
//     consumers, timers. It does so by a policy, never by bypassing one.
//   - [Migrate] may be called by any number of processes at once; each migration
//     runs once, and every table is secured before Migrate returns.
//   - A transaction commits or rolls back as a whole; a panic inside it rolls
//     back and goes on. An error from the commit itself may mean "in doubt":
//     the connection broke while the server was committing.
//   - No statement, lock wait or idle transaction lasts for ever; see [Options].
//
// # How a schema is secured
//
// After the migrations [Secure] goes over the schema, and may do so any number
// of times:
//
//   - a table with the column org_id gets row-level security, enabled and forced:
//     the service's role sees the rows of its organization, the system role all.
//     org_id must be uuid not null;
//   - a table without org_id (leases, positions) is the system role's alone;
//   - a migration that grants something on a table to a role has decided for that
//     table and role: Secure then adds nothing. "grant select, insert on access to
//     handoff_admission" makes a table append-only;
//   - a view must be security_invoker, or Secure refuses the schema: a view runs
//     as its owner otherwise, past every policy.
//
// A migration runs as the owner and sees all rows. It names tables without a
// schema: the search path is the service's own schema only.
package postgres
