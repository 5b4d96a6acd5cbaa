package browser

import (
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// path is a way between pages and the server, on which things go wrong: an address of its own, TCP and UDP.
type path struct {
	addr   string
	target *net.UDPAddr
	udp    *net.UDPConn

	dark atomic.Bool // no UDP passes
	gone atomic.Bool // the page is there, the server is not
	// Which servers answer instead: to all that comes over TCP, and to what is asked of the game there.
	all, game atomic.Pointer[string]
	origin    atomic.Pointer[string]
	info      atomic.Pointer[strings.Replacer] // changes what the server says of itself

	work  sync.WaitGroup
	mu    sync.Mutex // guards ports
	ports map[string]*net.UDPConn
}

// newPath leads to a server, and is closed when the test ends.
func newPath(t *testing.T, server string) *path {
	t.Helper()
	door, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &path{addr: door.Addr().String(), ports: map[string]*net.UDPConn{}}
	at, err := net.ResolveUDPAddr("udp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	if p.target, err = net.ResolveUDPAddr("udp", server); err != nil {
		t.Fatal(err)
	}
	if p.udp, err = net.ListenUDP("udp", at); err != nil {
		t.Fatal(err)
	}
	onward := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: server})
	web := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.web(w, r, onward) })}
	p.work.Go(func() { web.Serve(door) })
	p.work.Go(p.forward)
	t.Cleanup(func() {
		web.Close()
		p.udp.Close()
		p.mu.Lock()
		for _, port := range p.ports {
			port.Close()
		}
		p.mu.Unlock()
		p.work.Wait()
	})
	return p
}

func (p *path) url() string { return "http://" + p.addr }

// cut has no more UDP pass for who has sent any; a new socket has a way.
func (p *path) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, port := range p.ports {
		port.Close()
	}
}

func (p *path) web(w http.ResponseWriter, r *http.Request, onward http.Handler) {
	if p.gone.Load() && strings.HasPrefix(r.URL.Path, "/quicstep") {
		http.Error(w, "nobody is there", http.StatusBadGateway)
		return
	}
	other := p.all.Load()
	if game := p.game.Load(); game != nil && strings.HasPrefix(r.URL.Path, "/quicstep") {
		other = game
	}
	if other != nil {
		onward = httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: *other})
	}
	if origin := p.origin.Load(); origin != nil && r.URL.Path == "/quicstep" {
		r.Header.Set("Origin", *origin)
	}
	if change := p.info.Load(); change != nil && r.URL.Path == "/quicstep/info" {
		r.Header.Del("Accept-Encoding")
		onward.ServeHTTP(&changed{w, change}, r)
		return
	}
	onward.ServeHTTP(w, r)
}

// changed is an answer whose text is changed on the way.
type changed struct {
	http.ResponseWriter
	change *strings.Replacer
}

func (c *changed) WriteHeader(status int) {
	c.Header().Del("Content-Length")
	c.ResponseWriter.WriteHeader(status)
}

func (c *changed) Write(b []byte) (int, error) {
	_, err := c.change.WriteString(c.ResponseWriter, string(b))
	return len(b), err
}

// forward takes packets to the server, from a port of its own for each who sends; dark ones are lost.
func (p *path) forward() {
	buf := make([]byte, 2048)
	for {
		n, from, err := p.udp.ReadFromUDP(buf)
		if err != nil {
			return
		}
		if p.dark.Load() {
			continue
		}
		if port := p.port(from); port != nil {
			port.Write(buf[:n])
		}
	}
}

// port returns the one from which packets of an address go on; nil when there is none to be had.
func (p *path) port(from *net.UDPAddr) *net.UDPConn {
	p.mu.Lock()
	defer p.mu.Unlock()
	if port := p.ports[from.String()]; port != nil {
		return port
	}
	port, err := net.DialUDP("udp", nil, p.target)
	if err != nil {
		return nil
	}
	p.ports[from.String()] = port
	p.work.Go(func() {
		buf := make([]byte, 2048)
		for {
			n, err := port.Read(buf)
			if err != nil {
				return
			}
			if !p.dark.Load() {
				p.udp.WriteToUDP(buf[:n], from)
			}
		}
	})
	return port
}
