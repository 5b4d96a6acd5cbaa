package server

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"mime"
	"net"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server/transport"
	"github.com/quicstep/quicstep/world"
)

// paged is a game with a page to play it in a browser: its files, index.html first.
type paged interface{ Page() fs.FS }

// infoPath is where a browser learns how to reach the games; sessionPath is what transport serves.
const (
	infoPath    = "/quicstep/info"
	sessionPath = "/quicstep"
)

// web answers what comes to the HTTP door beside WebSockets.
type web struct {
	listener *transport.Listener
	games    []string
	page     fs.FS  // nil: none of the games has one
	sessions string // Config.WebTransportAddr
}

// web is called by the listener before anything comes.
func (s *Server) web(l *transport.Listener) http.Handler {
	w := &web{listener: l, page: s.page(), sessions: s.cfg.WebTransportAddr}
	for _, g := range s.cfg.Games {
		if schema, err := world.SchemaOf(g); err == nil { // as New has seen
			w.games = append(w.games, schema.Game)
		}
	}
	return w
}

// page is that of the first game that has one.
func (s *Server) page() fs.FS {
	for _, g := range s.cfg.Games {
		if g, ok := g.(paged); ok {
			return g.Page()
		}
	}
	return nil
}

// URL is what to open in a browser on this machine: the page of the first game that has one. It is empty when none has,
// or the HTTP door is shut.
func (s *Server) URL() string {
	addr, secure := s.listener.HTTPAddr()
	if addr == nil || s.page() == nil {
		return ""
	}
	host := addr.String()
	if tcp, ok := addr.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		host = fmt.Sprintf("127.0.0.1:%d", tcp.Port)
	}
	if secure {
		return "https://" + host + "/"
	}
	return "http://" + host + "/"
}

// ServeHTTP answers a request.
func (w *web) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == infoPath && w.listener.RefuseOrigin(out, r):
	case r.Method == http.MethodOptions && r.URL.Path == infoPath:
		allow(out, r)
		out.WriteHeader(http.StatusNoContent)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		out.Header().Set("Allow", "GET, HEAD")
		http.Error(out, "only GET and HEAD are answered here", http.StatusMethodNotAllowed)
	case r.URL.Path == infoPath:
		w.info(out, r)
	case w.page == nil:
		w.plain(out, r)
	default:
		w.file(out, r)
	}
}

// allow lets the page, whose origin is allowed, read the answer.
func allow(out http.ResponseWriter, r *http.Request) {
	out.Header().Set("Vary", "Origin")
	if origin := r.Header.Get("Origin"); origin != "" {
		out.Header().Set("Access-Control-Allow-Origin", origin)
	}
}

// info is what a browser is told of the doors.
type info struct {
	Protocol     int      `json:"protocol"`
	Games        []string `json:"games"`
	WebTransport string   `json:"webtransport,omitempty"`
	WebSocket    string   `json:"websocket,omitempty"`
	Pins         []string `json:"pins,omitempty"`
}

func (w *web) info(out http.ResponseWriter, r *http.Request) {
	allow(out, r)
	answer := info{Protocol: protocol.Version, Games: w.games, WebSocket: "ws://" + r.Host + sessionPath}
	// A proxy that ends TLS says so.
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		answer.WebSocket = "wss://" + r.Host + sessionPath
	}
	if host := w.sessionHost(r); host != "" {
		answer.WebTransport = "https://" + host + sessionPath
		if w.listener.Development() {
			answer.Pins = []string{protocol.FormatPin(w.listener.Pin())}
		}
	}
	out.Header().Set("Content-Type", "application/json")
	out.Header().Set("Cache-Control", "no-store")
	json.NewEncoder(out).Encode(answer) // fails when the reader has gone
}

// sessionHost is where WebTransport is for whoever asks; empty when nowhere.
func (w *web) sessionHost(r *http.Request) string {
	switch {
	case !w.listener.Web() || w.sessions == noWebTransport:
		return ""
	case w.sessions != "":
		return w.sessions
	}
	return r.Host
}

// plain says what this is where there is no page.
func (w *web) plain(out http.ResponseWriter, r *http.Request) {
	out.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if r.URL.Path != "/" {
		out.WriteHeader(http.StatusNotFound)
	}
	fmt.Fprintf(out, "This is a quicstep game server. It runs %s.\nHow browsers reach it: %s\n", strings.Join(w.games, ", "), infoPath)
}

// pageTypes are the content types of what pages are made of, whatever this machine takes them for.
var pageTypes = map[string]string{
	".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8",
	".css": "text/css; charset=utf-8", ".json": "application/json", ".map": "application/json", ".svg": "image/svg+xml",
	".png": "image/png", ".webp": "image/webp", ".ico": "image/x-icon", ".wasm": "application/wasm", ".woff2": "font/woff2",
	".webmanifest": "application/manifest+json", ".txt": "text/plain; charset=utf-8",
}

// file serves one of the page's files, to be asked for again each time, which costs little while it is the same.
func (w *web) file(out http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
	if name == "" {
		name = "index.html"
	}
	content, err := fs.ReadFile(w.page, name)
	if err != nil {
		http.Error(out, "there is no such file", http.StatusNotFound)
		return
	}
	kind := pageTypes[path.Ext(name)]
	if kind == "" {
		kind = mime.TypeByExtension(path.Ext(name))
	}
	if kind == "" {
		kind = "application/octet-stream"
	}
	h := out.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", fmt.Sprintf(`"%x"`, sha256.Sum256(content)))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", policy(r.Host, w.sessionHost(r)))
	http.ServeContent(out, r, name, time.Time{}, bytes.NewReader(content))
}

// policy lets a page use what comes with it, and connect to its own server by every door.
func policy(host, sessions string) string {
	connect := "'self'"
	if isPlain(host) {
		connect += fmt.Sprintf(" https://%s ws://%s wss://%s", host, host, host)
	}
	if sessions != host && sessions != "" {
		connect += " https://" + sessions // as withDefaults has seen
	}
	return "default-src 'self'; connect-src " + connect + "; img-src 'self' data: blob:; media-src 'self' data: blob:; " +
		"style-src 'self' 'unsafe-inline'; worker-src 'self' blob:; object-src 'none'; base-uri 'none'; frame-ancestors 'self'"
}

// isPlain tells whether a host, with or without a port, means nothing else in a header or an address.
func isPlain(host string) bool {
	return !strings.ContainsFunc(host, func(c rune) bool {
		return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune(".:-[]", c))
	})
}
