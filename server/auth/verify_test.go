package auth_test

import (
	"crypto"
	"crypto/ed25519"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/server/auth"
)

// TestTokens is the right answer for each: who it is, or what is wrong.
func TestTokens(t *testing.T) {
	k := keys()
	public := pemOf(t, k.rsa)
	keysFile := file(t, jwks(t, map[string]crypto.Signer{"ed": k.ed, "ec": k.ec, "rsa": k.rsa}))
	now := time.Now().Unix()
	by := func(claims says) []byte { return signed(t, jose.EdDSA, k.ed, "ed", good(claims)) }
	whole := by(nil)
	parts := strings.Split(string(whole), ".")
	other := strings.Split(string(by(says{"sub": "ben"})), ".")

	for name, test := range map[string]struct {
		token []byte
		want  string // the denial, empty for ann
	}{
		"EdDSA":                        {by(nil), ""},
		"ES256":                        {signed(t, jose.ES256, k.ec, "ec", good(nil)), ""},
		"RS256":                        {signed(t, jose.RS256, k.rsa, "rsa", good(nil)), ""},
		"without a key's name":         {signed(t, jose.RS256, k.rsa, "", good(nil)), ""},
		"for several audiences":        {by(says{"aud": []string{"chess", audience}}), ""},
		"within the leeway":            {by(says{"exp": now - 20, "nbf": now + 20, "iat": now + 20}), ""},
		"with claims of others":        {by(says{"email": "ann@example.com", "groups": []int{1}}), ""},
		"no token":                     {nil, "no_token"},
		"garbage":                      {[]byte("open sesame"), "malformed"},
		"control characters":           {[]byte("\x00\x1b[2J\r\n"), "malformed"},
		"two parts":                    {[]byte(parts[0] + "." + parts[1]), "malformed"},
		"as JSON":                      {[]byte(`{"payload":"` + parts[1] + `","signatures":[{"protected":"` + parts[0] + `","signature":"` + parts[2] + `"}]}`), "malformed"},
		"cut short":                    {whole[:len(whole)-4], "signature"},
		"another's claims":             {[]byte(parts[0] + "." + other[1] + "." + parts[2]), "signature"},
		"alg none":                     {unsigned(good(nil)), "algorithm"},
		"HS256 by the public key":      {signed(t, jose.HS256, public, "rsa", good(nil)), "algorithm"},
		"HS256 by its bytes":           {signed(t, jose.HS256, []byte(k.ed.Public().(ed25519.PublicKey)), "ed", good(nil)), "algorithm"},
		"ES384":                        {signed(t, jose.ES384, k.otherCurve, "ec", good(nil)), "algorithm"},
		"PS256":                        {signed(t, jose.PS256, k.rsa, "rsa", good(nil)), "algorithm"},
		"RS512":                        {signed(t, jose.RS512, k.rsa, "rsa", good(nil)), "algorithm"},
		"another key of that name":     {signed(t, jose.EdDSA, k.otherED, "ed", good(nil)), "signature"},
		"an unknown key":               {signed(t, jose.EdDSA, k.otherED, "new", good(nil)), "unknown_key"},
		"an unknown key, no name":      {signed(t, jose.EdDSA, k.otherED, "", good(nil)), "signature"},
		"a key's name of another type": {signed(t, jose.EdDSA, k.ed, "rsa", good(nil)), "key_type"},
		"expired":                      {by(says{"exp": now - 60}), "expired"},
		"expired long ago":             {by(says{"exp": 1, "iat": 0}), "expired"},
		"not yet":                      {by(says{"nbf": now + 60}), "not_yet"},
		"issued in the future":         {by(says{"iat": now + 365*86400, "exp": now + 366*86400}), "not_yet"},
		"missing exp":                  {by(says{"exp": nil}), "no_expiry"},
		"exp as text":                  {by(says{"exp": "tomorrow"}), "claims"},
		"exp without end":              {by(says{"exp": 1e300}), "claims"},
		"another issuer":               {by(says{"iss": issuer + "/"}), "issuer"},
		"no issuer":                    {by(says{"iss": nil}), "issuer"},
		"another audience":             {by(says{"aud": "chess"}), "audience"},
		"no audience":                  {by(says{"aud": nil}), "audience"},
		"no audiences":                 {by(says{"aud": []string{}}), "audience"},
		"the issuer in other cases":    {by(says{"iss": nil, "ISS": issuer}), "issuer"},
		"no subject":                   {by(says{"sub": nil}), "no_user"},
		"a number for a subject":       {by(says{"sub": 7}), "claims"},
		"an oversized subject":         {by(says{"sub": strings.Repeat("a", 256)}), "claims"},
		"an oversized role":            {by(says{"role": strings.Repeat("a", 65)}), "claims"},
		"an oversized room":            {by(says{"room": strings.Repeat("a", 65)}), "claims"},
		"an oversized jti":             {by(says{"jti": strings.Repeat("a", 256)}), "claims"},
		"control in the subject":       {by(says{"sub": "a\x1b[2Jnn"}), "claims"},
		"hidden in the subject":        {by(says{"sub": "ann\u202e"}), "claims"},
		"space about the subject":      {by(says{"sub": "ann "}), "claims"},
		"a list for a role":            {by(says{"role": []string{"a"}}), "claims"},
		"not an object":                {signed(t, jose.EdDSA, k.ed, "ed", "ann"), "claims"},
	} {
		t.Run(name, func(t *testing.T) {
			who, got := ask(t, gate(t, auth.Config{Keys: keysFile}), test.token)
			if got != test.want || got == "" && who != (server.Identity{User: "ann"}) {
				t.Errorf("it is %+v, denied as %q; want %q", who, got, test.want)
			}
		})
	}
}

func TestWhatATokenSays(t *testing.T) {
	k := keys()
	g := gate(t, auth.Config{Keys: file(t, pemOf(t, k.rsa, k.ec, k.ed))})
	for name, test := range map[string]struct {
		claims says
		want   server.Identity
	}{
		"all of it":         {says{"role": "referee", "room": "red", "game": "arena"}, server.Identity{User: "ann", Role: "referee", Room: "red", Game: "arena"}},
		"the same by looks": {says{"sub": "Ame\u0301lie"}, server.Identity{User: "Amélie"}},
		"the longest":       {says{"sub": strings.Repeat("a", 255), "role": strings.Repeat("b", 64)}, server.Identity{User: strings.Repeat("a", 255), Role: strings.Repeat("b", 64)}},
	} {
		t.Run(name, func(t *testing.T) {
			// A file of PEM has no names, so that any goes.
			who, denied := ask(t, g, signed(t, jose.ES256, k.ec, "whatever", good(test.claims)))
			if denied != "" || who != test.want {
				t.Errorf("it is %+v, denied as %q; want %+v", who, denied, test.want)
			}
		})
	}
}

// TestATokenWithAJTILetsInOnce, one without until it expires.
func TestATokenWithAJTILetsInOnce(t *testing.T) {
	k := keys()
	path := file(t, pemOf(t, k.ed))
	synctest.Test(t, func(t *testing.T) {
		g := gate(t, auth.Config{Keys: path, MaxUsed: 2, MaxAge: 100 * time.Hour})
		once := func(id string, seconds int64) []byte {
			return signed(t, jose.EdDSA, k.ed, "", good(says{"jti": id, "exp": time.Now().Unix() + seconds}))
		}
		a, b, c := once("a", 60), once("b", 600), once("c", 600)
		want := func(what string, token []byte, denial string) {
			t.Helper()
			if _, got := ask(t, g, token); got != denial {
				t.Errorf("%s is denied as %q, want %q", what, got, denial)
			}
		}
		want("the first use", a, "")
		want("the same after the player has left", a, "used")
		want("another token of that number", once("a", 600), "used")
		more := signed(t, jose.EdDSA, k.ed, "", good(nil))
		want("one without a number", more, "")
		want("one without a number, again", more, "")
		want("the second", b, "")
		want("the third of two", c, "used_full")
		want("one without a number, while it is full", more, "")
		time.Sleep(80 * time.Second) // in virtual time: within the leeway after its end
		want("the first, just before it is forgotten", a, "used")
		time.Sleep(12 * time.Second)
		want("the first, once it has expired", a, "expired")
		want("the third, once there is space", c, "")
		want("the second, still remembered", b, "used")
		if got := g.Counts(); got["tokens_for_once"] != 3 || got["tokens_for_more"] != 3 {
			t.Errorf("it counts %v, want 3 and 3", got)
		}
	})
}

func TestIssuedTokensAreGood(t *testing.T) {
	private, public, err := auth.NewKeys()
	if err != nil {
		t.Fatal(err)
	}
	key, err := auth.ParsePrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	g := gate(t, auth.Config{Keys: file(t, public)})
	grant := auth.Grant{Issuer: issuer, Audience: audience, User: "ann", Role: "host", Room: "red", Game: "pong", Issued: time.Now(), Expires: time.Hour, Once: true}
	token, err := auth.Issue(key, grant)
	if err != nil {
		t.Fatal(err)
	}
	if who, denied := ask(t, g, []byte(token)); denied != "" || who != (server.Identity{User: "ann", Role: "host", Room: "red", Game: "pong"}) {
		t.Errorf("it is %+v, denied as %q", who, denied)
	}
	if _, denied := ask(t, g, []byte(token)); denied != "used" {
		t.Errorf("the second time it is denied as %q, want used", denied)
	}
	for name, spoil := range map[string]func(*auth.Grant){
		"no user": func(g *auth.Grant) { g.User = "" }, "no issuer": func(g *auth.Grant) { g.Issuer = "" },
		"no time": func(g *auth.Grant) { g.Expires = 0 }, "a control character": func(g *auth.Grant) { g.Role = "\x07" },
	} {
		bad := grant
		spoil(&bad)
		if _, err := auth.Issue(key, bad); err == nil {
			t.Errorf("%s: a token was issued", name)
		}
	}
	if _, err := auth.Issue(keys().weak, grant); err == nil {
		t.Error("a weak key has signed")
	}
	if _, err := auth.ParsePrivateKey(public); err == nil {
		t.Error("a public key was taken for a private one")
	}
}
