package cli

import (
	"fmt"

	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/server/auth"
)

// authFlags say who may join.
type authFlags struct {
	AuthKeys     string `help:"Let in who has a token that one of these public keys has signed: a file of PEM or JWKS, or the https address of a JWKS." placeholder:"FILE|URL" group:"auth"`
	AuthIssuer   string `help:"The issuer that tokens must be of." default:"quicstep" placeholder:"ISSUER" group:"auth"`
	AuthAudience string `help:"The audience that tokens must be for." default:"quicstep" placeholder:"AUDIENCE" group:"auth"`
	Auth         string `help:"none lets anybody join, with a certificate, too: for development." placeholder:"none" group:"auth"`
}

// check refuses flags that don't go together.
func (f *authFlags) check() error {
	switch {
	case f.Auth != "" && f.Auth != "none":
		return usagef("--auth is %q; none is possible, or give --auth-keys", f.Auth)
	case f.Auth == "none" && f.AuthKeys != "":
		return usagef("--auth none lets anybody join, and --auth-keys those with a token: give one of them")
	case f.AuthKeys != "" && (f.AuthIssuer == "" || f.AuthAudience == ""):
		return usagef("--auth-keys needs --auth-issuer and --auth-audience: tokens for others would be good here")
	}
	return nil
}

// gate reads the keys, if there are any, and puts the gate into the server's configuration.
func (c *serveCmd) gate(a *app, cfg *server.Config) (*auth.Gate, error) {
	if c.AuthKeys == "" {
		cfg.AnyoneMayJoin = c.Auth == "none"
		return nil, nil
	}
	if c.Bots > 0 {
		return nil, usagef("--bots play in this process without a token: start them with %s bots and --token-key", a.Name)
	}
	gate, err := auth.New(a.ctx, auth.Config{Keys: c.AuthKeys, Issuer: c.AuthIssuer, Audience: c.AuthAudience, Log: cfg.Log})
	if err != nil {
		return nil, usagef("--auth-keys: %w", err)
	}
	cfg.Gate = gate
	return gate, nil
}

// warnOfNobody says loudly that nobody is asked who it is, where others than this machine may come or that was asked for.
func warnOfNobody(a *app, cfg server.Config) {
	if cfg.Gate != nil || cfg.CertificateFile == "" && !cfg.AllowPublicDevelopment && !cfg.AnyoneMayJoin {
		return
	}
	cfg.Log.Warn("anybody may join: players are not asked for a token", "flag", "--auth-keys")
	fmt.Fprintln(a.Stdout, "WARNING: ANYBODY MAY JOIN: nobody is asked for a token; --auth-keys asks for one")
}
