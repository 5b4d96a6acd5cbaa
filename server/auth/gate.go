package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server"
)

// Config is which tokens are good. Keys, Issuer and Audience are needed.
type Config struct {
	// Keys is where the issuer's public keys are: a file of PEM or JWKS, or the https address of a JWKS; http goes for
	// loopback addresses alone.
	Keys string
	// Issuer is what a token's iss must be, Audience what its aud must contain.
	Issuer, Audience string
	// Leeway is by how much the clocks of issuer and server may differ; zero means 30 s.
	Leeway time.Duration
	// Refresh is how often the keys are read anew; zero means 5 min for an address and 1 s for a file.
	Refresh time.Duration
	// Again is the least time between two readings because a token is of an unknown key; zero means 10 s.
	Again time.Duration
	// FetchTimeout bounds the reading of an address; zero means 4 s, so that it fits into a hello's time.
	FetchTimeout time.Duration
	// MaxAge is for how long keys are good after they were last read, when reading fails; zero means 1 h. Then nobody is
	// let in until it succeeds.
	MaxAge time.Duration
	// MaxUsed bounds the tokens with a jti that are remembered as used, some 100 bytes each; zero means 100,000. While so
	// many are remembered no other one is let in.
	MaxUsed int
	// Log gets what operators want to know; nil drops it. Tokens never get there.
	Log *slog.Logger
	// Transport carries the requests for an address; nil means http.DefaultTransport.
	Transport http.RoundTripper
}

func (c Config) withDefaults() (Config, error) {
	if c.Keys == "" || c.Issuer == "" || c.Audience == "" {
		return c, errors.New("auth: Config.Keys, Config.Issuer and Config.Audience are needed: without them tokens for others would be good here")
	}
	if c.Refresh == 0 && isAddress(c.Keys) {
		c.Refresh = 5 * time.Minute
	}
	for _, f := range []struct {
		name     string
		value    *time.Duration
		standard time.Duration
	}{
		{"Leeway", &c.Leeway, 30 * time.Second}, {"Refresh", &c.Refresh, time.Second}, {"Again", &c.Again, 10 * time.Second},
		{"FetchTimeout", &c.FetchTimeout, 4 * time.Second}, {"MaxAge", &c.MaxAge, time.Hour},
	} {
		if *f.value < 0 {
			return c, fmt.Errorf("auth: Config.%s is %v; it can't be negative, and zero means a default", f.name, *f.value)
		}
		if *f.value == 0 {
			*f.value = f.standard
		}
	}
	if c.MaxUsed < 0 {
		return c, fmt.Errorf("auth: Config.MaxUsed is %d; it can't be negative, and zero means 100,000", c.MaxUsed)
	}
	if c.MaxUsed == 0 {
		c.MaxUsed = 100_000
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// Gate lets in whoever has a good token: a server.Gate.
type Gate struct {
	cfg  Config
	keys *source
	used *used

	once, forever atomic.Uint64 // tokens that let in, with a jti and without
}

// New reads the keys for the first time. The errors say what is wrong with the configuration or with the keys.
func New(ctx context.Context, cfg Config) (*Gate, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	g := &Gate{cfg: cfg, used: newUsed(cfg.MaxUsed)}
	if g.keys, err = newSource(cfg); err != nil {
		return nil, err
	}
	if err := g.keys.read(ctx); err != nil {
		return nil, err
	}
	return g, nil
}

// Run keeps the keys fresh until ctx ends. A Gate that is not run trusts what New has read, for Config.MaxAge.
func (g *Gate) Run(ctx context.Context) { g.keys.run(ctx) }

// Admit verifies the token of somebody who wants to join. The error is a *server.Denial, or says why nothing can be told.
func (g *Gate) Admit(ctx context.Context, j server.Joining) (server.Identity, error) {
	if len(j.Token) == 0 {
		return server.Identity{}, denyNoToken
	}
	payload, err := g.verify(ctx, j.Token)
	if err != nil {
		return server.Identity{}, err
	}
	c, err := parseClaims(payload)
	if err != nil {
		return server.Identity{}, err
	}
	now := time.Now()
	if err := g.cfg.check(c, now); err != nil {
		return server.Identity{}, err
	}
	who, err := c.identity()
	if err != nil {
		return server.Identity{}, err
	}
	if c.ID == "" {
		g.forever.Add(1)
		return who, nil
	}
	if err := g.used.use(c.ID, c.Expiry.Time().Add(g.cfg.Leeway), now); err != nil {
		return server.Identity{}, err
	}
	g.once.Add(1)
	return who, nil
}

// Counts are the gate's own counters, for server.Stats.
func (g *Gate) Counts() map[string]uint64 {
	return map[string]uint64{
		"tokens_for_once": g.once.Load(), "tokens_for_more": g.forever.Load(),
		"keys_read": g.keys.reads.Load(), "keys_not_read": g.keys.failures.Load(),
	}
}

// deny makes a denial; the text says what is wrong and what to do, and repeats nothing of the token.
func deny(name, reason string) *server.Denial {
	if len(reason) > protocol.MaxReason {
		panic("auth: the reason of " + name + " would be cut off")
	}
	return &server.Denial{Name: name, Reason: reason}
}

// The denials, by what is wrong with a token.
var (
	denyNoToken   = deny("no_token", "this server asks for a token: sign in where you get one, and join with it")
	denyMalformed = deny("malformed", "your token is not a signed JWT in its compact form: get a new one, and pass it on whole")
	denyAlgorithm = deny("algorithm", "your token is not signed by EdDSA, ES256 or RS256, which this server asks for: get one from the issuer that it trusts")
	denyKey       = deny("unknown_key", "your token is signed by a key that this server does not know, or not any more: get a new one")
	denyKeyType   = deny("key_type", "your token's signature is not of its key's type: get a new one")
	denySignature = deny("signature", "your token's signature does not fit: get a new one, and pass it on as it is")
	denyIssuer    = deny("issuer", "your token is from another issuer than this server trusts: get one from that")
	denyAudience  = deny("audience", "your token is for another service: get one for this server")
	denyNoExpiry  = deny("no_expiry", "your token does not say when it expires: get one that does")
	denyExpired   = deny("expired", "your token has expired, by this server's clock: get a new one and join again; if it is new, a clock is wrong")
	denyEarly     = deny("not_yet", "your token is not valid yet, by this server's clock: wait a moment; if that does not help, the clock of this server or of the issuer is wrong")
	denyNoUser    = deny("no_user", "your token does not say who you are: get one with a subject")
	denyClaims    = deny("claims", "your token says what can't be: a text in it is too long, or something is of another kind; get a new one")
	denyUsed      = deny("used", "your token has been used, and lets in once: get a new one")
	denyUsedFull  = deny("used_full", "this server remembers as many used tokens as it may: try again later")
)
