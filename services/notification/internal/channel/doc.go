// Package channel is the roads by which people and programs are told: the console's stream of
// server-sent events, email over SMTP, signed webhooks, and push to people's own devices.
//
// Guarantee: a delivery is tried until it ends in delivered, failed or suppressed, by whichever
// replica holds its lease; every try carries the same Message-ID or webhook-id, so a receiver can
// tell a repetition (at least once, recognisable). Nothing that leaves by email, webhook or push says more
// than what kind of thing it is about and where to look: no name, no identifier, no place.
//
// A webhook or a push goes only to a public address, checked on the very address that is dialled, over TLS,
// without following redirects - unless an operator has allowed a private network.
//
// The stream's order is the table's: a console that comes back with Last-Event-ID gets what it
// missed, from any replica. A slow console slows nobody: each reads at its own pace.
package channel
