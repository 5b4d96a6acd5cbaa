// Package auth lets players in who have a token: a JSON Web Token (RFC 7519) that an issuer whom the server trusts has
// signed. New makes a Gate for server.Config.Gate, and its Run keeps the keys fresh, of a file or a JWKS address. Issue makes
// tokens for development. docs/operating.md says what operators do with it, under Who may join.
//
// Read gate.go first, then verify.go: what a token must be like.
package auth
