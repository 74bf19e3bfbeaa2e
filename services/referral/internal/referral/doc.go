// Package referral holds the rules of a referral: the search for one next caregiver for one person
// who leaves (or left) a hospital. It is pure: time and people come in as arguments, facts come out.
//
// Guarantee: a referral moves only along the declared table (moves.go). At most one provider's offer
// is accepted at any time, and one is if and only if the referral is accepted, booked, arrived or
// no-show. Every change raises the version by one and leaves one entry; nothing is ever erased from
// a referral that ended, and one that ended in an arrival is never recalled.
package referral
