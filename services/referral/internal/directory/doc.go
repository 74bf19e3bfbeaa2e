// Package directory is what is known of providers: how one is described, checked, and read from CSV.
//
// Guarantee: a Provider that passed Check can be matched as it says; reading a CSV file never fails
// as a whole for a bad line: each bad line is named with its number and what is wrong, and every
// good line is kept. A line says only what its columns say: what a column does not exist for, or an
// empty cell, leaves a provider already known as it was; a single "-" clears it.
package directory
