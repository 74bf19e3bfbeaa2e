// Package faults shows that the guarantees hold while programs die (G7): under load, with two of
// every service, a seeded nemesis kills them, the broker and the database at any instant, and holds
// services still for longer than their leases last; then everything is healed and compared, through the public APIs alone, with a ledger of what was sent
// and answered.
//
// The tests run a short version in both modes. By hand:
//
//	FAULTS_FOR=10m FAULTS_SEED=7 make chaos
//	make powercut
//
// The seed decides whom the nemesis strikes, how and after how long; the load's seed is the same.
// What the machine does in between it does not repeat.
//
// The power cut needs root, losetup, mkfs.ext4 and mount: PostgreSQL's and JetStream's files are on
// a file system in an image. Every process is stopped, so that the copy of the image is of one
// moment; what nobody had synced is not in it. Where that cannot be done the test fails and says so.
package faults
