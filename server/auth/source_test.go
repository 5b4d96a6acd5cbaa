package auth_test

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/server/auth"
)

// address answers for an address, and counts.
type address struct {
	mu     sync.Mutex
	body   []byte
	status int
	err    error
	takes  time.Duration
	asked  int
}

func (a *address) RoundTrip(r *http.Request) (*http.Response, error) {
	a.mu.Lock()
	a.asked++
	body, status, err, takes := a.body, a.status, a.err, a.takes
	a.mu.Unlock()
	select {
	case <-time.After(takes):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	if err != nil {
		return nil, err
	}
	header := http.Header{}
	header.Set("Location", "https://elsewhere.example.com/keys")
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(bytes.NewReader(body)), Request: r}, nil
}

func (a *address) set(change func(*address)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change(a)
}

func (a *address) times() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.asked
}

// run runs a gate until the test's end.
func run(t *testing.T, g *auth.Gate) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		g.Run(ctx)
	}()
	t.Cleanup(func() {
		stop()
		<-ended
	})
}

const keysAt = "https://auth.example.com/keys.json"

// TestKeysRotate at an address: a new one is fetched when a token names it, and the old one is gone then.
func TestKeysRotate(t *testing.T) {
	k := keys()
	synctest.Test(t, func(t *testing.T) {
		at := &address{body: jwks(t, map[string]crypto.Signer{"1": k.ed}), status: 200, takes: time.Second}
		g := gate(t, auth.Config{Keys: keysAt, Transport: at})
		run(t, g)
		first := signed(t, jose.EdDSA, k.ed, "1", good(says{"exp": time.Now().Unix() + 7200}))
		second := signed(t, jose.EdDSA, k.otherED, "2", good(says{"exp": time.Now().Unix() + 7200}))
		want := func(what string, token []byte, denial string, asked int) {
			t.Helper()
			if _, got := ask(t, g, token); got != denial || at.times() != asked {
				t.Errorf("%s is denied as %q after %d fetches, want %q after %d", what, got, at.times(), denial, asked)
			}
		}
		want("the first key", first, "", 1)
		want("an unknown key, just after a fetch", second, "unknown_key", 1)
		time.Sleep(time.Minute)
		want("an unknown key", second, "unknown_key", 2)
		at.set(func(a *address) { a.body = jwks(t, map[string]crypto.Signer{"2": k.otherED}) })
		time.Sleep(9 * time.Second)
		want("a new key, before it may be fetched", second, "unknown_key", 2)
		want("the old one, still trusted", first, "", 2)
		time.Sleep(2 * time.Second)
		var waiting sync.WaitGroup
		for range 20 {
			waiting.Go(func() { want("a new key, with many who ask at once", second, "", 3) })
		}
		waiting.Wait()
		want("the old one, which is gone", first, "unknown_key", 3)
		// Without anybody who asks, the old key is gone with the next regular reading.
		at.set(func(a *address) { a.body = jwks(t, map[string]crypto.Signer{"1": k.ed}) })
		time.Sleep(5*time.Minute + 2*time.Second)
		want("the first, which is back", first, "", 4)
		want("the second, which is gone in its turn and asked for once more", second, "unknown_key", 5)
	})
}

// TestKeysOutliveTheirAddress for a stated time.
func TestKeysOutliveTheirAddress(t *testing.T) {
	k := keys()
	for name, broken := range map[string]func(*address){
		"no answer":     func(a *address) { a.err = errors.New("no route") },
		"hangs":         func(a *address) { a.takes = time.Hour },
		"an error":      func(a *address) { a.status = 500 },
		"another page":  func(a *address) { a.body = []byte("<html>") },
		"no keys":       func(a *address) { a.body = []byte(`{"keys":[]}`) },
		"a redirection": func(a *address) { a.status = 302 },
		"too much":      func(a *address) { a.body = append(bytes.Clone(a.body), bytes.Repeat([]byte(" "), 300<<10)...) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				at := &address{body: jwks(t, map[string]crypto.Signer{"1": k.ed}), status: 200}
				g := gate(t, auth.Config{Keys: keysAt, Transport: at, Log: slog.New(slog.NewTextHandler(&log, nil))})
				run(t, g)
				whole := at.body
				at.set(broken)
				token := signed(t, jose.EdDSA, k.ed, "1", good(says{"exp": time.Now().Unix() + 7200}))
				time.Sleep(59 * time.Minute)
				if _, got := ask(t, g, token); got != "" {
					t.Errorf("after 59 minutes it is denied as %q", got)
				}
				time.Sleep(2 * time.Minute)
				if _, got := ask(t, g, token); !strings.Contains(got, "undecided: the keys of "+keysAt+" were last read 1h1m") {
					t.Errorf("after more than an hour it is denied as %q", got)
				}
				if n := g.Counts()["keys_not_read"]; n < 10 || strings.Count(log.String(), "keys not read") != 1 {
					t.Errorf("%d failures are counted, and logged: %s", n, log.String())
				}
				at.set(func(a *address) { a.body, a.status, a.err, a.takes = whole, 200, nil, 0 })
				time.Sleep(6 * time.Minute)
				if _, got := ask(t, g, token); got != "" {
					t.Errorf("once it answers again it is denied as %q", got)
				}
			})
		})
	}
}

// TestWhoGoesAwayLeavesTheFetch to those who wait for it, too.
func TestWhoGoesAwayLeavesTheFetch(t *testing.T) {
	k := keys()
	synctest.Test(t, func(t *testing.T) {
		at := &address{body: jwks(t, map[string]crypto.Signer{"1": k.ed}), status: 200}
		g := gate(t, auth.Config{Keys: keysAt, Transport: at})
		run(t, g)
		time.Sleep(time.Minute)
		at.set(func(a *address) { a.body, a.takes = jwks(t, map[string]crypto.Signer{"2": k.otherED}), 2*time.Second })
		token := signed(t, jose.EdDSA, k.otherED, "2", good(nil))
		var waiting sync.WaitGroup
		waiting.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			var denial *server.Denial
			if _, err := g.Admit(ctx, server.Joining{Token: token}); err == nil || errors.As(err, &denial) {
				t.Errorf("who goes away is told %v", err)
			}
		})
		waiting.Go(func() {
			if _, got := ask(t, g, token); got != "" {
				t.Errorf("who stays is denied as %q", got)
			}
		})
		waiting.Wait()
		if n := at.times(); n != 2 {
			t.Errorf("the address was asked %d times, want 2", n)
		}
	})
}

// TestAFileIsReadAnew when it changes, and its keys stay while it can't be read.
func TestAFileIsReadAnew(t *testing.T) {
	k := keys()
	path := file(t, pemOf(t, k.ed))
	synctest.Test(t, func(t *testing.T) {
		g := gate(t, auth.Config{Keys: path})
		run(t, g)
		first, second := signed(t, jose.EdDSA, k.ed, "", good(says{"exp": time.Now().Unix() + 7200})), signed(t, jose.ES256, k.ec, "", good(nil))
		want := func(what string, token []byte, denial string) {
			t.Helper()
			if _, got := ask(t, g, token); got != denial {
				t.Errorf("%s is denied as %q, want %q", what, got, denial)
			}
		}
		write := func(b []byte) {
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Second)
		}
		want("the key", first, "")
		write(pemOf(t, k.ec))
		want("the key that is gone", first, "unknown_key")
		want("the new key", second, "")
		write(nil)
		want("the key of a file that is empty now", second, "")
		write(pemOf(t, k.ed))
		want("the key that is back", first, "")
		os.Remove(path)
		time.Sleep(59 * time.Minute)
		want("the key of a file that is gone", first, "")
	})
}

// TestAWeakKeyIsNotTakenLater, when the server runs: the former keys stay, and the log says so once, and why.
func TestAWeakKeyIsNotTakenLater(t *testing.T) {
	k := keys()
	path := file(t, pemOf(t, k.ed))
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		g := gate(t, auth.Config{Keys: path, Log: slog.New(slog.NewTextHandler(&log, nil))})
		run(t, g)
		if err := os.WriteFile(path, pemOf(t, k.weak), 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := strings.Count(log.String(), "level=WARN"); n != 1 || !strings.Contains(log.String(), "1024 bits") || !strings.Contains(log.String(), "the former ones stay") {
			t.Errorf("the log has %d warnings, want one of 1024 bits: %s", n, log.String())
		}
		if _, denied := ask(t, g, signed(t, jose.EdDSA, k.ed, "", good(nil))); denied != "" {
			t.Errorf("the former key is denied as %q", denied)
		}
		if _, denied := ask(t, g, signed(t, jose.RS256, k.weak, "", good(nil))); denied == "" {
			t.Error("the weak key lets in")
		}
	})
}

func TestKeysThatCantBeAreRefused(t *testing.T) {
	k := keys()
	private, public, err := auth.NewKeys()
	if err != nil {
		t.Fatal(err)
	}
	jwk := func(key any, use string) []byte {
		b, err := (jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key, Use: use}}}).Keys[0].MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		return []byte(`{"keys":[` + string(b) + `]}`)
	}
	for name, test := range map[string]struct {
		keys string
		want string
	}{
		"a private key":            {file(t, private), "for the issuer alone"},
		"a private JWK":            {file(t, jwk(k.ed, "")), "for the issuer alone"},
		"a symmetric JWK":          {file(t, jwk([]byte("secret"), "")), "for the issuer alone"},
		"a weak RSA key":           {file(t, pemOf(t, k.weak)), "1024 bits"},
		"a weak RSA JWK":           {file(t, jwk(k.weak.Public(), "")), "1024 bits"},
		"another curve":            {file(t, pemOf(t, k.otherCurve)), "P-256"},
		"keys to encrypt":          {file(t, jwk(k.rsa.Public(), "enc")), "enc"},
		"an empty file":            {file(t, nil), "nothing in it"},
		"a file of something else": {file(t, []byte("ssh-ed25519 AAAA")), "no public key"},
		"broken JSON":              {file(t, []byte(`{"keys":`)), "no JWKS"},
		"a certificate":            {file(t, bytes.ReplaceAll(public, []byte("PUBLIC KEY"), []byte("CERTIFICATE"))), "PUBLIC KEY"},
		"too many":                 {file(t, bytes.Repeat(public, 65)), "more than 64"},
		"too large":                {file(t, bytes.Repeat([]byte("\n"), 257<<10)), "more than 262144 bytes"},
		"no file":                  {filepath.Join(t.TempDir(), "none"), "no such file"},
		"an address without TLS":   {"http://auth.example.com/keys", "not safe"},
		"an address of nothing":    {"https://", "can't be read"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := auth.New(t.Context(), auth.Config{Keys: test.keys, Issuer: issuer, Audience: audience})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("New returned %v, want an error with %q", err, test.want)
			}
		})
	}
	for _, cfg := range []auth.Config{
		{Issuer: issuer, Audience: audience}, {Keys: "x", Issuer: issuer}, {Keys: "x", Audience: audience},
		{Keys: "x", Issuer: issuer, Audience: audience, Leeway: -1}, {Keys: "x", Issuer: issuer, Audience: audience, MaxUsed: -1},
	} {
		if _, err := auth.New(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "Config.") {
			t.Errorf("New took %+v with %v", cfg, err)
		}
	}
}

// TestAnAddressOfThisMachineNeedsNoTLS, and one with more than is known is read all the same.
func TestAnAddressOfThisMachineNeedsNoTLS(t *testing.T) {
	k := keys()
	set := bytes.Replace(jwks(t, map[string]crypto.Signer{"1": k.ed}), []byte(`"keys":[`), []byte(`"keys":[{"kty":"new","kid":"1"},{"kty":"EC","crv":"P-384"},`), 1)
	for _, keys := range []string{"http://127.0.0.1:9/keys", "http://[::1]/keys", "http://localhost/keys"} {
		g := gate(t, auth.Config{Keys: keys, Transport: &address{body: set, status: 200}})
		if _, got := ask(t, g, signed(t, jose.EdDSA, k.ed, "1", good(nil))); got != "" {
			t.Errorf("%s: a good token is denied as %q", keys, got)
		}
	}
}
