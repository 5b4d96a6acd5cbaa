package auth

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/quicstep/quicstep/server"
)

// FuzzToken: whatever a token is, it is refused for one of the reasons that there are, unless it says what the issuer has
// signed.
func FuzzToken(f *testing.F) {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		f.Fatal(err)
	}
	path := filepath.Join(f.TempDir(), "keys.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o600); err != nil {
		f.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	sign := func(head, payload string) []byte {
		said := encode([]byte(head)) + "." + encode([]byte(payload))
		return []byte(said + "." + encode(ed25519.Sign(key, []byte(said))))
	}
	const claims = `{"iss":"login","aud":"game","sub":"ann","exp":4102444800,"iat":1767225600}`
	good := sign(`{"alg":"EdDSA","typ":"JWT"}`, claims)
	f.Add(good)
	f.Add(sign(`{"alg":"EdDSA","crit":["exp"],"exp":1}`, claims))
	f.Add(sign(`{"alg":"EdDSA","kid":"another"}`, claims))
	f.Add(sign(`{"alg":"EdDSA"}`, `{"iss":"login","aud":["game"],"sub":"bob","exp":1}`))
	f.Add(sign(`{"alg":"EdDSA","jwk":{"kty":"OKP","crv":"Ed25519","x":"AA"}}`, claims))
	f.Add([]byte(encode([]byte(`{"alg":"none"}`)) + "." + encode([]byte(claims)) + "."))
	f.Add([]byte(encode([]byte(`{"alg":"HS256"}`)) + "." + encode([]byte(claims)) + "." + encode(der)))
	f.Add([]byte(`{"payload":"e30","signatures":[{"protected":"e30","signature":"e30"}]}`))
	f.Add([]byte(".."))
	ctx, stop := context.WithCancel(context.Background())
	gate, err := New(ctx, Config{Keys: path, Issuer: "login", Audience: "game", MaxAge: 24 * time.Hour})
	if err != nil {
		f.Fatal(err)
	}
	var reads sync.WaitGroup // the file again, when a token is of a key that is not known
	reads.Go(func() { gate.Run(ctx) })
	f.Cleanup(func() {
		stop()
		reads.Wait()
	})
	if who, err := gate.Admit(ctx, server.Joining{Token: good}); err != nil || who.User != "ann" {
		f.Fatalf("the good token is %+v, %v", who, err)
	}
	f.Fuzz(func(t *testing.T, token []byte) {
		who, err := gate.Admit(ctx, server.Joining{Token: token})
		var denial *server.Denial
		switch {
		case err == nil && (who.User != "ann" || who.Role != "" || who.Room != ""):
			t.Errorf("%q lets in %+v", token, who)
		case err != nil && !errors.As(err, &denial):
			t.Errorf("%q is answered by %v, which is no denial", token, err)
		}
	})
}

// FuzzKeys: whatever a file or an address of keys has, each that is taken is of an algorithm that there is.
func FuzzKeys(f *testing.F) {
	private, public, err := NewKeys()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(private)
	f.Add(public)
	for _, key := range []map[string]any{
		{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": "one", "use": "sig"},
		{"kty": "RSA", "n": "AQAB", "e": "AQAB"}, {"kty": "oct", "k": "AAAA"}, {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
	} {
		b, err := json.Marshal(map[string]any{"keys": []any{key}})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		keys, err := parseKeys(b)
		if err != nil {
			return
		}
		for _, k := range keys {
			known := false
			for _, a := range algorithms {
				known = known || k.algorithm == a
			}
			if !known || k.public == nil {
				t.Errorf("%q has key %+v", b, k)
			}
		}
	})
}
