// Package web is the HTTP chassis of every service: who is asking (Principal), what they may do
// (Allow), JSON APIs (Router), errors (problem+json), pages, limits, server-sent events.
//
// Guarantee: a route is reachable only with a permission that its table row names; a route without
// one is refused at start. Errors say what the caller may know and nothing else. Every request is
// bounded in size and time.
package web
