// Package store keeps transitions, tasks and what is known of deaths and facilities
// in the discharge schema. It is the only place of this service with SQL.
//
// What it promises: everything a batch touches is loaded and saved set-wise, in one
// round trip each, however many encounters it holds. Load locks the transitions it
// finds until the transaction ends, in the order of their encounters; tasks are
// changed only under that lock. Rows come back exactly as they were saved.
package store
