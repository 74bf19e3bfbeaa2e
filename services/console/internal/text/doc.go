// Package text is the one catalogue of what the console says, and says it in the language of whoever reads.
//
// Guarantee: a text is written once, in English, where it is used; en.json lists every one of them and es.json
// holds the Spanish (gather writes the first from the code, `make verify` finds a list that is not current, a
// test finds Spanish of texts that are no more). What is written for patients and families, type Patient, is
// there in every language: a test says so. What a language lacks of the rest is said in English. No page, and
// nothing of the packages page, web and board behind it, and no script says English that the catalogue does not
// hold: tests read the code. Outside of it is only what other services answer.
//
// In a template: { say(ctx, "Nothing is overdue.") }, { say(ctx, "With %s", name) },
// { sayN(ctx, n, "%d task is overdue.", "%d tasks are overdue.") }; in what patients are handed: toPatient and
// toPatientN. Where something is drawn inside a sentence: @saying("Last heard %s", ago(at, ...)). In a script:
// say and sayN, too (static/words.js); package script finds them. A table of words is a map whose values are
// Messages, or Patients: gather finds constants by their type.
package text
