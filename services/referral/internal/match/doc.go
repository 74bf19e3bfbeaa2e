// Package match finds who could be the next caregiver: hard filters, then an order, each with its
// reasons. It is pure and makes no allocation per provider.
//
// Guarantee: every active or inactive provider of the directory is either a candidate or excluded,
// never both; each candidate has the reasons for its place and each excluded provider all reasons
// against it (past 500, those of another licence or area are only counted). What is not known of the
// patient excludes nobody, and neither does what a provider has not stated; both are said among the
// reasons.
//
// Order. Candidates are ordered by, first to last: home in the provider's own ZIP3; language spoken
// by staff, then by an interpreter; places known to be free; overall rating, unrated counting as 2.5
// of 5. Ties are broken by a hash of the referral and the provider, so that no provider comes first by its
// name, its age in the directory or its contract, and over many patients equals come first equally
// often (42 CFR 482.43(c): the list is presented without steering). Agreements admit by their
// dates; they never raise a rank.
package match
