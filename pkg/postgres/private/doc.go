// Package private runs a PostgreSQL of this program's own, for the start with one
// command.
//
// # What it guarantees
//
//   - What was committed is on disk: fsync and synchronous_commit are on, and a
//     server that was killed recovers from its log at the next start.
//   - One program per data directory. A second start of a running one is refused
//     ([ErrRunning]); a server whose program was killed is stopped first.
//   - Only this user reaches it: there is no TCP port, only a Unix socket in a
//     directory with mode 0700 and a name that stays the same.
//   - The server ends with this process, however that ends (on Linux at once;
//     elsewhere the next start stops what is left), but not by the terminal's
//     Ctrl-C: the program drains first and stops the server last.
//   - A server that ends by itself is reported by [Server.Done] and [Server.Err].
//   - Nothing a statement says reaches the server's log: rows hold patients.
//
// # Where the programs come from
//
// PG_BIN, then PATH, then where packages put them; version 15 or later, and for
// an existing data directory exactly its version. Then an earlier download. With
// leave of the user ([Options].Fetch or Ask) a pinned npm package, checked against
// its sha512. On Debian as root the distribution's own package, without the
// server that it would start. Otherwise the error says what to install.
//
// # Where the data is
//
// In Options.Dir/pg<major>. PostgreSQL refuses to run as root, so root starts it
// as the user postgres, or nobody; where that user cannot reach Dir, the data goes
// to /var/tmp and Dir/pg<major> is a link to it.
package private
