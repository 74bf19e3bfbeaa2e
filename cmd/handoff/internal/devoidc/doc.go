// Package devoidc is an OpenID provider for development: a page of personas instead of passwords.
//
// Guarantee: it answers only requests that come over loopback, are made to a loopback name, and are
// sent back to a loopback address; anything else is refused. A code is given out for a PKCE S256
// challenge, works once, for a minute, and only for the address it was asked from. Its tokens name
// the development issuer, which production does not accept.
package devoidc
