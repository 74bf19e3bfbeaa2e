// Package web is the console's pages: server-rendered, live by server-sent events.
//
// Guarantee: every route but the login and the static files needs a signed-in person whose role
// allows it (Routes is the table); nothing with anything about a patient may be stored by a cache;
// no script or style runs that is not one of the embedded files; a request that another site makes
// changes nothing. Whatever a person does is done by the service that owns it, with the person's own
// token; the console changes nothing but sessions itself. Names are asked of admission with that
// token, shown, and forgotten.
package web
