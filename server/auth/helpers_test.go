package auth_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/server/auth"
)

// keys are made once: RSA takes its time.
var keys = sync.OnceValue(func() (k struct {
	ed, otherED    ed25519.PrivateKey
	ec, otherCurve *ecdsa.PrivateKey
	rsa, weak      *rsa.PrivateKey
}) {
	var errs [6]error
	_, k.ed, errs[0] = ed25519.GenerateKey(rand.Reader)
	_, k.otherED, errs[1] = ed25519.GenerateKey(rand.Reader)
	k.ec, errs[2] = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	k.otherCurve, errs[3] = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	k.rsa, errs[4] = rsa.GenerateKey(rand.Reader, 2048)
	k.weak, errs[5] = rsa.GenerateKey(rand.Reader, 1024)
	if err := errors.Join(errs[:]...); err != nil {
		panic(err)
	}
	return k
})

const (
	issuer   = "https://auth.example.com"
	audience = "pong"
)

// pemOf is the public halves of keys.
func pemOf(t *testing.T, keys ...crypto.Signer) []byte {
	t.Helper()
	var out []byte
	for _, k := range keys {
		b, err := x509.MarshalPKIXPublicKey(k.Public())
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: b})...)
	}
	return out
}

// jwks is the public halves of keys by their names.
func jwks(t *testing.T, keys map[string]crypto.Signer) []byte {
	t.Helper()
	var set jose.JSONWebKeySet
	for id, k := range keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{KeyID: id, Key: k.Public(), Use: "sig"})
	}
	b, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// file writes a file of the test's own.
func file(t *testing.T, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// gate makes one of a config, which needs no more than Keys.
func gate(t *testing.T, cfg auth.Config) *auth.Gate {
	t.Helper()
	cfg.Issuer, cfg.Audience = issuer, audience
	g, err := auth.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// says are a token's claims.
type says map[string]any

// good are claims that let in; some are changed, nil takes one away.
func good(changes says) says {
	now := time.Now().Unix()
	out := says{"iss": issuer, "aud": audience, "sub": "ann", "iat": now, "exp": now + 600}
	for name, value := range changes {
		out[name] = value
		if value == nil {
			delete(out, name)
		}
	}
	return out
}

// signed is a token by an algorithm, with a key's name unless that is empty.
func signed(t *testing.T, algorithm jose.SignatureAlgorithm, key any, id string, claims any) []byte {
	t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	options := &jose.SignerOptions{}
	if id != "" {
		options.WithHeader("kid", id)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, options)
	if err != nil {
		t.Fatal(err)
	}
	object, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	token, err := object.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return []byte(token)
}

// unsigned is a token of alg none.
func unsigned(claims any) []byte {
	payload, _ := json.Marshal(claims)
	encode := base64.RawURLEncoding.EncodeToString
	return []byte(encode([]byte(`{"alg":"none"}`)) + "." + encode(payload) + ".")
}

// ask shows a token, and returns the denial's name, empty for none.
func ask(t *testing.T, g *auth.Gate, token []byte) (server.Identity, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	who, err := g.Admit(ctx, server.Joining{Token: token})
	var denial *server.Denial
	switch {
	case err == nil:
		return who, ""
	case !errors.As(err, &denial):
		return who, "undecided: " + err.Error()
	}
	if who != (server.Identity{}) {
		t.Errorf("it is denied as %s, and is %+v all the same", denial.Name, who)
	}
	for part := range strings.SplitSeq(string(token), ".") {
		if len(part) > 4 && strings.Contains(denial.Reason, part) {
			t.Errorf("the denial %q repeats the token", denial.Reason)
		}
	}
	return who, denial.Name
}
