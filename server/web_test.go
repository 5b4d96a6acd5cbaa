package server_test

import (
	"crypto/tls"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/coder/websocket"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/server/transport"
	"github.com/quicstep/quicstep/world"
)

// pagedArena is a game with a page.
type pagedArena struct {
	*arena
	files fstest.MapFS
}

func (g pagedArena) Page() fs.FS { return g.files }

// browse asks the HTTP door, and returns the answer with its body.
func browse(t *testing.T, method, url string, header map[string]string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	return answer(t, r)
}

// answer sends a request, and returns the answer with its body.
func answer(t *testing.T, r *http.Request) (*http.Response, string) {
	t.Helper()
	r.Close = true
	tr := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableCompression: true}
	response, err := tr.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

func TestInfoTellsBrowsersTheWay(t *testing.T) {
	s := serve(t, server.Config{Games: []world.Game{quietArena()}, Origins: []string{"https://play.example.com"}})
	addr := s.Addr().String()
	response, body := browse(t, http.MethodGet, "https://"+addr+"/quicstep/info", map[string]string{"Origin": "https://play.example.com"})
	var got struct {
		Protocol                int
		Games, Pins             []string
		WebTransport, WebSocket string
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil || response.StatusCode != http.StatusOK {
		t.Fatal(err, response.Status, body)
	}
	if got.Protocol != protocol.Version || !slices.Equal(got.Games, []string{"arena"}) || len(got.Pins) != 0 ||
		got.WebTransport != "https://"+addr+"/quicstep" || got.WebSocket != "wss://"+addr+"/quicstep" {
		t.Errorf("it tells %s", body)
	}
	if h := response.Header; h.Get("Access-Control-Allow-Origin") != "https://play.example.com" || h.Get("Vary") != "Origin" || h.Get("Cache-Control") != "no-store" {
		t.Errorf("the headers are %v", h)
	}
	response, body = browse(t, http.MethodGet, "https://"+addr+"/quicstep/info", map[string]string{"Origin": "https://example.com"})
	if response.StatusCode != http.StatusForbidden || strings.Contains(body, "wss:") {
		t.Errorf("a page of another origin is told %v, %q", response.Status, body)
	}
	if response.Header.Get("Access-Control-Allow-Origin") != "https://example.com" || !strings.Contains(body, `"https://example.com"`) || !strings.Contains(body, "--origin") {
		t.Errorf("it can't read why, or is not told: %v, %q", response.Header, body)
	}
	if got := s.Stats().Transport.RefusedOrigins; got != 1 {
		t.Errorf("%d origins were refused, want 1", got)
	}
	response, body = browse(t, http.MethodGet, "https://"+addr+"/", nil)
	if response.StatusCode != http.StatusOK || !strings.Contains(body, "arena") || s.URL() != "" {
		t.Errorf("without a page it answers %v, %q, and says to open %q", response.Status, body, s.URL())
	}
}

func TestInfoNamesTheDevelopmentCertificate(t *testing.T) {
	s, err := server.New(server.Config{Games: []world.Game{quietArena()}, Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	addr := s.Addr().String()
	_, body := browse(t, http.MethodGet, "http://"+addr+"/quicstep/info", nil)
	if !strings.Contains(body, `"pins":["`+protocol.FormatPin(s.Pin())+`"]`) || !strings.Contains(body, `"ws://`+addr+`/quicstep"`) {
		t.Errorf("it tells %s", body)
	}
}

func TestWebTransportElsewhere(t *testing.T) {
	g := pagedArena{quietArena(), fstest.MapFS{"index.html": {}}}
	for addr, want := range map[string]string{"": "https://play.example.com/quicstep", "game.example.com:4433": "https://game.example.com:4433/quicstep", "none": ""} {
		s := serve(t, server.Config{Games: []world.Game{g}, WebTransportAddr: addr})
		ask := func(path string) (*http.Response, string) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+s.Addr().String()+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Host = "play.example.com" // as a proxy keeps it
			return answer(t, r)
		}
		_, body := ask("/quicstep/info")
		var got struct{ WebTransport, WebSocket string }
		if err := json.Unmarshal([]byte(body), &got); err != nil || got.WebTransport != want || got.WebSocket != "wss://play.example.com/quicstep" {
			t.Errorf("%q: it tells %s, want WebTransport at %q", addr, body, want)
		}
		response, _ := ask("/")
		csp := response.Header.Get("Content-Security-Policy")
		if !strings.Contains(csp, "wss://play.example.com") || !strings.Contains(csp, strings.TrimSuffix(want, "/quicstep")) {
			t.Errorf("%q: the policy is %q, which must allow %q", addr, csp, want)
		}
	}
	for _, addr := range []string{"play.example.com", ":4433", "play.example.com:0", "play.example.com:x", "https://play.example.com:4433", "a b:1", "a;b:1"} {
		if s, err := server.New(server.Config{Games: []world.Game{g}, WebTransportAddr: addr}); err == nil {
			t.Errorf("%q was taken for an address", addr)
			s.Close()
		}
	}
}

func TestThePageIsServed(t *testing.T) {
	g := pagedArena{quietArena(), fstest.MapFS{
		"index.html":   {Data: []byte("<!doctype html>")},
		"app.js":       {Data: []byte("play()")},
		"img/ship.svg": {Data: []byte("<svg/>")},
	}}
	s := serve(t, server.Config{Games: []world.Game{newPong(t), g}})
	url := s.URL()
	if want := "https://" + s.Addr().String() + "/"; url != want {
		t.Fatalf("it says to open %q, want %q", url, want)
	}
	for path, want := range map[string][2]string{
		"":             {"text/html; charset=utf-8", "<!doctype html>"},
		"index.html":   {"text/html; charset=utf-8", "<!doctype html>"},
		"app.js":       {"text/javascript; charset=utf-8", "play()"},
		"img/ship.svg": {"image/svg+xml", "<svg/>"},
	} {
		response, body := browse(t, http.MethodGet, url+path, nil)
		h := response.Header
		if response.StatusCode != http.StatusOK || body != want[1] || h.Get("Content-Type") != want[0] || h.Get("Cache-Control") != "no-cache" {
			t.Errorf("%s is answered with %v, %q, %v", path, response.Status, body, h)
		}
		if csp := h.Get("Content-Security-Policy"); !strings.Contains(csp, "connect-src 'self' https://"+s.Addr().String()+" ws://"+s.Addr().String()) {
			t.Errorf("%s: the policy is %q", path, csp)
		}
		again, body := browse(t, http.MethodGet, url+path, map[string]string{"If-None-Match": h.Get("ETag")})
		if again.StatusCode != http.StatusNotModified || body != "" {
			t.Errorf("%s is sent again though it is the same: %v", path, again.Status)
		}
	}
	for path, want := range map[string]int{"img": 404, "img/": 404, "nothing.js": 404, "../web_test.go": 404} {
		if response, _ := browse(t, http.MethodGet, url+path, nil); response.StatusCode != want {
			t.Errorf("%s is answered with %v, want %d", path, response.Status, want)
		}
	}
	if response, _ := browse(t, http.MethodPost, url, nil); response.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("a POST is answered with %v", response.Status)
	}
}

// newPong is another game, without a page.
func newPong(t *testing.T) world.Game {
	t.Helper()
	return world.NewGame[stride]("pong")
}

func TestBadSocketMessagesAreRefusedByName(t *testing.T) {
	g := quietArena()
	s := serve(t, server.Config{Games: []world.Game{g}, Limits: server.Limits{CloseTimeout: 50 * time.Millisecond}})
	for _, c := range []struct {
		name    string
		kind    websocket.MessageType
		message []byte
		want    protocol.Reject
	}{
		{"text", websocket.MessageText, []byte("hello"), protocol.WrongType},
		{"a long datagram", websocket.MessageBinary, make([]byte, 1<<16), protocol.Oversized},
		{"two frames", websocket.MessageBinary, append(frame(1), frame(1)...), protocol.TrailingBytes},
	} {
		conn := enter(t, s, transport.WebSocket, g)
		conn.step(g, stride{})
		before := s.Stats()
		socket := conn.caller.(*socketCaller)
		if err := socket.ws.Write(t.Context(), c.kind, c.message); err != nil {
			t.Fatal(err)
		}
		bye := conn.goodbye()
		if code, reason := conn.closed(); bye.Code != protocol.CloseProtocol || code != bye.Code || reason == "" || !strings.HasPrefix(bye.Reason, reason) {
			t.Errorf("%s: the goodbye says %v (%q), the close %v (%q)", c.name, bye.Code, bye.Reason, code, reason)
		}
		after := s.Stats()
		after.Rejected[protocol.InputTooOld] = before.Rejected[protocol.InputTooOld]
		if got := counts(before, after); !slices.Equal(got, []string{c.want.String() + " 1"}) {
			t.Errorf("%s: the server counts %v", c.name, got)
		}
	}
}
