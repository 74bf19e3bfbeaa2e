// Package population makes patients whose truth is known, to measure the linking of patients by.
//
// Guarantee: the same Options give the same Population. Nothing here reads the matcher's model, its
// nickname list or its levels, and nothing there reads this: what a registrar may get wrong is
// written down here from the outside. Common names are those everybody knows, with frequencies that
// fall as those of real names do; behind them is a long tail of made-up ones.
//
// People live in households (couples, children, twins, fathers and sons of one name) and are
// registered by several hospitals, each time a little differently: nicknames, slips of the hand,
// swapped names and days, maiden names, moves, new telephones, values that nobody asked for.
package population
