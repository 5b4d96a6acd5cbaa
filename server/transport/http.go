package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"github.com/quicstep/quicstep/server/quota"
)

const (
	// httpIdle is for how long a connection to the HTTP door stays open between requests.
	httpIdle = 10 * time.Second
	// httpWrite bounds how long an answer takes: a page of some MB over a slow line.
	httpWrite = time.Minute
)

// httpDoor is the TCP port: WebSockets, and what a browser gets before it opens one.
type httpDoor struct {
	l        *Listener
	listener *countedListener
	server   http.Server
	rest     http.Handler
}

type socketKey struct{}

// openHTTP opens the door on the port of the UDP socket; nil when it is to stay shut.
func (l *Listener) openHTTP(udp *net.UDPAddr) (*httpDoor, error) {
	inner := l.cfg.HTTPListener
	if inner == nil {
		addr := l.cfg.httpAddr(udp)
		if addr == nil {
			return nil, nil
		}
		tcp, err := net.ListenTCP("tcp", addr)
		if err != nil {
			return nil, err
		}
		inner = tcp
	}
	return &httpDoor{l: l, listener: &countedListener{
		Listener: inner, most: int64(l.cfg.MaxHTTPConns), trusts: l.Trusts,
		byAddress: quota.NewCounts(l.cfg.MaxHTTPConnsPerAddress), admits: l.handshakes.admits,
	}}, nil
}

// httpAddr is where the HTTP door listens, nil when nowhere. The development certificate is nothing to browsers, so that
// the door goes without one, and then is for this machine alone.
func (c Config) httpAddr(udp *net.UDPAddr) *net.TCPAddr {
	if c.NoWeb || c.PacketConn != nil || udp == nil {
		return nil
	}
	addr := &net.TCPAddr{IP: udp.IP, Port: udp.Port, Zone: udp.Zone}
	switch {
	case c.Certificate != nil || udp.IP.IsLoopback():
		return addr
	case udp.IP.IsUnspecified():
		addr.IP = net.IPv4(127, 0, 0, 1)
		return addr
	}
	return nil
}

// serve serves until close.
func (d *httpDoor) serve() {
	d.rest = http.HandlerFunc(whatThisIs)
	if d.l.cfg.Web != nil {
		d.rest = d.l.cfg.Web(d.l)
	}
	d.server = http.Server{
		Handler: d, ReadHeaderTimeout: d.l.cfg.UpgradeTimeout, ReadTimeout: d.l.cfg.UpgradeTimeout, IdleTimeout: httpIdle,
		WriteTimeout: httpWrite, MaxHeaderBytes: headerBytes, ErrorLog: log.New(io.Discard, "", 0),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, socketKey{}, c) },
	}
	d.l.work.Go(func() {
		var inner net.Listener = d.listener
		if d.l.cfg.Certificate != nil {
			inner = tls.NewListener(inner, d.l.cfg.tlsConfig(d.l.certs, d.l.handshakes.turn, "http/1.1"))
		}
		if err := d.server.Serve(inner); !errors.Is(err, http.ErrServerClosed) {
			d.l.httpEnded.Add(1)
			d.l.cfg.HTTPEnded(err)
		}
	})
}

// close ends all but the WebSockets.
func (d *httpDoor) close() {
	d.server.Close()
	d.listener.Close()
}

// ServeHTTP answers a request.
func (d *httpDoor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !d.l.begin() {
		http.Error(w, "the server is shutting down", http.StatusServiceUnavailable)
		return
	}
	defer d.l.work.Done()
	defer d.l.cfg.Panics.Catch("http", func() { http.Error(w, "the server has failed in this request", http.StatusInternalServerError) })
	switch {
	case !d.l.origins.hosts(r):
		d.l.badOrigins.Add(1)
		http.Error(w, "ask by a loopback address, or list this name's origin: --origin, or server.Config.Origins", http.StatusForbidden)
	case r.URL.Path == sessionPath:
		d.upgrade(w, r)
	default:
		d.rest.ServeHTTP(w, r)
	}
}

func (d *httpDoor) upgrade(w http.ResponseWriter, r *http.Request) {
	if d.l.RefuseOrigin(w, r) {
		return
	}
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{subprotocol}, InsecureSkipVerify: true})
	if err != nil {
		return // it has answered
	}
	conn := r.Context().Value(socketKey{}).(net.Conn)
	if ws.Subprotocol() != subprotocol {
		conn.SetDeadline(time.Now().Add(closeLinger))
		ws.Close(websocket.StatusPolicyViolation, "ask for the subprotocol "+subprotocol)
		return
	}
	c, s := d.l.newWebSocket(ws, conn)
	life, gone := context.WithCancel(context.Background())
	refused := d.l.hand(c, life)
	if refused != nil {
		c.Close(refused.code, refused.reason)
	} else {
		release(conn) // among MaxConns now
	}
	s.run(func(waste func() int64) { d.l.untilEnd(c, waste) })
	gone()
}

// countedListener closes connections that are too many, in all or of their address.
type countedListener struct {
	net.Listener
	most           int64
	trusts         func(netip.Addr) bool
	byAddress      *quota.Counts
	admits         func(key netip.Prefix) bool // whether an address may have another one so soon
	open           atomic.Int64
	refused, crowd atomic.Uint64
}

// Accept returns the next connection for which there is a place.
func (l *countedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if free, ok := l.take(quota.AddrOf(conn.RemoteAddr())); ok {
			keepShort(conn)
			return &countedConn{Conn: conn, free: sync.OnceFunc(free)}, nil
		}
		conn.Close()
	}
}

// take takes a place, which free gives back. It returns false when there is none.
func (l *countedListener) take(addr netip.Addr) (free func(), ok bool) {
	key, bound := quota.KeyOf(addr), !l.trusts(addr)
	if bound {
		if !l.admits(key) {
			return nil, false
		}
		if !l.byAddress.Take(key) {
			l.crowd.Add(1)
			return nil, false
		}
	}
	free = func() {
		l.open.Add(-1)
		if bound {
			l.byAddress.Give(key)
		}
	}
	if l.open.Add(1) > l.most {
		free()
		l.refused.Add(1)
		return nil, false
	}
	return free, true
}

// countedConn has a place, which it gives back when it is closed or becomes a WebSocket.
type countedConn struct {
	net.Conn
	free func()
	got  atomic.Uint64 // bytes, with all that carries what was sent
}

// Read reads from it.
func (c *countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.got.Add(uint64(n))
	return n, err
}

// Close closes it.
func (c *countedConn) Close() error {
	c.free()
	return c.Conn.Close()
}

// release gives back the place of a connection, with TLS or without.
func release(conn net.Conn) {
	if counted := countedBelow(conn); counted != nil {
		counted.free()
	}
}

// countedBelow is what carries a connection with TLS or without; nil when it did not come in by a countedListener.
func countedBelow(conn net.Conn) *countedConn {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	counted, _ := conn.(*countedConn)
	return counted
}

// isTaken tells whether a port is taken.
func isTaken(err error) bool { return errors.Is(err, errAddrInUse) }
