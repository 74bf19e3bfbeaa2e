// Package linkage decides how likely two patients are one person, from what is known of both.
//
// Guarantee: Score depends on the two profiles, the statistics and the model alone, and not on which
// profile comes first. Every score is the sum of its explanation's parts. What was not said weighs
// nothing. A pair that a veto names is never linked, whatever else agrees.
//
// The model is Fellegi and Sunter's with one addition. Theirs weighs "one person" against "two
// strangers", comparison by comparison, as if agreements were independent. Patients of hospitals are
// often no strangers: twins share all but a first name, a father and son all but a birth date. So
// the other explanation is a mixture (model.json): strangers, two of a household, twins, namesakes of
// a household; each with the odds of every level of every comparison. Of the agreements of
// strangers, those on a value are weighed by how often the organization's patients have that value
// (term frequency): two Zbigniews say more than two Johns.
//
// Keys finds the pairs worth scoring: two patients are compared if they share one of about ten
// digests of well-chosen parts of their profiles. Components makes groups of links.
package linkage
