package auth

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
	"github.com/go-jose/go-jose/v4/jwt"
	"golang.org/x/text/unicode/norm"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/world"
)

// algorithms are those that a token may be signed by. A key goes with one of them, whatever a token says.
var algorithms = []jose.SignatureAlgorithm{jose.EdDSA, jose.ES256, jose.RS256}

// maxID bounds a token's jti, in bytes.
const maxID = 255

// verify returns what the token says, once a key that the server trusts has signed it.
func (g *Gate) verify(ctx context.Context, token []byte) ([]byte, error) {
	signed, err := jose.ParseSignedCompact(string(token), algorithms)
	var other *jose.ErrUnexpectedSignatureAlgorithm
	switch {
	case errors.As(err, &other):
		return nil, denyAlgorithm
	case err != nil || len(signed.Signatures) != 1:
		return nil, denyMalformed
	}
	head := signed.Signatures[0].Header
	id, algorithm := head.KeyID, jose.SignatureAlgorithm(head.Algorithm)
	payload, denial, err := g.try(signed, id, algorithm)
	if err != nil || denial == nil {
		return payload, err
	}
	// The key may be new. Of a token that names none, nobody knows whether it is.
	if denial == denyKey || id == "" && denial == denySignature {
		if g.keys.again(ctx) {
			payload, denial, err = g.try(signed, id, algorithm)
		}
		if err == nil {
			err = ctx.Err()
		}
	}
	if err == nil && denial != nil {
		err = denial
	}
	return payload, err
}

// try holds a token against the keys that are there now.
func (g *Gate) try(signed *jose.JSONWebSignature, id string, algorithm jose.SignatureAlgorithm) ([]byte, *server.Denial, error) {
	keys, err := g.keys.current(time.Now())
	if err != nil {
		return nil, nil, err
	}
	denial := denyKey
	for _, k := range keys {
		if id != "" && k.id != "" && k.id != id {
			continue
		}
		if k.algorithm != algorithm {
			if denial == denyKey && k.id == id && id != "" {
				denial = denyKeyType
			}
			continue
		}
		payload, err := signed.Verify(k.public)
		if err == nil {
			return payload, nil, nil
		}
		denial = denySignature
	}
	return nil, denial, nil
}

// claims are what a token may say.
type claims struct {
	jwt.Claims
	Room string `json:"room,omitempty"`
	Role string `json:"role,omitempty"`
	Game string `json:"game,omitempty"`
}

// parseClaims reads what a token says, whose signature is good.
func parseClaims(payload []byte) (c claims, err error) {
	if json.Unmarshal(payload, &c) != nil {
		return claims{}, denyClaims
	}
	return c, nil
}

// check holds claims against the configuration and the clock.
func (c Config) check(of claims, now time.Time) error {
	switch {
	case of.Issuer != c.Issuer:
		return denyIssuer
	case !of.Audience.Contains(c.Audience):
		return denyAudience
	case of.Expiry == nil:
		return denyNoExpiry
	case !now.Before(of.Expiry.Time().Add(c.Leeway)):
		return denyExpired
	case of.NotBefore != nil && now.Add(c.Leeway).Before(of.NotBefore.Time()):
		return denyEarly
	case of.IssuedAt != nil && now.Add(c.Leeway).Before(of.IssuedAt.Time()):
		return denyEarly
	case len(of.ID) > maxID:
		return denyClaims
	}
	return nil
}

// identity is who the claims say it is. Texts that look the same are the same (NFC), so that a ban holds for all of them.
func (c *claims) identity() (server.Identity, error) {
	who := server.Identity{User: norm.NFC.String(c.Subject), Role: norm.NFC.String(c.Role), Room: c.Room, Game: c.Game}
	if who.User == "" {
		return server.Identity{}, denyNoUser
	}
	for _, text := range []struct {
		value string
		most  int
	}{{who.User, world.MaxUser}, {who.Role, world.MaxRole}, {who.Room, protocol.MaxGameName}, {who.Game, protocol.MaxGameName}} {
		if len(text.value) > text.most || strings.ContainsFunc(text.value, unprintable) || strings.TrimSpace(text.value) != text.value {
			return server.Identity{}, denyClaims
		}
	}
	return who, nil
}

func unprintable(r rune) bool { return r == unicode.ReplacementChar || !unicode.IsPrint(r) }
