// Package text is the one catalogue of what the console says, and says it in the language of whoever reads.
//
// Guarantee: a text is written once, in English, where it is used; en.json lists every one of them and es.json
// holds the Spanish (gather writes the first from the code, `make verify` finds a list that is not current, a
// test finds Spanish of texts that are no more). What is written for patients and families, type Patient, is
// there in every language: a test says so. What a language lacks of the rest is said in English. No page, and
// nothing of the packages page and web behind it, says English that the catalogue does not hold: tests read the
// code. Outside of it are still the countdowns and the story of a stay (package board), what a phone says while
// it is not connected (static/queue.js, offline.js, sw.js), and what other services answer.
//
// In a template: { say(ctx, "Nothing is overdue.") }, { say(ctx, "With %s", name) },
// { sayN(ctx, n, "%d task is overdue.", "%d tasks are overdue.") }; in what patients are handed: toPatient and
// toPatientN. Where something is drawn inside a sentence: @saying("Last heard %s", ago(at, ...)). What a script
// says stands in a data attribute. A table of words is a map whose values are Messages, or Patients: gather finds
// constants by their type.
package text
