package auth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Grant is what Issue puts into a token.
type Grant struct {
	// Issuer, Audience and User are needed: what Config has, and who it is for.
	Issuer, Audience, User string
	// Role, Room and Game are as in server.Identity; empty says nothing.
	Role, Room, Game string
	// Issued is now; Expires after that time, which must be more than zero.
	Issued  time.Time
	Expires time.Duration
	// Once has it let in one time alone.
	Once bool
}

// Issue makes a token, for development and tests: players of a real game get theirs where they sign in.
func Issue(private crypto.Signer, g Grant) (string, error) {
	if g.Issuer == "" || g.Audience == "" || g.User == "" || g.Expires <= 0 {
		return "", errors.New("auth: a token needs an issuer, an audience, a user, and a time above zero after which it expires")
	}
	k, err := newKey("", private.Public())
	if err != nil {
		return "", fmt.Errorf("auth: %w", err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: k.algorithm, Key: private}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", fmt.Errorf("auth: sign a token: %w", err)
	}
	c := claims{
		Claims: jwt.Claims{
			Issuer: g.Issuer, Audience: jwt.Audience{g.Audience}, Subject: g.User,
			IssuedAt: jwt.NewNumericDate(g.Issued), Expiry: jwt.NewNumericDate(g.Issued.Add(g.Expires)),
		},
		Room: g.Room, Role: g.Role, Game: g.Game,
	}
	if _, err := c.identity(); err != nil {
		return "", errors.New("auth: no server would take that user, role, room or game: write plain text, not too long")
	}
	if g.Once {
		var id [16]byte
		rand.Read(id[:]) // never fails
		c.ID = hex.EncodeToString(id[:])
	}
	token, err := jwt.Signed(signer).Claims(c).Serialize()
	if err != nil {
		return "", fmt.Errorf("auth: sign a token: %w", err)
	}
	return token, nil
}

// NewKeys makes a pair of Ed25519 keys as PEM: the private one to issue tokens with, the public one for servers.
func NewKeys() (private, public []byte, err error) {
	open, secret, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("auth: make keys: %w", err)
	}
	for _, part := range []struct {
		to     *[]byte
		kind   string
		encode func() ([]byte, error)
	}{
		{&private, "PRIVATE KEY", func() ([]byte, error) { return x509.MarshalPKCS8PrivateKey(secret) }},
		{&public, "PUBLIC KEY", func() ([]byte, error) { return x509.MarshalPKIXPublicKey(open) }},
	} {
		b, err := part.encode()
		if err != nil {
			return nil, nil, fmt.Errorf("auth: write keys: %w", err)
		}
		*part.to = pem.EncodeToMemory(&pem.Block{Type: part.kind, Bytes: b})
	}
	return private, public, nil
}

// ParsePrivateKey reads a private key of PEM (PKCS #8): Ed25519, ECDSA with P-256, or RSA. The error repeats nothing of it.
func ParsePrivateKey(b []byte) (crypto.Signer, error) {
	block, _ := pem.Decode(b)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, errors.New("auth: it is no private key: token keys makes one")
	}
	private, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("auth: the private key can't be read")
	}
	switch k := private.(type) {
	case ed25519.PrivateKey:
		return k, nil
	case *ecdsa.PrivateKey:
		return k, nil
	case *rsa.PrivateKey:
		return k, nil
	}
	return nil, fmt.Errorf("auth: a key of type %T signs no tokens", private)
}
