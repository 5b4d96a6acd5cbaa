package auth

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
)

const (
	// maxKeysBytes bounds a file of keys, or the answer of an address.
	maxKeysBytes = 256 << 10
	// maxKeys bounds the keys of one.
	maxKeys = 64
	// minRSABits and maxRSABits bound an RSA key: a weaker one is no protection, and a larger one costs too much.
	minRSABits, maxRSABits = 2048, 8192
)

// key is one that tokens may be signed with.
type key struct {
	id        string // empty goes with any token
	algorithm jose.SignatureAlgorithm
	public    any
}

// parseKeys reads keys of PEM or JWKS. What is for something else is passed over; the error says why none is left.
func parseKeys(b []byte) ([]key, error) {
	if len(bytes.TrimSpace(b)) == 0 {
		return nil, errors.New("there is nothing in it")
	}
	if bytes.HasPrefix(bytes.TrimSpace(b), []byte("{")) {
		return parseJWKS(b)
	}
	return parsePEM(b)
}

// errPrivate keeps private keys where they belong.
var errPrivate = errors.New("it holds a private key, which is for the issuer alone: give the server the public one")

func parsePEM(b []byte) (keys []key, err error) {
	for {
		var block *pem.Block
		if block, b = pem.Decode(b); block == nil {
			break
		}
		if strings.Contains(block.Type, "PRIVATE KEY") {
			return nil, errPrivate
		}
		if block.Type != "PUBLIC KEY" {
			return nil, fmt.Errorf("it holds a %q: write public keys as PUBLIC KEY, as openssl pkey -pubout does", block.Type)
		}
		public, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("a public key in it can't be read: %w", err)
		}
		k, err := newKey("", public)
		if err != nil {
			return nil, err
		}
		if keys = append(keys, k); len(keys) > maxKeys {
			return nil, fmt.Errorf("it holds more than %d keys", maxKeys)
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("it holds no public key: PEM and JWKS are read")
	}
	return keys, nil
}

func parseJWKS(b []byte) (keys []key, err error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(b, &set); err != nil {
		return nil, fmt.Errorf("it is no JWKS: %w", err)
	}
	if len(set.Keys) > maxKeys {
		return nil, fmt.Errorf("it holds %d keys, at most %d are read", len(set.Keys), maxKeys)
	}
	why := errors.New("there are none")
	for _, raw := range set.Keys {
		var one jose.JSONWebKey
		if err := one.UnmarshalJSON(raw); err != nil {
			why = err
			continue
		}
		if _, symmetric := one.Key.([]byte); symmetric || !one.IsPublic() {
			return nil, errPrivate
		}
		if one.Use != "" && one.Use != "sig" {
			why = fmt.Errorf("a key is for %q", one.Use)
			continue
		}
		k, err := newKey(one.KeyID, one.Key)
		if err == nil && one.Algorithm != "" && one.Algorithm != string(k.algorithm) {
			err = fmt.Errorf("a key is for %q, of %v", one.Algorithm, algorithms)
		}
		if err != nil {
			why = err
			continue
		}
		keys = append(keys, k)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("it holds no key that can be used: %w", why)
	}
	return keys, nil
}

// newKey finds the algorithm that goes with a key.
func newKey(id string, public any) (key, error) {
	switch k := public.(type) {
	case ed25519.PublicKey:
		return key{id, jose.EdDSA, k}, nil
	case *ecdsa.PublicKey:
		if k.Curve != elliptic.P256() {
			return key{}, fmt.Errorf("an ECDSA key is of curve %s: P-256 is taken", k.Curve.Params().Name)
		}
		return key{id, jose.ES256, k}, nil
	case *rsa.PublicKey:
		if bits := k.N.BitLen(); bits < minRSABits || bits > maxRSABits {
			return key{}, fmt.Errorf("an RSA key has %d bits: %d to %d are taken", bits, minRSABits, maxRSABits)
		}
		return key{id, jose.RS256, k}, nil
	}
	return key{}, fmt.Errorf("a key is of another type (%T): Ed25519, ECDSA with P-256 and RSA are taken", public)
}
