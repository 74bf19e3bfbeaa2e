// Package referral is the service that finds and confirms the next caregiver.
//
// Guarantee: an active transition has exactly one referral that stands for each of its needs, ranked
// from the organization's directory with every reason; when the need goes away the referral is recalled
// and everybody asked is told, unless the person has arrived. One acceptance wins, whoever asks at
// the same time. An arrival is confirmed by the receiving facility's own admission of the same
// person, in whatever order acceptance, admission and link are heard of. Everything that happened to
// a referral stays readable.
//
// It hears discharge (transitions) and admission (stays, persons, facilities), and announces the
// facts of events/referral.go. It knows patients by opaque ids and codes only.
package referral
