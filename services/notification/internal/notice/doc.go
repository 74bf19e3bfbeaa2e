// Package notice decides what is said, once, about what happened: which facts raise an alert, which
// only correct or close one, and how its thread moves from raised to acknowledged to resolved.
//
// Guarantee: one thread per episode and kind of cause. A thread's id follows from its cause, so the
// same fact heard twice finds the alert it made. A later trigger folds into the thread while nobody
// has acknowledged it; an acknowledgement is never undone. What an alert said and no longer holds is
// corrected on its own thread to everyone who was told. Facts that arrive a day late raise nothing of
// their own: one digest per facility and hour counts them.
//
// The package is pure: facts, alerts and the time come in; changes come out.
package notice
