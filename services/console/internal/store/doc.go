// Package store is the console's schema: the read model and the sessions. It is the only place of
// the console with SQL.
//
// Guarantee: a row is written from the newest fact about it (by the producer's version), so facts may
// be repeated and batches handled again without changing the result; nothing in it names a patient.
// Reads see one organization, by row-level security; Save, touches and sessions are the system's.
package store
