// Package page is what people see: the templates (templ, compiled), the words, the style and the
// scripts, all embedded.
//
// Guarantee: every text from outside is escaped by its place; nothing is inline, so that the strictest
// content security policy holds; a row of the worklist looks the same whether it comes with the page,
// as the answer to a click or as a push, because one template makes it.
package page
