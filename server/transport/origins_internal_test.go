package transport

import (
	"crypto/tls"
	"net/http"
	"testing"
)

func TestOrigins(t *testing.T) {
	own := &tls.Certificate{}
	for _, c := range []struct {
		name         string
		cfg          Config
		loopback     bool
		host, origin string
		want         bool
	}{
		{"no browser", Config{}, false, "play.example.com", "", true},
		{"its own page", Config{Certificate: own}, false, "Play.example.com:4433", "https://play.example.com:4433", true},
		{"its own page on another port", Config{Certificate: own}, false, "play.example.com:4433", "https://play.example.com", false},
		{"a name that was pointed here", Config{}, true, "evil.example.com:4433", "http://evil.example.com:4433", false},
		{"its own page on this machine", Config{}, false, "127.0.0.1:4433", "http://127.0.0.1:4433", true},
		{"this machine's, of a server for it", Config{}, true, "127.0.0.1:4433", "http://localhost:5173", true},
		{"IPv6, too", Config{}, true, "[::1]:4433", "http://[::1]:5173", true},
		{"this machine's, of a public server", Config{Certificate: own}, false, "play.example.com", "http://localhost:5173", false},
		{"a listed one", Config{Origins: []string{"https://Play.Example.com"}}, true, "127.0.0.1:4433", "https://play.example.com", true},
		{"a listed one without TLS", Config{Origins: []string{"https://play.example.com"}}, true, "127.0.0.1:4433", "http://play.example.com", false},
		{"a listed one with the usual port", Config{Origins: []string{"https://play.example.com:443"}}, true, "127.0.0.1:4433", "https://play.example.com", true},
		{"a listed one with another's usual port", Config{Origins: []string{"https://play.example.com:80"}}, true, "127.0.0.1:4433", "https://play.example.com", false},
		{"a file", Config{}, true, "127.0.0.1:4433", "null", false},
		{"nonsense", Config{Certificate: own}, true, "127.0.0.1:4433", "%zz://", false},
		{"localhost as a part", Config{}, true, "127.0.0.1:4433", "http://localhost.example.com", false},
	} {
		o, err := newOrigins(c.cfg, c.loopback)
		if err != nil {
			t.Fatal(err)
		}
		r := &http.Request{Host: c.host, Header: http.Header{}}
		if c.origin != "" {
			r.Header.Set("Origin", c.origin)
		}
		if got := o.allow(r); got != c.want {
			t.Errorf("%s: a page of %q that asks %q is let in: %v", c.name, c.origin, c.host, got)
		}
	}
	for _, origin := range []string{"play.example.com", "https://play.example.com/", "ftp://play.example.com", "https://", "*", "https://a b"} {
		if _, err := newOrigins(Config{Origins: []string{origin}}, true); err == nil {
			t.Errorf("%q was taken for an origin", origin)
		}
	}
}
