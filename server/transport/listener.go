package transport

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/gather"
	"github.com/quicstep/quicstep/server/quota"
)

// ErrClosed is returned by Accept after Close. It is a net.ErrClosed.
var ErrClosed = fmt.Errorf("listener: %w", net.ErrClosed)

// Listener accepts connections, by every door that is open. Its methods may be called from anywhere.
type Listener struct {
	cfg     Config
	certs   *certificates
	origins *origins
	socket  *gather.Conn // nil when it is the caller's
	quic    *quic.Transport
	inner   *quic.Listener
	http    *httpDoor // nil when it is shut

	queue      chan *Conn    // guarded by mu for those who send; Accept receives
	ended      chan struct{} // closed when the accept loop has ended
	err        error         // why it ended, set before
	work       sync.WaitGroup
	closing    sync.Once
	stopping   context.Context // ends when Close begins
	stop       context.CancelFunc
	handshakes *handshakes
	packets    packetCounter
	byAddress  *quota.Counts // of conns, those whose address is not trusted

	mu     sync.Mutex // guards what follows
	conns  map[*Conn]struct{}
	open   [doors]int // of them
	closed bool

	moved, movedTooOften, httpEnded             atomic.Uint64
	wasteful, badFrames                         atomic.Uint64
	accepted, full, crowd, backlog, noDatagrams atomic.Uint64
	badOrigins, idle, requests, behind, dropped atomic.Uint64
}

// Stats counts a listener's connections since it began to listen.
type Stats struct {
	// Open is how many connections are open now; Native, WebTransport and WebSocket are those of each door.
	Open                            int
	Native, WebTransport, WebSocket int
	// Accepted were handed over, or wait to be.
	Accepted uint64
	// RefusedFull came when MaxConns were open.
	RefusedFull uint64
	// RefusedConnsAddress came when their address had MaxConnsPerAddress.
	RefusedConnsAddress uint64
	// RefusedBacklog came when Backlog connections waited for Accept.
	RefusedBacklog uint64
	// RefusedHandshakes came when MaxHandshakes were under way.
	RefusedHandshakes uint64
	// RefusedAddress came when MaxHandshakesPerAddress of their address were under way, or more in a second than
	// HandshakesPerSecondPerAddress.
	RefusedAddress uint64
	// Retries is how often a newcomer had to show first that it receives at its address.
	Retries uint64
	// RefusedDatagrams were clients that don't take datagrams.
	RefusedDatagrams uint64
	// RefusedOrigins were pages that may not use the server, and requests by a name that it does not go by.
	RefusedOrigins uint64
	// RefusedRequests were more of one HTTP/3 connection than MaxRequests, or a second session on it. RefusedHTTP came to
	// the HTTP door when MaxHTTPConns were open, RefusedHTTPAddress when MaxHTTPConnsPerAddress of their address were.
	RefusedRequests, RefusedHTTP, RefusedHTTPAddress uint64
	// Idle were connections of HTTP/3 that opened no session in Config.UpgradeTimeout.
	Idle uint64
	// PacketsDropped were UDP packets that belong to no connection, can't be read, or came faster than they are taken.
	PacketsDropped uint64
	// PacketsUnsent were UDP packets that the system refused to send.
	PacketsUnsent uint64
	// HTTPEnded is 1 once the HTTP door can accept nobody any more, see Config.HTTPEnded.
	HTTPEnded uint64
	// Moves is how often the address of a connection's client changed; MovedTooOften were closed for it.
	Moves, MovedTooOften uint64
	// Wasteful were closed since they sent much that was neither a message nor a datagram: pings, empty frames, capsules,
	// streams of no meaning. BadFrames were WebSockets, and connections of HTTP/3, that ended with what the
	// rules of these forbid.
	Wasteful, BadFrames uint64
	// CertificateReloads is how often another certificate was found in its files, CertificateReloadsFailed how often
	// something was wrong with them.
	CertificateReloads, CertificateReloadsFailed uint64
	// DatagramsBehind were not sent, since a WebSocket was behind. DatagramsDropped came over one, when too many waited to
	// be received.
	DatagramsBehind, DatagramsDropped uint64
}

// Listen listens on the address of cfg and accepts connections from then on. It returns an error when the
// configuration or the address is invalid, ErrPublicDevelopment when the development certificate would be
// shown to other machines, and what went wrong with the socket or the certificate's files.
func Listen(cfg Config) (*Listener, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("configure transport: %w", err)
	}
	addr, err := cfg.address()
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", cfg.Addr, err)
	}
	l := newListener(cfg)
	loopback := addr != nil && addr.IP.IsLoopback()
	if cfg.Trusted == nil {
		l.cfg.Trusted = loopbackAddrs
	} else {
		l.cfg.Trusted = make([]netip.Prefix, len(cfg.Trusted))
		for i, p := range cfg.Trusted {
			l.cfg.Trusted[i] = quota.PrefixOf(p)
		}
	}
	if l.origins, err = newOrigins(cfg, loopback); err != nil {
		return nil, fmt.Errorf("configure transport: %w", err)
	}
	if l.certs, err = newCertificates(cfg); err != nil {
		return nil, err
	}
	l.stopping, l.stop = context.WithCancel(context.Background())
	if err := l.openBoth(addr); err != nil {
		l.stop()
		return nil, fmt.Errorf("listen on %s: %w", cfg.Addr, err)
	}
	go l.acceptLoop()
	if l.http != nil {
		l.http.serve()
	}
	return l, nil
}

// newListener returns one that has no door yet.
func newListener(cfg Config) *Listener {
	l := &Listener{
		cfg:       cfg,
		queue:     make(chan *Conn, cfg.Backlog),
		ended:     make(chan struct{}),
		conns:     make(map[*Conn]struct{}),
		byAddress: quota.NewCounts(cfg.MaxConnsPerAddress),
	}
	l.handshakes = newHandshakes(cfg, l.Trusts)
	return l
}

// portTries is how often a port that is free for UDP is looked for until it is free for TCP, too.
const portTries = 16

// openBoth opens the UDP port, and the TCP port of the same number.
func (l *Listener) openBoth(addr *net.UDPAddr) (err error) {
	for range portTries {
		if err = l.openQUIC(addr); err != nil {
			return err
		}
		udp, _ := l.inner.Addr().(*net.UDPAddr)
		if l.http, err = l.openHTTP(udp); err == nil {
			return nil
		}
		l.inner.Close()
		l.quic.Close()
		l.closeSocket()
		if addr.Port != 0 || !isTaken(err) {
			return err
		}
	}
	return err
}

func (l *Listener) openQUIC(addr *net.UDPAddr) error {
	conn := l.cfg.PacketConn
	if conn == nil {
		socket, err := net.ListenUDP("udp", addr)
		if err != nil {
			return err
		}
		l.socket = gather.New(socket)
		conn = l.socket
	}
	l.quic = &quic.Transport{Conn: conn, ConnContext: l.handshakes.begin, VerifySourceAddress: l.handshakes.crowded, Tracer: &l.packets}
	var err error
	if l.inner, err = l.quic.Listen(l.cfg.tlsConfig(l.certs, l.handshakes.turn, l.cfg.alpn()...), l.cfg.quicConfig()); err != nil {
		l.closeSocket()
	}
	return err
}

// Addr returns the address that the listener listens on, with its real port.
func (l *Listener) Addr() net.Addr { return l.inner.Addr() }

// HTTPAddr returns the HTTP door's address, and nil when it is shut. Secure tells whether it speaks TLS.
func (l *Listener) HTTPAddr() (addr net.Addr, secure bool) {
	if l.http == nil {
		return nil, false
	}
	return l.http.listener.Addr(), l.cfg.Certificate != nil
}

// Web tells whether browsers may come by WebTransport.
func (l *Listener) Web() bool { return !l.cfg.NoWeb }

// Development tells whether the certificate is the development certificate.
func (l *Listener) Development() bool { return l.cfg.Certificate == nil }

// Trusts tells whether an address is one of Config.Trusted, to which no bound for each address applies.
func (l *Listener) Trusts(addr netip.Addr) bool {
	return slices.ContainsFunc(l.cfg.Trusted, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// Pin returns the SHA-256 of the certificate in DER form, by which a client may know it. A development certificate's
// changes when it is renewed, every 12 days.
func (l *Listener) Pin() [sha256.Size]byte { return l.certs.pin() }

// Accept returns the next connection. Its client may have gone since, as the connection's context tells.
// Accept returns ErrClosed after Close, the context's error when that ended, and what went wrong when the
// socket can't be read any more.
func (l *Listener) Accept(ctx context.Context) (*Conn, error) {
	select {
	case <-l.ended:
		return nil, l.endError()
	default:
	}
	select {
	case conn := <-l.queue:
		return conn, nil
	case <-l.ended:
		return nil, l.endError()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (l *Listener) endError() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return ErrClosed
	}
	return fmt.Errorf("accept connections: %w", l.err)
}

// Stats returns the counters.
func (l *Listener) Stats() Stats {
	l.mu.Lock()
	all, open := len(l.conns), l.open
	l.mu.Unlock()
	out := Stats{
		Open: all, Native: open[Native], WebTransport: open[WebTransport], WebSocket: open[WebSocket],
		Accepted:            l.accepted.Load(),
		RefusedFull:         l.full.Load(),
		RefusedConnsAddress: l.crowd.Load(),
		RefusedBacklog:      l.backlog.Load(),
		RefusedHandshakes:   l.handshakes.refused.Load(),
		RefusedAddress:      l.handshakes.address.Load(),
		Retries:             l.handshakes.retries.Load(),
		RefusedDatagrams:    l.noDatagrams.Load(),
		RefusedOrigins:      l.badOrigins.Load(),
		RefusedRequests:     l.requests.Load(),
		Idle:                l.idle.Load(),
		PacketsDropped:      l.packets.dropped.Load(),
		CertificateReloads:  l.certs.reloads.Load(), CertificateReloadsFailed: l.certs.failed.Load(),
		HTTPEnded: l.httpEnded.Load(),
		Moves:     l.moved.Load(), MovedTooOften: l.movedTooOften.Load(),
		Wasteful: l.wasteful.Load(), BadFrames: l.badFrames.Load(),
		DatagramsBehind:  l.behind.Load(),
		DatagramsDropped: l.dropped.Load(),
	}
	if l.socket != nil {
		out.PacketsUnsent = l.socket.Unsent()
	}
	if l.http != nil {
		out.RefusedHTTP, out.RefusedHTTPAddress = l.http.listener.refused.Load(), l.http.listener.crowd.Load()
	}
	return out
}

// Close stops listening, closes every connection with protocol.CloseShutdown and waits until all is gone:
// connections, goroutines and, if the listener opened it, the socket. One thing goes on, for half a second at most: net/http
// lets a connection linger whose request it did not read to the end. Closing twice is harmless.
func (l *Listener) Close() error {
	var err error
	l.closing.Do(func() {
		l.mu.Lock()
		l.closed = true
		l.mu.Unlock()

		l.inner.Close()
		<-l.ended
		l.stop()
		if l.http != nil {
			l.http.close()
		}
		// No connection is added any more.
		l.mu.Lock()
		for conn := range l.conns {
			l.work.Go(func() { conn.Close(protocol.CloseShutdown, "the server is shutting down") })
		}
		l.mu.Unlock()
		l.work.Wait()

		err = l.quic.Close()
		l.closeSocket()
	})
	return err
}

// begin counts a piece of work that Close waits for. It returns false when that has begun.
func (l *Listener) begin() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.work.Add(1)
	}
	return !l.closed
}

func (l *Listener) closeSocket() {
	if l.socket != nil {
		l.socket.Close()
	}
}

// acceptLoop takes connections from quic-go, which holds no more than 32, and never waits for anybody.
func (l *Listener) acceptLoop() {
	defer close(l.ended)
	for {
		raw, err := l.inner.Accept(context.Background())
		if err != nil {
			l.err = err
			return
		}
		l.admit(raw)
	}
}

// admit hands a native connection over, or closes it with the reason why not, and leaves others to HTTP/3.
func (l *Listener) admit(raw *quic.Conn) {
	state := raw.ConnectionState()
	if state.TLS.NegotiatedProtocol == http3.NextProtoH3 {
		l.work.Go(func() { l.serveWeb(raw) })
		return
	}
	conn := newNative(raw, l.cfg.OverStream)
	var refused *refusal
	if state.SupportsDatagrams.Remote {
		refused = l.hand(conn, conn.ctx)
	} else {
		l.noDatagrams.Add(1)
		refused = &refusal{protocol.CloseProtocol, "datagrams are required"}
	}
	if refused == nil {
		endHandshake(conn.ctx)
		return
	}
	// Aside, so that the loop goes on. The place among the handshakes is kept until then, and so bounds the goroutines.
	l.work.Go(func() {
		conn.Close(refused.code, refused.reason)
		endHandshake(conn.ctx)
	})
}

// refusal is why a connection is not handed over.
type refusal struct {
	code   protocol.CloseCode
	reason string
}

// hand puts a connection into the queue for Accept, and counts it as open until life ends. Otherwise it returns why not,
// and the caller closes it.
func (l *Listener) hand(conn *Conn, life context.Context) *refusal {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return &refusal{protocol.CloseShutdown, "the server is shutting down"}
	case len(l.queue) == cap(l.queue):
		l.backlog.Add(1)
		return &refusal{protocol.CloseFull, "the server is busy"}
	case len(l.conns) >= l.cfg.MaxConns:
		l.full.Add(1)
		return &refusal{protocol.CloseFull, "the server is full"}
	}
	give, ok := l.takeOf(conn.RemoteAddr())
	if !ok {
		l.crowd.Add(1)
		return &refusal{protocol.CloseFull, "too many connections of your network address: close one"}
	}
	conn.moves.listener = l
	l.conns[conn] = struct{}{}
	l.open[conn.door]++
	l.work.Add(1)
	context.AfterFunc(life, func() {
		defer l.work.Done()
		give()
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.conns, conn)
		l.open[conn.door]--
	})
	l.accepted.Add(1)
	l.queue <- conn // has room, as was seen above: nobody else sends
	return nil
}

// takeOf takes a place among the connections of an address, which give gives back. It returns false when it has as many as
// it may.
func (l *Listener) takeOf(from net.Addr) (give func(), ok bool) {
	addr := quota.AddrOf(from)
	if l.Trusts(addr) {
		return func() {}, true
	}
	key := quota.KeyOf(addr) // also later: the address may change
	return func() { l.byAddress.Give(key) }, l.byAddress.Take(key)
}
