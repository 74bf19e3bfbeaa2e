// Package identity says who a patient is: identifiers, demographics and their staleness, links.
//
// Guarantee: Merge depends on the set of statements alone: of each group of values the one that was
// written down last counts, whatever order they arrive in. What was not sent is no information; what
// was sent as deleted is deleted. Identifiers are compared only within one authority and type. A link
// between two patients is a link: neither is changed by it.
package identity
